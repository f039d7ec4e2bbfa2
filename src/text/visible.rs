//! Characters that are not shown, or that change how others are shown: where text of others is printed they are written
//! out, so that no list, file or server clears a terminal, hides a rule or turns one around.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is not shown itself: control characters (line feed and tab too), marks that turn the direction
/// of text, joiners and other characters without width.
///
/// Source: Unicode 16, properties `Cc`, `Default_Ignorable_Code_Point` and `Bidi_Control`, line and paragraph separators
/// (`Zl`, `Zp`); but for variation selectors, which choose the picture of the character before them.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first hidden character of a text that has one; line feeds and tabs are none here.
///
/// ```
/// use tagwall::text::hidden;
/// assert_eq!(hidden("two\nlines"), None);
/// assert_eq!(hidden("a\u{202e}b"), Some('\u{202e}'));
/// ```
pub fn hidden(text: &str) -> Option<char> {
    if is_plain(text) {
        return None;
    }
    text.chars().find(|&c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// Whether a text is ASCII without control characters, as nearly every name is: found out by whole vectors, while each
/// other character has to be looked up.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// A text without white space and hidden characters at its ends, which come with what is copied from pages and tables.
pub fn trim_hidden(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_hidden(c))
}

/// How a hidden character is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// `\u{1b}`, for people.
    Plain,
    /// `\u001b`, inside of a string in JSON, where it stands for the character.
    Json,
}

impl Escape {
    fn append(self, c: char, out: &mut String) {
        let done = match self {
            Escape::Plain => write!(out, "\\u{{{:x}}}", u32::from(c)),
            Escape::Json => {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
            }
        };
        done.expect("writing to a string does not fail");
    }
}

/// A text in which hidden characters are written out, but for line feeds and tabs.
///
/// ```
/// use tagwall::text::visible;
/// assert_eq!(visible("\x1b[2Jgone"), "\\u{1b}[2Jgone");
/// assert_eq!(visible("plain\n"), "plain\n");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, Escape::Plain)
}

/// A text of others for a message: one line without hidden characters, cut after 80.
///
/// ```
/// use tagwall::text::excerpt;
/// assert_eq!(excerpt(" two\nlines\0 "), "two lines\\u{0}");
/// ```
pub fn excerpt(text: &str) -> String {
    visible(&text.trim().chars().take(80).collect::<String>().replace(['\n', '\t'], " ")).into_owned()
}

fn escaped(text: &str, how: Escape) -> Cow<'_, str> {
    if hidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) && !matches!(c, '\n' | '\t') {
            how.append(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`visible`] of bytes that come piece by piece: also returns how many of them were understood. Those left are the
/// beginning of a character, to be put before the next piece. Bytes that are no text become U+FFFD.
pub fn visible_bytes(bytes: &[u8], how: Escape) -> (Cow<'_, [u8]>, usize) {
    // Nearly all that is printed is ASCII without control characters.
    if bytes.iter().all(|&b| matches!(b, b' '..=b'~' | b'\n' | b'\t')) {
        return (Cow::Borrowed(bytes), bytes.len());
    }
    let (mut out, mut used) = (String::with_capacity(bytes.len()), 0);
    while used < bytes.len() {
        match std::str::from_utf8(&bytes[used..]) {
            Ok(text) => {
                out.push_str(&escaped(text, how));
                used = bytes.len();
            }
            Err(error) => {
                let good = used + error.valid_up_to();
                let text = std::str::from_utf8(&bytes[used..good]).expect("valid up to there");
                out.push_str(&escaped(text, how));
                used = good;
                let Some(bad) = error.error_len() else { break };
                out.push(char::REPLACEMENT_CHARACTER);
                used += bad;
            }
        }
    }
    (Cow::Owned(out.into_bytes()), used)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_nothing_else_changes(text: String, cut in 1..7_usize) {
            let shown = visible(&text);
            prop_assert_eq!(hidden(&shown), None);
            if hidden(&text).is_none() {
                prop_assert_eq!(&*shown, &text);
            }
            // In pieces that cut characters the same comes out.
            let (mut open, mut out) = (Vec::new(), Vec::new());
            for piece in text.as_bytes().chunks(cut) {
                open.extend_from_slice(piece);
                let (shown, used) = visible_bytes(&open, Escape::Plain);
                out.extend_from_slice(&shown);
                open.drain(..used);
            }
            prop_assert!(open.is_empty());
            prop_assert_eq!(out, shown.as_bytes());
        }

        #[test]
        fn json_means_the_same(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            let (shown, _) = visible_bytes(json.as_bytes(), Escape::Json);
            prop_assert_eq!(hidden(std::str::from_utf8(&shown).unwrap()), None);
            prop_assert_eq!(serde_json::from_slice::<String>(&shown).unwrap(), text);
        }
    }

    #[test]
    fn what_is_hidden() {
        for c in "\u{0}\u{1b}\u{7f}\u{9b}\u{ad}\u{200b}\u{202e}\u{2066}\u{feff}\u{e0041}\r\n".chars() {
            assert!(is_hidden(c), "{c:?}");
        }
        for c in "a ä\u{a0}→€漢é😀\u{fe0f}".chars() {
            assert!(!is_hidden(c), "{c:?}");
        }
        assert_eq!(trim_hidden("\u{feff}\u{a0} 10.0.0.0/8\u{200b}\r"), "10.0.0.0/8");
        assert_eq!(visible_bytes(b"a\xffb", Escape::Plain).0, "a\u{fffd}b".as_bytes());
    }
}
