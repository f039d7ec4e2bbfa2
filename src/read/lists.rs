//! Lists of prefixes as text, and sets of nftables: each in just the form that is written.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::error::{Files, Line, ReadError, Wrong, utf8};
use crate::read::resources::{AddressList, Remarks};
use crate::text::says;

/// Lists with one entry on a line and nothing else.
pub(super) fn read_plain(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    files.iter().map(|(name, bytes)| list(name, "lists/", 1, lines(name, bytes)?)).collect()
}

/// Lists which may have one remark at the top, or the same remark behind each entry.
pub(super) fn read_edl(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    files.iter().map(|(name, bytes)| edl(name, lines(name, bytes)?)).collect()
}

fn lines<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<&'a str>, ReadError> {
    let text = utf8(name, bytes)?;
    let body = text.strip_suffix('\n').ok_or_else(|| ReadError::new(name, "the last line does not end"))?;
    Ok(body.split('\n').collect())
}

fn edl(name: &str, mut lines: Vec<&str>) -> Result<AddressList, ReadError> {
    if lines[0].starts_with('#') {
        check_remark(name, 1, lines.remove(0).strip_prefix("# "))?;
        let mut found = list(name, "edl/", 2, lines)?;
        found.remarks = Remarks::Head;
        return Ok(found);
    }
    let Some((_, remark)) = lines[0].split_once(' ') else { return list(name, "edl/", 1, lines) };
    check_remark(name, 1, Some(remark))?;
    let mut entries = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        match line.split_once(' ') {
            Some((entry, other)) if other == remark => entries.push(entry),
            _ => {
                let text = "the remark behind the entry is not that of the first line";
                return Err(ReadError::new(Line(name, index + 1), text));
            }
        }
    }
    let mut found = list(name, "edl/", 1, entries)?;
    found.remarks = Remarks::Entries;
    Ok(found)
}

/// A remark is plain ASCII: consumers state no encoding.
fn check_remark(name: &str, line: usize, remark: Option<&str>) -> Result<(), ReadError> {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    match remark.is_some_and(plain) {
        true => Ok(()),
        false => Err(ReadError::new(Line(name, line), "this remark is not in the form that is written")),
    }
}

/// The list of entries that begin at a line.
fn list(name: &str, folder: &str, first: usize, entries: Vec<&str>) -> Result<AddressList, ReadError> {
    // A byte that no prefix has is told with its line; what else is wrong with an entry, the proof says.
    let strange = |entry: &&str| entry.is_empty() || !entry.bytes().all(is_part_of_prefix);
    if let Some(index) = entries.iter().position(strange) {
        let at = Line(name, first + index);
        return Err(ReadError::new(at, Wrong::QuotedIsNo(entries[index], "prefix")));
    }
    let stem = name.strip_prefix(folder).and_then(|name| name.strip_suffix(".txt"));
    let v6 = match stem.filter(|stem| !stem.contains('/')).and_then(|stem| stem.rsplit_once('.')) {
        Some((_, "ipv4")) => false,
        Some((_, "ipv6")) => true,
        _ => return Err(ReadError::new(name, "the name says no family, or another folder")),
    };
    let entries = entries.into_iter().map(str::to_owned).collect();
    Ok(AddressList { name: name.to_owned(), v6, entries, ..AddressList::default() })
}

fn is_part_of_prefix(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'.' | b':' | b'/')
}

/// The file of `table`, `set`, `flush set` and `add element` commands.
pub(super) fn read_nft(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    match files {
        [] => Ok(Vec::new()),
        [("sets.nft", bytes)] => nft("sets.nft", utf8("sets.nft", bytes)?),
        [(name, _), ..] => Err(ReadError::new(*name, "no file of this name is known")),
    }
}

/// The line that every file of ours begins with.
const HEAD: &str = "# Written by tagwall: change the policy, not this file.";

/// The lines of a file.
struct Commands<'a> {
    name: &'a str,
    lines: std::str::Split<'a, char>,
    /// Counted from 1.
    line: usize,
}

impl<'a> Commands<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let next = self.lines.next()?;
        self.line += 1;
        Some(next)
    }

    fn error<T>(&self, message: impl Display) -> Result<T, ReadError> {
        Err(ReadError::new(Line(self.name, self.line), message))
    }

    /// The next line, which must be this one.
    fn expect(&mut self, wanted: &str) -> Result<(), ReadError> {
        self.expect_with(format_args!("{wanted}"))
    }

    /// The same of a line with names in it.
    fn expect_with(&mut self, wanted: std::fmt::Arguments<'_>) -> Result<(), ReadError> {
        match self.next() {
            Some(line) if says(line, wanted) => Ok(()),
            _ => self.error(format_args!("{:?} is expected", wanted.to_string().trim_start_matches('\t'))),
        }
    }
}

