//! Lines, and pairs of lines, at the borders between what is read, what is a remark and what is refused.

use super::*;
use crate::addr::entry::{EntryError, Form, Likely, resembles_entry};
use crate::addr::line::{Found, read};
use crate::addr::{AddrSet, Cleared, Entry, PrefixError};

fn lines(line: &str) -> Result<Vec<String>, EntryError> {
    let mut found = Found::default();
    read(line, false, &mut found)?;
    let text = |entry: &Entry| match entry {
        Entry::V4(i) => i.to_string(),
        Entry::V6(i) => i.to_string(),
    };
    Ok(found.entries.iter().map(text).collect())
}

#[test]
fn rows_are_read_by_their_first_cell() {
    assert_eq!(lines(",192.0.2.1").unwrap(), ["192.0.2.1"]);
    // A sign between quotes parts no cells, and a list by blanks may have a number behind it.
    assert_eq!(lines("192.0.2.1,\"NL; 198.51.100.1\"").unwrap(), ["192.0.2.1"]);
    assert_eq!(
        lines("192.0.2.0/30 198.51.100.0/31\t64496").unwrap(),
        ["192.0.2.0-192.0.2.3", "198.51.100.0-198.51.100.1"]
    );
    // A row without an entry is passed over only if it heads a table.
    for row in ["office,Amsterdam", "office;", "nonsense\tmore"] {
        assert!(lines(row).is_err(), "{row}");
    }
    let statement =
        |word: &str, value: &str| EntryError::Statement { word: word.to_owned(), value: value.to_owned() };
    assert_eq!(lines("deny ip 192.0.2.1,192.0.2.2"), Err(statement("deny", "192.0.2.1")));
    assert_eq!(lines("host 192.0.2.1 our own"), Err(statement("host", "192.0.2.1")));
}

#[test]
fn sets_and_marks() {
    for (line, word) in
        [("add blocked 192.0.2.1 skbmark 1", "skbmark"), ("add blocked 192.0.2.1 a comment", "a")]
    {
        assert_eq!(lines(line), Err(EntryError::Word { word: word.to_owned() }), "{line}");
    }
    assert_eq!(lines("-192.0.2.1"), Err(EntryError::Form(Form::Marked('-'))));
    for line in ["-office", "=x"] {
        let error = lines(line).unwrap_err();
        assert!(
            !matches!(error, EntryError::Form(Form::Marked(_)) | EntryError::Exception),
            "{line}: {error:?}"
        );
    }
}

#[test]
fn rows_of_registries_are_read_whole_or_refused() {
    for row in [
        "a|b|ripencc|*|2|summary",
        "ripencc|NL|ipv4|3232235776|256|20120101|allocated",
        "ripencc|NL|asn|none|1|20120101|allocated",
    ] {
        assert!(lines(row).is_err(), "{row}");
    }
    let host_bits = EntryError::Prefix(PrefixError::HostBits { canonical: "2001:db8::/32".to_owned() });
    assert_eq!(lines("ripencc|NL|ipv6|2001:db8::1|32|20120101|allocated"), Err(host_bits));
}

#[test]
fn what_two_addresses_side_by_side_are_likely_to_be() {
    let range = |text: &str| Likely::Range(text.to_owned());
    for (line, likely) in [
        // No mask, since bits are left outside of it; and rather two addresses, in either order.
        ("192.0.2.1 192.0.0.0", Likely::Unknown),
        ("64.0.0.0 192.0.0.0", range("64.0.0.0-192.0.0.0")),
        ("192.0.2.1 192.0.2.9", range("192.0.2.1-192.0.2.9")),
        ("192.0.2.1 192.0.2.1", range("192.0.2.1-192.0.2.1")),
        ("192.0.2.9 192.0.2.1", Likely::Unknown),
        ("0.0.0.0 224.0.0.0", Likely::Mask("0.0.0.0/3".to_owned())),
        ("2001:db8::1 2001:db8::9", range("2001:db8::1-2001:db8::9")),
        ("2001:db8::1 2001:db8::1", range("2001:db8::1-2001:db8::1")),
        ("2001:db8::9 2001:db8::1", Likely::Unknown),
        ("2001:db8::9 192.0.2.1", Likely::Unknown),
        ("192.0.2.0/24 198.51.100.1", Likely::Route),
        ("2001:db8::/64 2001:db8::1", Likely::Route),
    ] {
        assert_eq!(lines(line), Err(EntryError::Several(likely)), "{line}");
    }
}

