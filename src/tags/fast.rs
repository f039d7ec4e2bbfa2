//! The quick reader of a service-tags file: what it accepts it reads as the careful one in [`wire`](super::wire)
//! would, several parts of the file at once; anything unusual it leaves to that one.
//!
//! Nearly all of a file is lists of prefixes, and nearly all of the rest is the same few keys over and over. So the
//! bytes are passed over once, prefixes are parsed where they stand, and nothing is kept but what a tag needs.
//! "Unusual" is whatever does not occur in real files: escapes in strings, unknown keys with anything but a plain
//! value, a key twice, a prefix that is wrong.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::features::Features;
use super::wire::{ChangeNumber, File, PrefixList, Properties, Text, WireTag};
use crate::addr::Prefix;

/// Bytes from which on two threads read faster than one.
const PARALLEL_FROM: usize = 1 << 18;

/// Reads a whole file; `None` for one that has anything unusual.
pub(super) fn read(text: &str) -> Option<File<'_>> {
    let mut reader = FastReader::new(text);
    let file = reader.file()?;
    (reader.at == text.len()).then_some(file)
}

/// A place in a file. Every method returns `None` where it meets something unusual, and white space before what it
/// reads is passed over by whoever read before.
struct FastReader<'a> {
    text: &'a str,
    at: usize,
    lists: Lists,
}

/// Room for the prefixes of the list that is being read.
#[derive(Default)]
struct Lists {
    v4: Vec<Prefix<u32>>,
    v6: Vec<Prefix<u128>>,
}

