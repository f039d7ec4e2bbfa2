use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::addr::{Address, IntervalSet, Prefix, TextBuffer};

/// The slow twin: every line by the reader that takes anything.
fn obvious(bytes: &[u8], relaxed: bool) -> Lines {
    let mut lines = Lines::default();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        lines.lines += 1;
        lines.read_line(line.strip_suffix(b"\n").unwrap_or(line), relaxed);
    }
    lines
}

/// Line by line, as on a machine without vectors.
fn portably(bytes: &[u8], relaxed: bool) -> Result<AddrList, ListErrors> {
    let mut lines = Lines::default();
    let mut bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    while !bytes.is_empty() {
        bytes = &bytes[lines.read_first(bytes, relaxed)..];
    }
    ListReader { parts: vec![lines], ..ListReader::default() }.finish()
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<u32>(), 0..34_u8)
            .prop_map(|(a, l)| format!("{}/{l}", std::net::Ipv4Addr::from(a & !u32::host_mask(l.min(32))))),
        (any::<u32>(), 0..33_u8).prop_map(|(a, l)| format!("{}/{l}", std::net::Ipv4Addr::from(a))),
        any::<u32>().prop_map(|a| std::net::Ipv4Addr::from(a).to_string()),
        (any::<u128>(), 0..131_u8)
            .prop_map(|(a, l)| format!("{}/{l}", std::net::Ipv6Addr::from(a & !u128::host_mask(l.min(128))))),
        (any::<u32>(), 0..5_u8).prop_map(|(a, l)| format!("::ffff:{a:x}/12{l}")),
        (any::<u16>(), 0..9_u8).prop_map(|(a, l)| format!("0000::ffff:{a:x}:0/12{l}")),
        (any::<u16>(), 0..9_u8).prop_map(|(a, l)| format!("0000::ffff:1:{a:x}/12{l}")),
        (any::<u32>(), any::<u32>()).prop_map(|(a, b)| format!(
            "{} - {}",
            std::net::Ipv4Addr::from(a),
            std::net::Ipv4Addr::from(b)
        )),
        "[0-9a-f:./-]{0,12}",
        Just("1.2.3.4/024".to_owned()),
        Just("2001:db8::/0128".to_owned()),
    ]
}