/// What stands between `start` and `end`, if it is a name of the kind that sets and tables have.
fn named<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(end).filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// One table with its sets, then each set emptied and filled once, in one transaction.
fn nft<'t>(name: &'t str, text: &'t str) -> Result<Vec<AddressList>, ReadError> {
    let Some(text) = text.strip_suffix('\n') else {
        return Err(ReadError::new(name, "the last line does not end"));
    };
    let mut commands = Commands { name, lines: text.split('\n'), line: 0 };
    commands.expect(HEAD)?;
    commands.expect("")?;
    let Some(table) = commands.next().and_then(|line| named(line, "table inet ", " {")) else {
        return commands.error("a table of the family inet is expected");
    };
    let mut sets = declared(&mut commands, table)?;
    let mut filled = BTreeMap::new();
    while let Some(line) = commands.next() {
        if !line.is_empty() {
            return commands.error("this command is not read");
        }
        let flushed = |line: &'t str| line.strip_prefix("flush set inet ")?.split_once(' ');
        let flushed = commands.next().and_then(flushed).filter(|(of, set)| *of == table && is_name(set));
        let Some((_, set)) = flushed else {
            return commands.error("a set of the table is to be flushed");
        };
        if !sets.contains_key(set) || filled.contains_key(set) {
            return commands.error("there is no such set, or it is filled twice");
        }
        commands.expect_with(format_args!("add element inet {table} {set} {{"))?;
        filled.insert(set, elements(&mut commands)?);
    }
    for (set, list) in &mut sets {
        match filled.remove(set.as_str()) {
            Some(entries) => list.entries = entries,
            None => return commands.error(format_args!("the set {set} is not filled")),
        }
    }
    Ok(sets.into_values().collect())
}

/// The sets that a table declares, to its end.
fn declared(commands: &mut Commands<'_>, table: &str) -> Result<BTreeMap<String, AddressList>, ReadError> {
    let mut sets = BTreeMap::new();
    loop {
        let Some(line) = commands.next() else { return commands.error("the table does not end") };
        if line == "}" {
            return Ok(sets);
        }
        // A `\` at its end would join the remark with the next line in some versions of the grammar.
        let title = line.strip_prefix("\t# ").filter(|title| !title.ends_with('\\'));
        if title.is_none_or(|title| title.contains(char::is_control)) {
            return commands.error("the remark before a set is expected");
        }
        let Some(set) = commands.next().and_then(|line| named(line, "\tset ", " {")) else {
            return commands.error("a set is expected");
        };
        let v6 = match commands.next() {
            Some("\t\ttype ipv4_addr") => false,
            Some("\t\ttype ipv6_addr") => true,
            _ => return commands.error("the type of a set is expected: ipv4_addr or ipv6_addr"),
        };
        commands.expect("\t\tflags interval")?;
        commands.expect("\t}")?;
        let (set, table) = (set.to_owned(), Some(table.to_owned()));
        if sets.contains_key(&set) {
            return commands.error("two sets have one name");
        }
        sets.insert(set.clone(), AddressList { name: set, v6, table, ..AddressList::default() });
    }
}