impl<'a> FastReader<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = FastReader { text, at: 0, lists: Lists::default() };
        reader.blanks();
        reader
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over the white space of JSON.
    #[inline]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over `byte` and the white space behind it.
    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Whether `byte` is next; if so, it is passed over with the white space behind it.
    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.blanks();
        }
        found
    }

    /// A string without escapes and control characters.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        let text: &'a str = self.text;
        let rest = text.as_bytes().get(self.at..)?.strip_prefix(b"\"")?;
        let len = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < b' ')?;
        if rest[len] != b'"' {
            return None;
        }
        // Both ends stand beside a quotation mark, so they are borders of characters.
        let found = text.get(self.at + 1..self.at + 1 + len)?;
        self.at += len + 2;
        self.blanks();
        Some(found)
    }

    /// A string, or `null` for an empty one.
    fn text(&mut self) -> Option<Text<'a>> {
        let found = if self.null() { "" } else { self.string()? };
        Some(Text(Cow::Borrowed(found)))
    }

    fn null(&mut self) -> bool {
        self.word("null")
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
            self.blanks();
        }
        found
    }

    /// A whole number without sign.
    fn number(&mut self) -> Option<u64> {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        // More digits could overflow; a leading zero is no number in JSON; a fraction or exponent is no whole one.
        if len == 0
            || len > 18
            || (len > 1 && rest[0] == b'0')
            || matches!(rest.get(len), Some(b'.' | b'e' | b'E'))
        {
            return None;
        }
        let number = rest[..len].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        self.at += len;
        self.blanks();
        Some(number)
    }

    fn change_number(&mut self) -> Option<ChangeNumber> {
        let number = if self.peek()? == b'"' { self.string()?.parse().ok()? } else { self.number()? };
        Some(ChangeNumber(number))
    }

    /// Passes over a plain value.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'0'..=b'9' => self.number().map(drop),
            _ => (self.word("null") || self.word("true") || self.word("false")).then_some(()),
        }
    }

    /// The members of an object: `member` gets each key and reads its value.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            member(self, key)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn file(&mut self) -> Option<File<'a>> {
        let (mut change_number, mut cloud, mut values, mut next) = (None, None, None, None);
        self.object(|reader, key| match key {
            "changeNumber" => once(&mut change_number, reader.change_number()?),
            "cloud" => once(&mut cloud, reader.text()?),
            "values" => once(&mut values, reader.entries()?),
            "nextLink" => once(&mut next, reader.text()?),
            _ => reader.skip(),
        })?;
        let next_link = next.unwrap_or_default();
        Some(File { change_number: change_number?, cloud: cloud?, values: values?, next_link })
    }

    /// The list of entries. Where it is long its parts are read at once.
    fn entries(&mut self) -> Option<Vec<WireTag<'a>>> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Some(Vec::new());
        }
        let parts: Vec<_> = self
            .parts()
            .into_par_iter()
            .map(|part| {
                FastReader { text: self.text, at: part.start, lists: Lists::default() }.part(part.end)
            })
            .collect::<Option<_>>()?;
        let mut entries = Vec::with_capacity(parts.iter().map(|(part, _)| part.len()).sum());
        for (part, end) in parts {
            entries.extend(part);
            self.at = end;
        }
        self.expect(b']')?;
        Some(entries)
    }

    /// Cuts what is left of the file where an entry seems to begin. A wrong guess, inside of a string say, is found
    /// out by [`part`](Self::part): no part before it ends there.
    fn parts(&self) -> Vec<Range<usize>> {
        let left = self.text.len() - self.at;
        let threads = if left < PARALLEL_FROM { 1 } else { rayon::current_num_threads() };
        let mut parts = Vec::new();
        let mut start = self.at;
        for cut in 1..threads {
            let about = self.at + left / threads * cut;
            let Some(end) = entry_from(self.text, about) else { break };
            if end > start {
                parts.push(start..end);
                start = end;
            }
        }
        parts.push(start..usize::MAX);
        parts
    }

    /// Entries up to the place `end` or the end of the list, and where they end.
    fn part(mut self, end: usize) -> Option<(Vec<WireTag<'a>>, usize)> {
        let mut entries = Vec::new();
        loop {
            entries.push(self.entry()?);
            if !self.take(b',') {
                // The list is over. If another part was to follow, the guess was wrong.
                return (end == usize::MAX).then_some((entries, self.at));
            }
            if self.at >= end {
                return (self.at == end).then_some((entries, self.at));
            }
        }
    }

    fn entry(&mut self) -> Option<WireTag<'a>> {
        let (mut name, mut properties) = (None, None);
        self.object(|reader, key| match key {
            "name" => once(&mut name, reader.text()?),
            "properties" => once(&mut properties, reader.properties()?),
            _ => reader.skip(),
        })?;
        Some(WireTag { name: name?, properties: properties? })
    }

    fn properties(&mut self) -> Option<Properties<'a>> {
        let (mut change_number, mut region, mut region_id, mut service) = (None, None, None, None);
        let (mut prefixes, mut features) = (None, None);
        self.object(|reader, key| match key {
            "changeNumber" => once(&mut change_number, reader.change_number()?),
            "region" => once(&mut region, reader.text()?),
            "regionId" => once(&mut region_id, u32::try_from(reader.number()?).ok()?),
            "systemService" => once(&mut service, reader.text()?),
            "addressPrefixes" => once(&mut prefixes, reader.prefixes()?),
            "networkFeatures" => once(&mut features, reader.features()?),
            _ => reader.skip(),
        })?;
        Some(Properties {
            change_number: change_number.unwrap_or_default(),
            region: region.unwrap_or_default(),
            region_id: region_id.unwrap_or_default(),
            system_service: service.unwrap_or_default(),
            address_prefixes: prefixes?,
            network_features: features.unwrap_or_default(),
        })
    }

    fn features(&mut self) -> Option<Features> {
        let mut features = Features::stated();
        if self.null() {
            return Some(features);
        }
        self.expect(b'[')?;
        if self.take(b']') {
            return Some(features);
        }
        loop {
            features.add(&self.text()?.0);
            if !self.take(b',') {
                self.expect(b']')?;
                return Some(features);
            }
        }
    }

    fn prefixes(&mut self) -> Option<PrefixList<'a>> {
        if self.null() {
            return Some(PrefixList::default());
        }
        self.expect(b'[')?;
        if self.take(b']') {
            return Some(PrefixList::default());
        }
        self.lists.v4.clear();
        self.lists.v6.clear();
        let bytes = self.text.as_bytes();
        // What stands between two prefixes is mostly what stood between the two before.
        let mut between: &[u8] = b",";
        loop {
            let item = bytes.get(self.at..)?.strip_prefix(b"\"")?;
            let used = self.lists.scan(item)?;
            let behind = item.get(used..)?.strip_prefix(b"\"")?;
            self.at += used + 2;
            if behind.starts_with(between) && behind.get(between.len()) == Some(&b'"') {
                self.at += between.len();
                continue;
            }
            let from = self.at;
            self.blanks();
            if !self.take(b',') {
                self.expect(b']')?;
                // Copied once they are all known, they take no more memory than they need.
                return Some(PrefixList {
                    v4: self.lists.v4.to_vec(),
                    v6: self.lists.v6.to_vec(),
                    bad: Vec::new(),
                });
            }
            between = &bytes[from..self.at];
        }
    }
}