/// Brings at most seven bytes at once.
fn slowly(mut bytes: &[u8]) -> impl FnMut(&mut [u8]) -> Result<usize, Infallible> + Send {
    move |buffer| {
        let len = bytes.len().min(buffer.len()).min(7);
        buffer[..len].copy_from_slice(&bytes[..len]);
        bytes = &bytes[len..];
        Ok(len)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn fast_lines_as_the_slow_twin(
        entries in prop::collection::vec((entry(), "( |\t|\r| # x| ; y| # 1.2.3.4|;10.0.0.0/8|,NL|\u{a0}|\u{0})?", "(\n|\r\n)"), 0..40),
        bom: bool, open_end: bool, relaxed: bool, cut: prop::sample::Index, size in prop::option::of(1..200_usize),
    ) {
        let mut bytes = if bom { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        entries.iter().for_each(|(a, b, c)| bytes.extend([a, b, c].map(|t| t.as_bytes()).concat()));
        if open_end {
            bytes.pop();
        }
        // One letter and a zero byte in front are UTF-16, which these two readers below the decoder do not know.
        prop_assume!(matches!(crate::text::Encoding::of(&bytes), Some(crate::text::Encoding::Utf8) | None));
        let slow = obvious(&bytes, relaxed);
        let mut reader = ListReader::new(ListOptions { relaxed });
        let cut = cut.index(bytes.len() + 1);
        reader.push(&bytes[..cut]);
        match size {
            None => reader.push(&bytes[cut..]),
            Some(size) => reader.read_pieces(slowly(&bytes[cut..]), size).unwrap(),
        }
        let list = reader.finish();
        prop_assert_eq!(&portably(&bytes, relaxed), &list);
        match list {
            Err(errors) => prop_assert_eq!(errors, slow.errors),
            Ok(list) => {
                prop_assert_eq!(slow.errors.total(), 0);
                prop_assert_eq!(list.entries, slow.v4.others.len() + slow.v6.others.len());
                prop_assert_eq!(list.set.v4, IntervalSet::from_intervals(slow.v4.others));
                prop_assert_eq!(list.set.v6, IntervalSet::from_intervals(slow.v6.others));
            }
        }
    }
}

#[test]
fn a_source_that_fails_or_never_ends_its_line() {
    let text = "192.0.2.0/24\n".repeat(100_000);
    for good in [0, 1, 20, 4000] {
        let mut left = good;
        let mut fine = slowly(text.as_bytes());
        let mut reader = ListReader::new(ListOptions::default());
        let failed = reader.read_pieces(
            |buffer| {
                left -= 1;
                assert!(left >= -1, "asked again");
                if left < 0 { Err("the disk is gone") } else { fine(buffer).map_err(|never| match never {}) }
            },
            64,
        );
        assert_eq!(failed, Err("the disk is gone"));
    }
    // Behind a source may come more, also of the same line.
    let mut reader = ListReader::new(ListOptions::default());
    reader.push(b"192.0.2.0");
    reader.read_pieces(slowly(b"/25\n192.0.2.1"), 64).unwrap();
    reader.read_pieces(slowly(b""), 64).unwrap();
    reader.read_pieces(slowly(b"28/2"), 1).unwrap();
    reader.push(b"5");
    assert_eq!(reader.finish().unwrap().set.prefixes().next().unwrap().to_string(), "192.0.2.0/24");
    // Files that were put together have byte order marks inside.
    let mut reader = ListReader::new(ListOptions::default());
    reader.read_pieces(slowly("\u{feff}1.0.0.0/8\n\u{feff}2.0.0.0/8\n".as_bytes()), 13).unwrap();
    assert_eq!(reader.finish().unwrap().entries, 2);
    let long = format!("192.0.2.0/24{}# a comment\n192.0.3.0/24", " ".repeat(300_000));
    let mut reader = ListReader::new(ListOptions::default());
    reader.read_pieces(slowly(long.as_bytes()), 64).unwrap();
    assert_eq!(reader.finish().unwrap().set.prefixes().next().unwrap().to_string(), "192.0.2.0/23");
}

#[test]
fn many_lines_on_many_threads() {
    let mut lines = TextBuffer::new();
    for i in 0..100_000_u32 {
        lines.push_line(Prefix::host(i * 2));
        lines.push_line(Prefix::host(u128::from(i) << 90 | 1 << 100));
    }
    let mut bytes = lines.as_bytes().to_vec();
    let list = AddrList::parse(&bytes, ListOptions::default()).unwrap();
    assert_eq!(list.entries, 200_000);
    let mut out = Vec::new();
    list.set.write_text(|block| std::io::Write::write_all(&mut out, block)).unwrap();
    assert_eq!(AddrList::parse(&out, ListOptions::default()).unwrap().set, list.set);

    let middle = bytes.len() / 2 + bytes[bytes.len() / 2..].iter().position(|&b| b == b'\n').unwrap() + 1;
    let line = bytes[..middle].iter().filter(|&&b| b == b'\n').count() + 1;
    bytes.splice(middle..middle, *b"nonsense\n");
    let errors = AddrList::parse(&bytes, ListOptions::default()).unwrap_err();
    assert_eq!(errors.to_string(), format!("line {line}: nonsense: not an IP address or prefix"));
}

/// Text in UTF-16, the lower byte first.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn utf16_is_read_with_and_without_a_mark_in_any_pieces() {
    let text = "10.0.0.0/8 # Zürich\r\n11.0.0.0/8\r\n";
    for bytes in [wide(&format!("\u{feff}{text}")), wide(text)] {
        for size in [1, 2, 3, 7, 1000] {
            let mut pushed = ListReader::new(ListOptions::default());
            bytes.chunks(size).for_each(|piece| pushed.push(piece));
            let mut filled = ListReader::new(ListOptions::default());
            filled.read_pieces(slowly(&bytes), size).unwrap();
            for reader in [pushed, filled] {
                let list = reader.finish().unwrap();
                assert_eq!((list.entries, list.set.prefixes().count()), (2, 1), "pieces of {size}");
            }
        }
    }
    // One byte alone, and half a character at the end.
    assert_eq!(AddrList::parse(b"1", ListOptions::default()).unwrap_err().total(), 1);
    assert_eq!(AddrList::parse(&wide("1.1.1.1\n2")[..17], ListOptions::default()).unwrap_err().total(), 1);
}

#[test]
fn a_line_without_end_ends_the_reading() {
    let (mut asked, start) = (0_usize, b"192.0.2.1\n192.0.2.2\n");
    let mut reader = ListReader::new(ListOptions::default());
    reader
        .read_from(|buffer| {
            buffer.fill(0);
            if asked == 0 {
                buffer[..start.len()].copy_from_slice(start);
            }
            asked += buffer.len();
            assert!(asked < 8 * MOST_LINE, "read on and on");
            Ok::<usize, Infallible>(buffer.len())
        })
        .unwrap();
    // What comes behind it is not read any more.
    reader.push(b"nonsense\n");
    reader.read_from(|_| -> Result<usize, Infallible> { panic!("asked again") }).unwrap();
    let errors = reader.finish().unwrap_err();
    assert_eq!((errors.total(), errors.lines()[0].line), (1, 3));
    assert_eq!(errors.lines()[0].error, EntryError::TooLong { most: MOST_LINE });

    let mut reader = ListReader::new(ListOptions::default());
    for _ in 0..100 {
        reader.push(&[b'1'; 1 << 16]);
        assert!(reader.open.len() <= MOST_LINE);
    }
    assert_eq!(reader.finish().unwrap_err().lines()[0].line, 1);
}

#[test]
fn cleared_host_bits_are_told() {
    let bytes = "192.0.2.0/24\n198.51.100.7/24\n2001:db8::1/64 # x\n".repeat(20_000);
    let list = AddrList::parse(bytes.as_bytes(), ListOptions { relaxed: true }).unwrap();
    assert_eq!((list.entries, list.cleared.total()), (60_000, 40_000));
    let text = list.cleared.to_string();
    assert!(text.starts_with(
        "line 2: 198.51.100.7/24 was read as 198.51.100.0/24\nline 3: 2001:db8::1/64 was read as 2001:db8::/64\nline 5: "
    ), "{text}");
    assert!(text.ends_with("\nand 39990 more"), "{text}");
}

#[test]
fn what_is_shown_of_a_line_has_no_hidden_characters() {
    let errors =
        AddrList::parse("\x1b[2J\x1b[31mgone \u{202e}x\n".as_bytes(), ListOptions::default()).unwrap_err();
    let text = errors.to_string();
    assert!(crate::text::hidden(&text).is_none() && text.contains("[2J\\u{1b}[31m"), "{text}");
}
