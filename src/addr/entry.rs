//! [`Entry`]: one entry of a list in the usual notation, and what is wrong with one that is not.

use std::net::Ipv4Addr;

use super::family::Address;
use super::interval::Interval;
use super::prefix::{IpPrefix, Prefix, PrefixError};

/// One entry of a list: a closed interval of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// IPv4 addresses.
    V4(Interval<u32>),
    /// IPv6 addresses.
    V6(Interval<u128>),
}

impl From<IpPrefix> for Entry {
    fn from(prefix: IpPrefix) -> Self {
        match prefix {
            IpPrefix::V4(p) => Entry::V4(p.interval()),
            IpPrefix::V6(p) => Entry::V6(p.interval()),
        }
    }
}

impl Entry {
    /// Reads a prefix, a range `first-last` or a single address; no white space around it.
    ///
    /// # Errors
    /// [`EntryError`]; IPv4-mapped IPv6 addresses are refused, since tools disagree on what they mean. All of their
    /// block, `::ffff:0:0/96`, is read as IPv6.
    pub fn parse(text: &str, relaxed: bool) -> Result<Self, EntryError> {
        match IpPrefix::parse(text, relaxed) {
            Ok(prefix) => Ok(prefix.into()),
            Err(error) => match text.split_once('-') {
                Some((first, last)) => Self::parse_range(first.trim_end(), last.trim_start()),
                None => Err(unusual(text).unwrap_or(EntryError::Prefix(error))),
            },
        }
    }

    fn parse_range(first: &str, last: &str) -> Result<Self, EntryError> {
        if let (Some(first), Some(last)) = (u32::parse(first), u32::parse(last)) {
            return Interval::new(first, last).map(Entry::V4).ok_or(EntryError::Backwards);
        }
        if let (Some(first), Some(last)) = (u128::parse(first), u128::parse(last)) {
            let range = Interval::new(first, last).ok_or(EntryError::Backwards)?;
            let some = first <= MAPPED_LAST && last >= MAPPED_FIRST;
            let all = first <= MAPPED_FIRST && last >= MAPPED_LAST;
            return if some && !all { Err(EntryError::Mapped) } else { Ok(Entry::V6(range)) };
        }
        match (u32::parse(first), last.parse::<u8>()) {
            (Some(first), Ok(number)) => {
                let [a, b, c, _] = first.to_be_bytes();
                let last = Ipv4Addr::new(a, b, c, number);
                Err(EntryError::Form(Form::HalfRange(format!("{}-{last}", Ipv4Addr::from(first)))))
            }
            _ => Err(EntryError::Range),
        }
    }

    /// The prefix of an IPv4 address and a mask, either way round: `255.255.255.0` keeps the leading bits and
    /// `0.0.0.255` (a wildcard mask) leaves the others.
    ///
    /// # Errors
    /// [`EntryError::Form`] where the mask has gaps, or could be of either kind and would mean two things.
    pub(super) fn masked_text(addr: u32, mask: u32) -> Result<String, EntryError> {
        let text = |len: u32| format!("{}/{len}", Ipv4Addr::from(addr));
        match (addr, mask) {
            // All or one: which, depends on the kind.
            (0, 0 | u32::MAX) => Err(EntryError::Form(Form::EitherMask)),
            (_, 0 | u32::MAX) => Ok(text(32)),
            _ if mask.leading_ones() + mask.trailing_zeros() == 32 => Ok(text(mask.leading_ones())),
            _ if mask.leading_zeros() + mask.trailing_ones() == 32 => Ok(text(mask.leading_zeros())),
            _ => Err(EntryError::Form(Form::MaskWithGaps)),
        }
    }
}

/// The first and the last of the IPv4-mapped addresses, `::ffff:0:0/96`.
const MAPPED_FIRST: u128 = 0xffff_0000_0000;
const MAPPED_LAST: u128 = 0xffff_ffff_ffff;