/// The elements of a set, to its end.
fn elements(commands: &mut Commands<'_>) -> Result<Vec<String>, ReadError> {
    let mut entries = Vec::new();
    loop {
        match commands.next() {
            Some("}") => return Ok(entries),
            Some(line) => {
                let entry = line.strip_prefix('\t').and_then(|line| line.strip_suffix(','));
                match entry.filter(|entry| entry.bytes().all(is_part_of_prefix)) {
                    Some(entry) => entries.push(entry.to_owned()),
                    None => return commands.error("an element is no prefix"),
                }
            }
            None => return commands.error("the elements do not end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS: &str = "# Written by tagwall: change the policy, not this file.\n\ntable inet t {\n\t# A\n\tset s_a_ipv4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n\
                        \t# B\n\tset s_b_ipv6 {\n\t\ttype ipv6_addr\n\t\tflags interval\n\t}\n}\n\n\
                        flush set inet t s_a_ipv4\nadd element inet t s_a_ipv4 {\n\t203.0.113.0/24,\n\t198.51.100.7,\n}\n\n\
                        flush set inet t s_b_ipv6\nadd element inet t s_b_ipv6 {\n\t2001:db8::/32,\n}\n";

    fn sets(text: &str) -> Result<Vec<AddressList>, ReadError> {
        read_nft(&[("sets.nft", text.as_bytes())])
    }

    #[test]
    fn sets_are_read() {
        let found = sets(SETS).unwrap();
        let names: Vec<_> = found.iter().map(|l| (l.name.as_str(), l.v6, l.entries.len())).collect();
        assert_eq!(names, [("s_a_ipv4", false, 2), ("s_b_ipv6", true, 1)]);
        assert!(found.iter().all(|l| l.table.as_deref() == Some("t")));
    }

    #[test]
    fn whatever_else_nftables_takes_is_refused_at_its_line() {
        for (from, to, line) in [
            ("table inet t {", "table ip t {", 3),
            ("table inet t {", "table inet t { flags dormant;", 3),
            ("table inet t {", "include \"x\"\ntable inet t {", 3),
            ("table inet t {", "define a = 1\ntable inet t {", 3),
            ("table inet t {", "flush ruleset\ntable inet t {", 3),
            ("# A", "# A \\", 4),
            ("flags interval", "flags interval, timeout", 7),
            ("flags interval", "flags dynamic", 7),
            ("flags interval\n", "flags interval\n\t\ttimeout 1h\n", 8),
            ("flags interval\n", "flags interval\n\t\tauto-merge\n", 8),
            ("flags interval\n", "flags interval\n\t\telements = { 1.1.1.1 }\n", 8),
            ("type ipv4_addr", "type ipv4_addr . inet_service", 6),
            ("type ipv4_addr", "typeof ip daddr", 6),
            ("set s_b_ipv6 {", "set s_a_ipv4 {", 13),
            ("\t# B", "\tchain c { type filter hook input priority 0; policy accept; }", 9),
            ("\t# B", "\tmap m {", 9),
            ("flush set inet t s_a_ipv4", "flush set inet u s_a_ipv4", 16),
            ("flush set inet t s_a_ipv4\n", "", 16),
            ("flush set inet t s_a_ipv4", "flush set inet t s_c", 16),
            ("flush set inet t s_b_ipv6", "flush set inet t s_a_ipv4", 22),
            ("add element inet t s_b_ipv6", "delete element inet t s_b_ipv6", 23),
            ("add element inet t s_b_ipv6", "add element inet t s_a_ipv4", 23),
            ("203.0.113.0/24,", "203.0.113.0/24 timeout 1h,", 18),
            ("203.0.113.0/24,", "203.0.113.0/24, 10.0.0.0/8,", 18),
            ("203.0.113.0/24,", "203.0.113.0-203.0.113.9,", 18),
            ("203.0.113.0/24,", "203.0.113.0/24", 18),
            ("203.0.113.0/24,", "$a,", 18),
            ("2001:db8::/32,\n}\n", "2001:db8::/32,\n}\nadd rule inet t c accept\n", 26),
            ("2001:db8::/32,\n}\n", "2001:db8::/32,\n", 24),
        ] {
            let error = sets(&SETS.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("sets.nft line {line}:")), "{to}: {error}");
        }
        assert!(read_nft(&[("sets.nft", SETS.as_bytes()), ("more.nft", b"")]).is_err());
        assert!(read_nft(&[("more.nft", SETS.as_bytes())]).is_err());
    }

    fn one(folder: &str, text: &str) -> Result<AddressList, ReadError> {
        let name = format!("{folder}/a.ipv4.txt");
        let files = [(name.as_str(), text.as_bytes())];
        let found = if folder == "edl" { read_edl(&files) } else { read_plain(&files) };
        found.map(|mut lists| lists.remove(0))
    }

    #[test]
    fn lists_hold_one_entry_on_a_line() {
        assert_eq!(one("lists", "203.0.113.0/24\n198.51.100.7\n").unwrap().entries.len(), 2);
        for wrong in [
            "# a\n203.0.113.0/24\n",
            "203.0.113.0/24 x\n",
            "203.0.113.0/24\r\n",
            "203.0.113.0/24\n\n",
            "\u{feff}203.0.113.0/24\n",
            "203.0.113.0/24",
            "1.1.1.1;2.2.2.2\n",
            "2001:DB8::\n",
            "",
        ] {
            assert!(one("lists", wrong).is_err(), "{wrong:?}");
        }
        for name in ["lists/a.txt", "lists/a.ipv5.txt", "lists/b/a.ipv4.txt", "lists/a.ipv4.csv"] {
            assert!(read_plain(&[(name, b"203.0.113.0/24\n")]).is_err(), "{name}");
        }
    }

    #[test]
    fn remarks_of_lists_for_firewalls_have_one_of_two_forms() {
        let form = |text: &str| one("edl", text).map(|list| (list.remarks, list.entries.len()));
        assert_eq!(form("203.0.113.0/24\n"), Ok((Remarks::None, 1)));
        assert_eq!(form("# a b\n203.0.113.0/24\n"), Ok((Remarks::Head, 1)));
        assert_eq!(form("203.0.113.0/24 a b\n198.51.100.7 a b\n"), Ok((Remarks::Entries, 2)));
        for wrong in [
            "# a\n# b\n203.0.113.0/24\n",
            "#203.0.113.0/24\n198.51.100.7\n",
            "203.0.113.0/24\n# b\n",
            "203.0.113.0/24 a\n198.51.100.7\n",
            "203.0.113.0/24 a\n198.51.100.7 b\n",
            "203.0.113.0/24\n198.51.100.7 b\n",
            "203.0.113.0/24\ta\n",
            "# \u{202e}\n203.0.113.0/24\n",
        ] {
            assert!(one("edl", wrong).is_err(), "{wrong:?}");
        }
    }
}