impl Lists {
    /// Reads a prefix and returns how many bytes it takes.
    #[inline]
    fn scan(&mut self, item: &[u8]) -> Option<usize> {
        // A guess by the fifth byte saves trying the wrong family first; it decides nothing.
        if item.get(4) != Some(&b':')
            && let Some((prefix, used)) = Prefix::scan(item, false)
        {
            self.v4.push(prefix);
            return Some(used);
        }
        let (prefix, used) = Prefix::scan(item, false)?;
        self.v6.push(prefix);
        Some(used)
    }
}

/// Fills a member; `None` if it is there already, which the careful reader calls an error.
fn once<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

/// A place from `about` on where an object begins whose first key is `name`, as an entry does.
fn entry_from(text: &str, about: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = about;
    loop {
        let brace = from + bytes.get(from..)?.iter().position(|&b| b == b'{')?;
        if bytes[brace + 1..].trim_ascii_start().starts_with(b"\"name\"") {
            return Some(brace);
        }
        from = brace + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tags::sample::sample_json;
    use crate::tags::{Cloud, Snapshot};

    const SMALL: &str = r#"{"changeNumber": 7, "cloud": "Public", "values": [
        {"name": "A.WestEurope", "id": "A.WestEurope", "properties": {"changeNumber": "12", "region": "westeurope",
         "regionId": 18, "platform": "Azure", "systemService": null,
         "addressPrefixes": ["192.0.2.0/25","192.0.2.128/26",  "2001:db8::/48", "2001:db8:1::/48", "::1/128"],
         "networkFeatures": ["API", "NSG"]}},
        {"name": "B", "properties": {"addressPrefixes": [], "networkFeatures": null, "new": true}}]}"#;

    fn careful(text: &str) -> Option<File<'_>> {
        serde_json::from_str(text).ok()
    }

    /// All that the readers say of a file.
    fn said(file: &File<'_>) -> String {
        let mut out = format!("{} {}\n", file.change_number.0, file.cloud.0);
        for WireTag { name, properties: p } in &file.values {
            let bad = p.address_prefixes.bad.len();
            let (v4, v6) = (&p.address_prefixes.v4, &p.address_prefixes.v6);
            let (region, service) = (&p.region.0, &p.system_service.0);
            let (number, features) = (p.change_number.0, &p.network_features);
            out += &format!(
                "{} {number} {region} {} {service} {v4:?} {v6:?} {bad} {features:?}\n",
                name.0, p.region_id
            );
        }
        out
    }

    #[test]
    fn the_usual_file_is_read_quickly() {
        let file = read(SMALL).expect("nothing unusual");
        assert_eq!(said(&file), said(&careful(SMALL).unwrap()));
    }

    #[test]
    fn the_sample_is_read_quickly_in_parts() {
        for cloud in [Cloud::Public, Cloud::UsGov, Cloud::China] {
            let text = String::from_utf8(sample_json(cloud).expect("a sample")).unwrap();
            let (quick, slow) = (read(&text).expect("nothing unusual"), careful(&text).unwrap());
            assert!(said(&quick) == said(&slow), "{cloud}");
        }
    }

    #[test]
    fn a_border_that_is_none_is_found_out() {
        // Most of the file is an unknown member that holds what looks like entries.
        let entry = r#"{"name": "x", "properties": {"addressPrefixes": []}},"#.repeat(1 << 13);
        let text = SMALL.replace("\"new\": true", &format!("\"new\": [{}]", entry.trim_end_matches(',')));
        assert!(text.len() > PARALLEL_FROM && careful(&text).is_some());
        assert!(read(&text).is_none());
        assert_eq!(
            Snapshot::parse(text.as_bytes()).unwrap().digest(),
            Snapshot::parse(SMALL.as_bytes()).unwrap().digest()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_accepted_is_accepted_by_the_careful_one(
            cuts in prop::collection::vec((0..SMALL.len(), 0..4_usize, prop::sample::select(vec![
                "", "\"", "\\", ",", "]", "[", "{", "}", ":", "0", "9", "/", ".", "null", "-", " ", "e", "\n", "ä", "\u{1}",
                "\"region\":\"\",", "\"name\":\"x\",", "[1]", "{}", "1.5", "01",
            ])), 1..4)
        ) {
            let mut text = SMALL.as_bytes().to_vec();
            for (at, len, by) in cuts {
                let at = at.min(text.len());
                let end = (at + len).min(text.len());
                text.splice(at..end, by.bytes());
            }
            if let Ok(text) = std::str::from_utf8(&text)
                && let Some(quick) = read(text)
            {
                let slow = careful(text);
                prop_assert!(slow.is_some(), "{}", text);
                prop_assert_eq!(said(&quick), said(&slow.unwrap()));
            }
        }
    }
}