#[test]
fn numbers_that_are_nearly_entries() {
    let error = |text: &str| Entry::parse(text, false).expect_err(text);
    for (text, form) in [("123", Form::Short), ("1234", Form::Number), ("*.0.2.1", Form::Star)] {
        assert_eq!(error(text), EntryError::Form(form), "{text}");
    }
    for text in ["0x7f.0.0.1", "x.example.com", "x", "*", "3232235776/24", "1234.5"] {
        assert!(!matches!(error(text), EntryError::Form(_)), "{text}: {:?}", error(text));
    }
    for word in ["2001:db8:0:0:0:0:0:1", "2001:db8::12345"] {
        assert!(resembles_entry(word), "{word}");
    }
}

/// What is kept of very many messages: the first ones, cut, with the numbers that their lines have in all of the list.
#[test]
fn messages_are_kept_up_to_their_bound_and_counted_beyond() {
    let long = "a".repeat(81);
    let make = |count: usize| {
        let (mut errors, mut cleared) = (ListErrors::default(), Cleared::default());
        for line in 1..=count {
            errors.push(line, &long, EntryError::Range);
            cleared.push(line, long.clone(), "192.0.2.0/24".to_owned());
        }
        (errors, cleared)
    };
    let (errors, cleared) = make(ListErrors::MOST + 1);
    assert_eq!((errors.lines().len(), errors.total()), (ListErrors::MOST, ListErrors::MOST + 1));
    assert_eq!((cleared.lines().len(), cleared.total()), (Cleared::MOST, ListErrors::MOST + 1));
    assert_eq!((errors.lines()[0].text.len(), cleared.lines()[0].text.len()), (80, 80));
    let (mut errors, mut cleared) = make(1);
    let (later_errors, later_cleared) = make(ListErrors::MOST);
    errors.append(later_errors, 1000);
    cleared.append(later_cleared, 1000);
    assert_eq!((errors.lines().len(), errors.total()), (ListErrors::MOST, ListErrors::MOST + 1));
    assert_eq!((cleared.lines().len(), cleared.total()), (Cleared::MOST, ListErrors::MOST + 1));
    assert_eq!((errors.lines()[1].line, cleared.lines()[1].line), (1001, 1001));
}

fn errors(bytes: &[u8]) -> Vec<(usize, String, EntryError)> {
    let found = AddrList::parse(bytes, ListOptions::default()).expect_err("some line is wrong");
    found.lines().iter().map(|e| (e.line, e.text.clone(), e.error.clone())).collect()
}

#[test]
fn a_message_shows_the_remark_only_where_it_is_what_is_wrong() {
    let found = errors(b"192.0.2.1 # 198.51.100.1\nnonsense # of ours\n# \xff\n\xff # ours\n");
    let shown: Vec<(usize, &str)> = found.iter().map(|(line, text, _)| (*line, text.as_str())).collect();
    assert_eq!(shown, [(1, "192.0.2.1 # 198.51.100.1"), (2, "nonsense"), (4, "\u{fffd} # ours")]);
    assert!(matches!(found[0].2, EntryError::InRemark { .. }) && found[2].2 == EntryError::NotText);
}

#[test]
fn the_whole_space_is_one_entry_of_each_family() {
    let list = AddrList::parse(b"0.0.0.0/0\n::/0\n192.0.2.1\n", ListOptions::default()).unwrap();
    assert_eq!((list.set, list.entries), (AddrSet::all(), 3));
}

#[test]
fn a_line_as_long_as_the_most_is_too_long_and_its_beginning_is_shown() {
    for (len, endless) in [(MOST_LINE - 1, false), (MOST_LINE, true)] {
        let mut reader = ListReader::new(ListOptions::default());
        reader.push(&vec![b'1'; len]);
        let found = reader.finish().unwrap_err();
        let [line] = found.lines() else { panic!("{found}") };
        assert_eq!(line.error == EntryError::TooLong { most: MOST_LINE }, endless);
        assert_eq!(line.text, "1".repeat(80));
    }
}

/// Pieces are read by whoever is free; what is told of them is told in their order.
#[test]
fn lines_have_their_numbers_whoever_reads_them() {
    let text: String = (1..=4000)
        .map(|n| if n % 97 == 0 { "wrong\n".into() } else { format!("192.0.2.{}\n", n % 256) })
        .collect();
    let wrong: Vec<usize> = (1..=4000).filter(|n| n % 97 == 0).collect();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for size in [64, 1 << 10, PIECE] {
        let mut rest = text.as_bytes();
        let mut reader = ListReader::new(ListOptions::default());
        let fill = |buffer: &mut [u8]| std::io::Read::read(&mut rest, buffer);
        threads.install(|| reader.read_pieces(fill, size)).unwrap();
        let found: Vec<usize> = reader.finish().unwrap_err().lines().iter().map(|e| e.line).collect();
        assert_eq!(found, wrong, "{size}");
    }
}
