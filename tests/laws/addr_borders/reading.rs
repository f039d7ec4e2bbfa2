//! What is nearly an address, and lists with long lines.

use tagwall::addr::{AddrList, Count, IpPrefix, ListOptions, ListReader, TextBuffer};

use super::{p, set};

#[test]
fn large_numbers_as_ratios() {
    let big = Count::from(u128::MAX) + Count::from(1_u64);
    assert_eq!(big.to_f64(), 2f64.powi(128));
    assert_eq!((big + big).to_f64(), 2f64.powi(129));
}

fn read(text: &str) -> Result<Vec<String>, String> {
    let list = AddrList::parse(text.as_bytes(), ListOptions::default()).map_err(|e| e.to_string())?;
    Ok(list.set.prefixes().map(|p| p.to_string()).collect())
}

#[test]
fn lines_at_their_borders() {
    let ten = || Ok(vec!["10.0.0.0/8".to_owned()]);
    for text in [
        "10.0.0.0/8 // a\t// b",
        "10.0.0.0/8 # a // b",
        "10.0.0.0/8 // a # b",
        "10.0.0.0/8\t// a // b",
        "ripencc|*|asn|*|35000|summary\n10.0.0.0/8",
    ] {
        assert_eq!(read(text), ten(), "{text}");
    }
    assert_eq!(read("10.0.0.0/8\u{200b};20.0.0.0/8"), Ok(vec!["10.0.0.0/8".into(), "20.0.0.0/8".into()]));
    for text in ["sep=ab", "flush 10.0.0.0/8", ",\"10.0.0.0/8;20.0.0.0/8\"", "-", "~", "-\u{e9}"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_nearly_an_address_is_none() {
    let texts = [
        "300.1.1.1",
        "1.256.1.1",
        "1.1.260.1",
        "1.2.3.256",
        "1.2.3.999",
        "1.2.3.1234",
        "1234.2.3.4",
        "1.2.3.",
        "1.2.3",
        ".1.2.3",
        "1..2.3",
        "1::2:",
        ":1::2",
        "1:2:3:4:5:6:7:",
        "12345::",
        "::12345",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        "1::2::3",
        "::1::",
        ":::",
        "1::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:88888",
        "2603:10g0::",
        "fe80::g",
        "2603:1000:1000:1000:1000:1000:1000:100G",
        "::1:",
    ];
    for text in texts {
        for tail in ["", "/8", "/32"] {
            let text = format!("{text}{tail}");
            assert!(text.parse::<IpPrefix>().is_err(), "{text}");
            assert!(read(&format!("{text}\n")).is_err(), "{text}");
            assert!(
                read(&format!(
                    "{text} # a remark that makes the line a long one, of more than sixty-four bytes\n"
                ))
                .is_err(),
                "{text}"
            );
        }
    }
    for text in [
        "1.2.3.255",
        "255.255.255.255",
        "1:2:3:4:5:6:7:8",
        "1::",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
    ] {
        assert!(text.parse::<IpPrefix>().is_ok() && read(text).is_ok(), "{text}");
    }
}

fn read_from(pieces: Vec<Vec<u8>>) -> Result<AddrList, String> {
    let text: Vec<u8> = pieces.concat();
    let mut rest = text.as_slice();
    let mut reader = ListReader::new(ListOptions::default());
    reader.read_from(|buffer| std::io::Read::read(&mut rest, buffer)).map_err(|e| e.to_string())?;
    reader.finish().map_err(|e| e.to_string())
}

const MIB: usize = 1 << 20;

#[test]
fn long_lines_from_a_source() {
    let remark = |len: usize| {
        let mut line = vec![b'#'; len - 1];
        line.push(b'\n');
        line
    };
    let entry = || b"10.0.0.0/8\n".to_vec();
    // The buffer that a long line has made is larger than the longest line.
    let list = read_from(vec![
        remark(3 * MIB),
        remark(MIB),
        remark(MIB),
        remark(MIB),
        remark(MIB),
        remark(MIB),
        entry(),
    ]);
    assert_eq!(list.map(|list| list.entries), Ok(1));
    assert_eq!(read_from(vec![remark(4 * MIB), entry()]).map(|list| list.entries), Ok(1));
    let error = read_from(vec![remark(4 * MIB + 1), entry()]).unwrap_err();
    assert!(error.contains("does not end"), "{error}");
    let error = read_from(vec![b"\nfoo".to_vec()]).unwrap_err();
    assert!(error.starts_with("line 2: foo"), "{error}");
}

#[test]
fn long_lines_in_pieces() {
    let line = [vec![b'#'; 999], vec![b'\n']].concat();
    let text = [line.repeat(6000), b"10.0.0.0/8\n".to_vec()].concat();
    let mut reader = ListReader::new(ListOptions::default());
    text.chunks(MIB + 7).for_each(|piece| reader.push(piece));
    assert_eq!(reader.finish().map(|list| list.entries), Ok(1));
    let mut reader = ListReader::new(ListOptions::default());
    reader.push(&vec![b'#'; 4 * MIB]);
    assert!(reader.finish().is_err());
    for bytes in ["10.0.0.0/8\n", "\u{feff}10.0.0.0/8\n"] {
        let mut reader = ListReader::new(ListOptions::default());
        bytes.as_bytes().chunks(1).for_each(|piece| reader.push(piece));
        assert_eq!(reader.finish().unwrap().set, set(&["10.0.0.0/8"]));
    }
}

#[test]
fn lines_of_a_buffer() {
    let mut lines = TextBuffer::new();
    lines.push_line(p("10.0.0.0/8"));
    lines.push_line(p("2603::/16"));
    assert_eq!(lines.as_bytes(), b"10.0.0.0/8\n2603::/16\n");
}

#[test]
fn a_letter_behind_a_prefix_is_no_line_end() {
    // The sixty-fourth byte is what stands before a line end of other systems.
    let text = "10.0.0.0/8x\n192.0.2.0/24\r\n# a remark that fills up what is left.....\r\n10.0.0.0/8\r\n";
    for at in 0..20 {
        let text = text.replace(".....", &".".repeat(at));
        assert!(read(&text).unwrap_err().starts_with("line 1: 10.0.0.0/8x"), "{at}");
        assert_eq!(read(&text.replace('x', "")).unwrap().len(), 2);
    }
}

#[test]
fn what_is_listed_many_times_is_read_once() {
    let last = "20.0.0.128/25\n10.0.0.128/25\n";
    assert_eq!(read(&("10.0.0.0/25\n".repeat(5000) + last)).unwrap(), ["10.0.0.0/24", "20.0.0.128/25"]);
    let hosts: String = (0..6000).map(|n| format!("10.0.0.{}\n", n * 7 % 16)).collect();
    assert_eq!(read(&hosts).unwrap(), ["10.0.0.0/28"]);
    assert_eq!(read(&(hosts + last)).unwrap(), ["10.0.0.0/28", "10.0.0.128/25", "20.0.0.128/25"]);
}
