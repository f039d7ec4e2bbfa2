//! As much of the shell's language as a script of ours has: words in quotes, lists, and here-documents.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Display;

use super::super::error::{Line, ReadError, Wrong};

/// A script, read from its beginning to its end; all of it has to be known.
pub(super) struct Cursor<'a> {
    pub(super) name: &'a str,
    text: &'a str,
    rest: &'a str,
    /// A place whose line is known, so that lines are counted once.
    counted: Cell<(usize, usize)>,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// Just this text.
    Text(Cow<'a, str>),
    /// Every item of the list of that name, `"${NAME[@]}"`.
    List(&'a str),
}

impl<'a> Cursor<'a> {
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        Cursor { name, text, rest: text, counted: Cell::new((0, 1)) }
    }

    /// The line that is read next.
    pub(super) fn line(&self) -> usize {
        let at = self.text.len() - self.rest.len();
        let (before, line) = self.counted.get();
        let line = line + self.text[before..at].bytes().filter(|b| *b == b'\n').count();
        self.counted.set((at, line));
        line
    }

    pub(super) fn place(&self) -> Line<'a> {
        Line(self.name, self.line())
    }

    pub(super) fn error(&self, message: impl Display) -> ReadError {
        ReadError::new(self.place(), message)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The line that is read next, without its end.
    pub(super) fn rest_of_line(&self) -> &'a str {
        self.rest.split('\n').next().unwrap_or_default()
    }

    /// Passes lines that have to stand here to the letter; an error names the first that does not.
    pub(super) fn known(&mut self, text: &str) -> Result<(), ReadError> {
        for line in text.split_inclusive('\n') {
            if !self.takes(line) {
                return Err(match line.trim_end() {
                    "" => self.error("an empty line is expected"),
                    line => self.error(Wrong::Expected(line)),
                });
            }
        }
        Ok(())
    }

    /// [`Self::known`] for lines with names in them.
    pub(super) fn known_with(&mut self, lines: std::fmt::Arguments<'_>) -> Result<(), ReadError> {
        self.known(&lines.to_string())
    }

    /// Whether `text` stands anywhere in what is left.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.rest.contains(text)
    }

    /// Passes `before`, gives what stands up to `after` on the same line, and passes that.
    pub(super) fn between(&mut self, before: &str, after: &str) -> Result<&'a str, ReadError> {
        let rest = self.rest;
        let inner = rest.strip_prefix(before).and_then(|inner| {
            let line = &inner[..inner.find('\n').unwrap_or(inner.len())];
            line.strip_suffix(after)
        });
        let inner = inner.ok_or_else(|| self.error(Wrong::Between(before, after)))?;
        self.rest = rest[before.len() + inner.len() + after.len()..].strip_prefix('\n').unwrap_or_default();
        Ok(inner)
    }

    /// Passes `before`, gives what stands up to the next `'` at the end of a line, over several lines, and passes that.
    pub(super) fn quoted(&mut self, before: &str) -> Result<&'a str, ReadError> {
        let found = self.rest.strip_prefix(before).and_then(|inner| inner.split_once("'\n"));
        let found = found.filter(|(inner, _)| !inner.contains('\''));
        let (inner, rest) = found.ok_or_else(|| self.error(Wrong::Between(before, "'")))?;
        self.rest = rest;
        Ok(inner)
    }

    /// [`Self::between`] for a name, in which no character means anything to the shell.
    pub(super) fn name_between(&mut self, before: &str, after: &str) -> Result<&'a str, ReadError> {
        let place = self.place();
        let name = self.between(before, after)?;
        if is_plain(name) { Ok(name) } else { Err(ReadError::new(place, Wrong::IsNo(name, "plain name"))) }
    }

    /// The words of a command up to the end of its line, or up to `<<BODY`; `\` at its end continues a line.
    pub(super) fn words(&mut self) -> Result<Vec<Word<'a>>, ReadError> {
        let mut words = Vec::new();
        loop {
            let rest = self.rest.trim_start_matches(' ');
            self.rest = rest;
            if self.takes("\\\n") {
                continue;
            }
            if rest.is_empty() || rest.starts_with(['\n', '<']) {
                return Ok(words);
            }
            words.push(self.word()?);
            if !self.rest.is_empty() && !self.rest.starts_with([' ', '\n']) {
                return Err(self.error("a space or the end of the line is expected"));
            }
        }
    }

    /// A word: a list, or plain characters and parts in quotes in a row.
    fn word(&mut self) -> Result<Word<'a>, ReadError> {
        if self.takes("\"${") {
            let (name, rest) =
                self.rest.split_once("[@]}\"").ok_or_else(|| self.error("only whole lists are known"))?;
            if !name.bytes().all(|b| b.is_ascii_lowercase()) {
                return Err(self.error("only whole lists are known"));
            }
            self.rest = rest;
            return Ok(Word::List(name));
        }
        let mut word = Cow::Borrowed("");
        let mut add =
            |part: &'a str| if word.is_empty() { word = part.into() } else { word.to_mut().push_str(part) };
        loop {
            let plain = self.rest.find(|c| !is_plain_char(c)).unwrap_or(self.rest.len());
            let (part, rest) = self.rest.split_at(plain);
            add(part);
            if let Some(inner) = rest.strip_prefix('\'') {
                let end = inner.find('\'').ok_or_else(|| self.error("a quote does not end"))?;
                add(&inner[..end]);
                self.rest = &inner[end + 1..];
            } else if let Some(after) = rest.strip_prefix("\\'") {
                add(&rest[1..2]);
                self.rest = after;
            } else {
                self.rest = rest;
                if rest.is_empty() || rest.starts_with([' ', '\n']) {
                    return Ok(Word::Text(word));
                }
                let c = rest.chars().next().unwrap_or_default();
                return Err(
                    self.error(format_args!("{c:?} outside single quotes means something to the shell"))
                );
            }
        }
    }

    /// The lines of a here-document after `<<BODY`.
    pub(super) fn document(&mut self) -> Result<&'a str, ReadError> {
        self.known("<<BODY\n")?;
        let rest = self.rest;
        let end = match rest.strip_prefix("BODY\n") {
            Some(_) => 0,
            None => 1 + rest.find("\nBODY\n").ok_or_else(|| self.error("the here-document does not end"))?,
        };
        self.rest = &rest[end + "BODY\n".len()..];
        Ok(&rest[..end])
    }
}