/// Why one entry of a list is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The line is not valid UTF-8.
    #[error("not text in UTF-8 or UTF-16")]
    NotText,
    /// The line does not end within any length that an entry can have.
    #[error("the line does not end within {} MiB, so this is no list", .most >> 20)]
    TooLong {
        /// The most bytes of a line.
        most: usize,
    },
    /// The entry is no prefix.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The ends of a range are not two addresses of one family.
    #[error("a range needs two addresses of one family: first-last")]
    Range,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// A range that has a part of the IPv4-mapped addresses.
    #[error(
        "the range has some IPv4-mapped IPv6 addresses (::ffff:0:0/96), which tools take for different things; let it \
         end before them, or hold them all"
    )]
    Mapped,
    /// Something that is written in another way than lists are.
    #[error(transparent)]
    Form(Form),
    /// A value where only remarks stand.
    #[error(
        "`{value}` stands behind `{sign}`, where only remarks do; if it is an entry, give it a line of its own, else \
         begin the remark with a word"
    )]
    InRemark {
        /// What begins the remark.
        sign: &'static str,
        /// What stands there.
        value: String,
    },
    /// Several values in one line that may mean more than one thing.
    #[error("several values in one line may mean more than one thing: {0}")]
    Several(Likely),
    /// The line is a row of a table, and the address not in its first column.
    #[error("`{value}` stands in column {column}; keep that column alone, one entry a line")]
    Column {
        /// The column, from 1.
        column: usize,
        /// What stands there.
        value: String,
    },
    /// The line is a statement of a configuration.
    #[error(
        "`{value}` stands behind `{word}`: a line of a configuration, of which a list has the addresses only, one a \
         line; mind that some lines allow and others deny"
    )]
    Statement {
        /// The first word.
        word: String,
        /// The address behind it.
        value: String,
    },
    /// An entry that is taken out of those around it.
    #[error(
        "an exception: lists have none; put the exceptions into a list of their own and use `tagwall set except`"
    )]
    Exception,
    /// A word behind an entry that may change what it means.
    #[error("`{word}` behind an entry may change what it means; begin remarks with `#`")]
    Word {
        /// The word.
        word: String,
    },
    /// A block that a registry has not given out.
    #[error(
        "a block that the registry calls {status}; keep the lines that you mean (allocated and assigned)"
    )]
    Status {
        /// The registry's word.
        status: String,
    },
}

/// What several values in one line are likely to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Likely {
    /// The ends of a range.
    #[error("the ends of a range are written {0}, two entries on two lines")]
    Range(String),
    /// An address and its mask.
    #[error("an address and its mask are written {0}, two entries on two lines")]
    Mask(String),
    /// An address and its length, or a number of addresses.
    #[error(
        "an address with its length is written ADDRESS/LENGTH, a range FIRST-LAST, and other numbers begin with `#`"
    )]
    Number,
    /// A prefix and a next hop.
    #[error(
        "a prefix and a next hop are a table for `tagwall routes minimize`; two entries are written on two lines"
    )]
    Route,
    /// Nothing special.
    #[error("write ADDRESS/LENGTH or FIRST-LAST, one entry a line, and remarks behind `#`")]
    Unknown,
}

/// A way to write addresses that lists are not read in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Form {
    /// `10.0.0.010`.
    #[error("a number with leading zeros, which some tools take for octal; write it without")]
    LeadingZero,
    /// `10/8`, `10.1.`
    #[error("an IPv4 address has four numbers")]
    Short,
    /// `3232235776`.
    #[error(
        "a number without dots; a table program may have taken them out (format the column as text, and export it again)"
    )]
    Number,
    /// `10.0.0.*`.
    #[error("stars are not read; write ADDRESS/LENGTH or FIRST-LAST")]
    Star,
    /// `192.0.2.1-50`.
    #[error("a range needs both ends in full, such as {0}")]
    HalfRange(String),
    /// `10.0.0.0/255.0.0.0` where only lengths are read.
    #[error("a mask in place of a length; write {0}")]
    Mask(String),
    /// A mask that is no prefix.
    #[error("the mask is of no prefix: its bits are not all in one piece")]
    MaskWithGaps,
    /// `0.0.0.0 0.0.0.0`.
    #[error("one address or all, depending on the kind of mask; write 0.0.0.0/0 or 0.0.0.0/32")]
    EitherMask,
    /// `192.0.2.1:443`, `[2001:db8::1]`.
    #[error("an address in brackets or with a port; a list has the address alone")]
    Port,
    /// `fe80::1%eth0`.
    #[error("an address with a zone (%), which means something on one machine only")]
    Zone,
    /// `https://192.0.2.1/`.
    #[error("a URL; a list has addresses only")]
    Url,
    /// `10.0.0.0/8;192.0.2.0/24` where one entry is expected.
    #[error("several values in one text; write each by itself")]
    Several,
    /// `- 10.0.0.0/8`.
    #[error(
        "`{0}` before an entry: an item of YAML, or a line that a comparison took out? Keep the entry alone"
    )]
    Marked(char),
    /// A character that is not shown, inside of an entry.
    #[error("the character U+{:04X}, which is not shown, stands inside of the entry", u32::from(*.0))]
    Hidden(char),
}

