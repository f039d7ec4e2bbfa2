//! How the bytes of a text are to be read: UTF-8, or the UTF-16 that Windows writes.

use std::borrow::Cow;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or nothing that is known.
    Utf8,
    /// UTF-16, the lower byte of each unit first: what `>` writes in Windows PowerShell, and Notepad as "Unicode".
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
}

impl Encoding {
    /// What the first two bytes of a text tell: a byte order mark, or without one the zero byte beside every letter
    /// of ASCII, which no text in UTF-8 has. `None` where there are fewer.
    ///
    /// ```
    /// use tagwall::text::Encoding;
    /// assert_eq!(Encoding::of(b"\xff\xfe1\0"), Some(Encoding::Utf16Le));
    /// assert_eq!(Encoding::of(b"10.0.0.0/8"), Some(Encoding::Utf8));
    /// assert_eq!(Encoding::of(b"1"), None);
    /// ```
    pub fn of(start: &[u8]) -> Option<Encoding> {
        match start {
            [0xff, 0xfe, ..] => Some(Encoding::Utf16Le),
            [0xfe, 0xff, ..] => Some(Encoding::Utf16Be),
            [1..=0x7f, 0, ..] => Some(Encoding::Utf16Le),
            [0, 1..=0x7f, ..] => Some(Encoding::Utf16Be),
            [_, _, ..] => Some(Encoding::Utf8),
            _ => None,
        }
    }
}

/// UTF-16 into UTF-8, piece by piece. What is no text becomes U+FFFD; a byte order mark becomes that of UTF-8.
#[derive(Debug, Clone)]
pub struct Utf16 {
    high_first: bool,
    /// The first byte of a unit whose second has not come.
    odd: Option<u8>,
    /// The first half of a character outside of the basic plane.
    lead: Option<u16>,
}

impl Utf16 {
    /// A decoder of either order; `None` for UTF-8, which needs none.
    pub fn new(encoding: Encoding) -> Option<Self> {
        let high_first = match encoding {
            Encoding::Utf8 => return None,
            Encoding::Utf16Le => false,
            Encoding::Utf16Be => true,
        };
        Some(Utf16 { high_first, odd: None, lead: None })
    }

    /// Appends the text of the next bytes: at most three bytes for two.
    pub fn push(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        for &byte in bytes {
            match self.odd.take() {
                None => self.odd = Some(byte),
                Some(first) if self.high_first => self.unit(u16::from_be_bytes([first, byte]), text),
                Some(first) => self.unit(u16::from_le_bytes([first, byte]), text),
            }
        }
    }

    /// Appends what the end leaves: halves of a character are no text.
    pub fn finish(self, text: &mut Vec<u8>) {
        if self.lead.is_some() || self.odd.is_some() {
            append(char::REPLACEMENT_CHARACTER, text);
        }
    }

    fn unit(&mut self, unit: u16, text: &mut Vec<u8>) {
        if let Some(lead) = self.lead.take() {
            if let Some(Ok(c)) = char::decode_utf16([lead, unit]).next() {
                return append(c, text);
            }
            append(char::REPLACEMENT_CHARACTER, text);
        }
        match unit {
            0xd800..=0xdbff => self.lead = Some(unit),
            unit => append(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER), text),
        }
    }
}

fn append(c: char, text: &mut Vec<u8>) {
    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The bytes of a whole text in UTF-8 and without byte order mark; whether they are text is for the reader to judge.
///
/// ```
/// use tagwall::text::to_utf8;
/// assert_eq!(*to_utf8(b"\xff\xfea\0\xe4\0"), *"aä".as_bytes());
/// assert_eq!(*to_utf8(b"\xef\xbb\xbfa"), *b"a");
/// ```
pub fn to_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let Some(mut decoder) = Encoding::of(bytes).and_then(Utf16::new) else {
        return Cow::Borrowed(bytes.strip_prefix(MARK).unwrap_or(bytes));
    };
    let mut text = Vec::with_capacity(bytes.len() / 2 + 4);
    decoder.push(bytes, &mut text);
    decoder.finish(&mut text);
    if text.starts_with(MARK) {
        text.drain(..MARK.len());
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, high_first: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    proptest! {
        #[test]
        fn every_text_comes_back_in_any_pieces(text: String, high_first: bool, cut in 1..9_usize) {
            let bytes = utf16(&format!("\u{feff}{text}"), high_first);
            prop_assert_eq!(&*to_utf8(&bytes), text.as_bytes());
            let mut decoder = Utf16::new(Encoding::of(&bytes).unwrap()).unwrap();
            let mut pieces = Vec::new();
            bytes.chunks(cut).for_each(|piece| decoder.push(piece, &mut pieces));
            decoder.finish(&mut pieces);
            prop_assert_eq!(pieces, format!("\u{feff}{text}").into_bytes());
        }
    }

    #[test]
    fn halves_are_no_text() {
        assert_eq!(*to_utf8(b"\xff\xfe\x3d\xd8a\0"), *"\u{fffd}a".as_bytes());
        assert_eq!(*to_utf8(b"\xff\xfea\0b"), *"a\u{fffd}".as_bytes());
        assert_eq!(*to_utf8(b"\xff\xfe\x3d\xd8"), *"\u{fffd}".as_bytes());
        // Without a mark: text of Windows tools that leave it out.
        assert_eq!(*to_utf8(&utf16("10.0.0.0/8\r\n", false)), *b"10.0.0.0/8\r\n");
        assert_eq!(*to_utf8(&utf16("{}", true)), *b"{}");
    }
}