/// Characters that mean nothing to the shell anywhere in a word.
fn is_plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '/')
}

/// Whether a name means nothing to the shell inside double quotes, also as a default.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')'))
}

/// Stands in front of the name of a variable that the shell replaces. No document of ours holds it.
pub(super) const REPLACED: char = '\u{e000}';

/// What the shell makes of a here-document: escapes are taken away, and variables are marked.
pub(super) fn shell_text(document: &str) -> Option<String> {
    let mut out = String::with_capacity(document.len());
    let mut chars = document.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c @ ('\\' | '$' | '`') => out.push(c),
                // It joins two lines.
                '\n' => return None,
                other => out.extend(['\\', other]),
            },
            '$' => out.push(REPLACED),
            '`' | REPLACED | '\0' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<Word<'_>>, ReadError> {
        Cursor::new("t", text).words()
    }

    #[test]
    fn words_are_those_of_the_shell() {
        let text = |text: &'static str| Word::Text(text.into());
        let found = words("rule 'it'\\''s' --a='b $c' \\\n  --d \"${source[@]}\"\nnext").unwrap();
        assert_eq!(found, [text("rule"), text("it's"), text("--a=b $c"), text("--d"), Word::List("source")]);
        assert_eq!(words("a ''").unwrap(), [text("a"), text("")]);
        for bad in [
            "a 'b",
            "a \"b\"",
            "a $b",
            "a `b`",
            "a; b",
            "a & b",
            "a | b",
            "a > b",
            "a (b)",
            "a #b",
            "a *",
            "a ~",
            "a {b,c}",
            "a \\b",
            "a \"${b[*]}\"",
            "a \"${b[0]}\"",
            "a \"${b[@]}\"c",
            "a\tb",
            "a\rb",
            "a !b",
            "a ?",
            "a [b]",
        ] {
            assert!(words(bad).is_err(), "{bad}: {:?}", words(bad));
        }
    }

    #[test]
    fn documents_are_unescaped_and_what_is_replaced_is_marked() {
        let marked = format!("\"a\\n $b ` {REPLACED}scope\"");
        assert_eq!(shell_text(r#""a\\n \$b \` $scope""#), Some(marked));
        for bad in ["`id`", "a\\\nb", "\u{e000}location", "a\0"] {
            assert_eq!(shell_text(bad), None, "{bad}");
        }
        let mut cursor = Cursor::new("t", "<<BODY\n{\n}\nBODY\nnext");
        assert_eq!((cursor.document().unwrap(), cursor.starts_with("next")), ("{\n}\n", true));
        assert!(Cursor::new("t", "<<'BODY'\n{}\nBODY\n").document().is_err());
        assert!(Cursor::new("t", "<<BODY\n{}\n BODY\n").document().is_err());
    }
}