/// What a text is that is no entry, where that can be told.
fn unusual(text: &str) -> Option<EntryError> {
    let form = if let Some(c) = crate::text::hidden(text) {
        Form::Hidden(c)
    } else if text.contains("://") {
        Form::Url
    } else if text.contains('%') && text.contains(':') {
        Form::Zone
    } else if text.split([';', ',', ' ', '\t', '|', '#']).filter(|part| resembles_entry(part)).count() > 1 {
        Form::Several
    } else if text.starts_with('[') && text.contains(':') || with_port(text) {
        Form::Port
    } else if let Some(masked) = slash_mask(text) {
        match masked {
            Ok(prefix) => Form::Mask(prefix),
            Err(error) => return Some(error),
        }
    } else {
        numbers_form(text)?
    };
    Some(EntryError::Form(form))
}

fn with_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| u32::parse(host).is_some() && is_number(port))
}

/// The prefix of `ADDRESS/MASK`, as text; `None` for anything else.
pub(super) fn slash_mask(text: &str) -> Option<Result<String, EntryError>> {
    let (addr, mask) = text.split_once('/')?;
    Some(Entry::masked_text(u32::parse(addr.trim_end())?, u32::parse(mask.trim_start())?))
}

/// What is wrong with a text of numbers, dots and stars.
fn numbers_form(text: &str) -> Option<Form> {
    let (addr, rest) = text.split_once('/').map_or((text, None), |(addr, rest)| (addr, Some(rest)));
    let parts: Vec<&str> = addr.strip_suffix('.').unwrap_or(addr).split('.').collect();
    let star = |part: &&str| matches!(*part, "*" | "x" | "X");
    if parts.is_empty() || !parts.iter().all(|part| is_number(part) || star(part)) {
        return None;
    }
    if parts.len() > 1 && parts.iter().any(star) {
        return Some(Form::Star);
    }
    match parts.as_slice() {
        [one] if rest.is_none() && one.len() > 3 && is_number(one) => Some(Form::Number),
        [_] | [_, _] | [_, _, _] if parts.iter().all(|part| part.len() <= 3 && is_number(part)) => {
            Some(Form::Short)
        }
        [_, _, _, _] if parts.iter().any(|part| part.len() > 1 && part.starts_with('0')) => {
            Some(Form::LeadingZero)
        }
        _ => None,
    }
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a word looks like an address, prefix or range: right ones do, and those that are nearly.
pub(super) fn resembles_entry(word: &str) -> bool {
    let (start, end) = word.split_once('-').unwrap_or((word, ""));
    [start, end].iter().any(|part| {
        let addr = part.split('/').next().unwrap_or_default();
        let v4 = addr.split('.').count() == 4 && addr.split('.').all(is_number);
        let v6 = addr.contains(':') && (u128::parse(addr).is_some() || addr.contains("::"));
        let v6 = v6 && addr.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        v4 || v6
    })
}

impl From<Prefix<u32>> for Entry {
    fn from(prefix: Prefix<u32>) -> Self {
        Entry::V4(prefix.interval())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> EntryError {
        Entry::parse(text, false).expect_err(text)
    }

    #[test]
    fn mapped_addresses_are_never_read_but_for_all_of_them() {
        for text in
            ["::ffff:0:0/96", "::ffff:0.0.0.0/96", "::/0", "::fffe:0:0/95", "::ffff:0:0-::ffff:ffff:ffff"]
        {
            assert!(Entry::parse(text, false).is_ok(), "{text}");
        }
        let texts = [
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201/128", "192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:192.0.2.9/120", "192.0.2.0/24"),
            ("::ffff:0:0/97", "0.0.0.0/1"),
            ("::ffff:192.0.2.1/96", "192.0.2.1"),
            ("::ffff:192.0.2.1/64", "192.0.2.1"),
        ];
        for (text, v4) in texts {
            for relaxed in [false, true] {
                let error = Entry::parse(text, relaxed).expect_err(text);
                assert_eq!(error, EntryError::Prefix(PrefixError::Mapped { v4: v4.to_owned() }), "{text}");
            }
        }
        for text in [
            "::ffff:1.2.3.4-::ffff:1.2.3.9",
            "::-::ffff:1.2.3.4",
            "::-::ffff:0:0",
            "::ffff:0:1-::1:0:0:0",
            "::ffff:ffff:ffff-::1:0:0:0",
            "::ffff:0:0-::ffff:ffff:fffe",
        ] {
            assert_eq!(error(text), EntryError::Mapped, "{text}");
        }
        assert!(Entry::parse("::-::fffe:ffff:ffff", false).is_ok());
        assert!(Entry::parse("::1:0:0:0-::1:0:0:1", false).is_ok());
    }

    #[test]
    fn what_is_nearly_an_entry_is_named() {
        for (text, form) in [
            ("010.0.0.1", Form::LeadingZero),
            ("10.0.0.0/255.0.0.0", Form::Mask("10.0.0.0/8".to_owned())),
            ("10.0.0.0/0.0.0.255", Form::Mask("10.0.0.0/24".to_owned())),
            ("10.0.0.0/255.0.255.0", Form::MaskWithGaps),
            ("10/8", Form::Short),
            ("192.168.", Form::Short),
            ("3232235776", Form::Number),
            ("10.0.0.*", Form::Star),
            ("192.0.2.1-50", Form::HalfRange("192.0.2.1-192.0.2.50".to_owned())),
            ("192.0.2.1:443", Form::Port),
            ("[2001:db8::1]:443", Form::Port),
            ("fe80::1%eth0", Form::Zone),
            ("https://192.0.2.1/x", Form::Url),
            ("192.0.2.1\u{200b}/32", Form::Hidden('\u{200b}')),
        ] {
            assert_eq!(error(text), EntryError::Form(form), "{text}");
        }
        assert_eq!(error("nonsense"), EntryError::Prefix(PrefixError::Address));
        assert!(resembles_entry("300.1.1.1/8") && resembles_entry("2001:db8::/129"));
        for word in ["12:30:45", "NL-NH", "1.2.3", "SBL256894", "00:11:22:33:44:55", "v1.2.3.4", "2026-01-02"]
        {
            assert!(!resembles_entry(word), "{word}");
        }
    }

    #[test]
    fn masks_of_both_kinds() {
        let text =
            |addr: &str, mask: &str| Entry::masked_text(u32::parse(addr).unwrap(), u32::parse(mask).unwrap());
        for (addr, mask, prefix) in [
            ("10.0.0.0", "255.0.0.0", "10.0.0.0/8"),
            ("10.0.0.0", "0.255.255.255", "10.0.0.0/8"),
            ("10.0.0.1", "255.255.255.255", "10.0.0.1/32"),
            ("10.0.0.1", "0.0.0.0", "10.0.0.1/32"),
            ("10.0.0.0", "128.0.0.0", "10.0.0.0/1"),
            ("0.0.0.0", "127.255.255.255", "0.0.0.0/1"),
        ] {
            assert_eq!(text(addr, mask).as_deref(), Ok(prefix), "{addr} {mask}");
        }
        assert!(text("0.0.0.0", "0.0.0.0").is_err() && text("0.0.0.0", "255.255.255.255").is_err());
        assert!(text("10.0.0.0", "255.0.255.0").is_err());
    }
}
