//! Expressions of templates: read into a tree. What they are worth is worked out in `template`.

use std::borrow::Cow;
use std::fmt;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression<'t> {
    Text(String),
    Number(i64),
    /// A function with its arguments.
    Call(Cow<'t, str>, Vec<Expression<'t>>),
    /// A member of a value.
    Member(Box<Expression<'t>>, &'t str),
    /// A member or item that is worked out.
    Index(Box<Expression<'t>>, Box<Expression<'t>>),
}

/// An expression as it is written, without blanks.
impl fmt::Display for Expression<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Expression::Number(number) => number.fmt(f),
            Expression::Member(of, name) => write!(f, "{of}.{name}"),
            Expression::Index(of, index) => write!(f, "{of}[{index}]"),
            Expression::Call(name, arguments) => {
                write!(f, "{name}(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if at == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
        }
    }
}

/// How deep expressions may nest; Azure's own limit of their length is 24,576 characters.
const DEEPEST: usize = 48;

/// Reads what stands between the brackets; `None` where it is no expression.
pub(super) fn parse(text: &str) -> Option<Expression<'_>> {
    let mut reader = ExpressionReader { rest: text };
    let found = reader.expression(0)?;
    reader.blanks();
    reader.rest.is_empty().then_some(found)
}

struct ExpressionReader<'t> {
    rest: &'t str,
}

impl<'t> ExpressionReader<'t> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes(&mut self, c: char) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(c);
        rest.inspect(|rest| self.rest = rest).is_some()
    }

    fn expression(&mut self, depth: usize) -> Option<Expression<'t>> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        let mut found = match self.rest.chars().next()? {
            '\'' => Expression::Text(self.quoted()?),
            c if c.is_ascii_digit() || c == '-' => self.number()?,
            _ => self.call(depth)?,
        };
        loop {
            if self.takes('.') {
                found = Expression::Member(Box::new(found), self.word()?);
            } else if self.takes('[') {
                let index = self.expression(depth + 1)?;
                if !self.takes(']') {
                    return None;
                }
                found = Expression::Index(Box::new(found), Box::new(index));
            } else {
                return Some(found);
            }
        }
    }

    /// A text in quotes; two of them stand for one.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                text.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                chars.next();
                text.push(c);
            } else {
                self.rest = &self.rest[at + 1..];
                return Some(text);
            }
        }
        None
    }

    fn number(&mut self) -> Option<Expression<'t>> {
        let end = self.rest[1..].find(|c: char| !c.is_ascii_digit()).map_or(self.rest.len(), |end| end + 1);
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.parse().ok().map(Expression::Number)
    }

    fn word(&mut self) -> Option<&'t str> {
        self.blanks();
        let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '-';
        let end = self.rest.find(|c: char| !inside(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn call(&mut self, depth: usize) -> Option<Expression<'t>> {
        let mut name = Cow::Borrowed(self.word()?);
        // Functions of the template itself: `namespace.function()`.
        while self.rest.starts_with('.') {
            self.rest = &self.rest[1..];
            name.to_mut().extend([".", self.word()?]);
        }
        if !self.takes('(') {
            return None;
        }
        let mut arguments = Vec::new();
        if self.takes(')') {
            return Some(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.takes(')') {
                return Some(Expression::Call(name, arguments));
            }
            if !self.takes(',') {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_members_and_items() {
        let text = |t: &str| Expression::Text(t.to_owned());
        let call = |name, arguments| Expression::Call(Cow::Borrowed(name), arguments);
        assert_eq!(
            parse(" concat( 'it''s', -3 )"),
            Some(call("concat", vec![text("it's"), Expression::Number(-3)]))
        );
        let member = Expression::Member(Box::new(call("resourceGroup", vec![])), "id");
        assert_eq!(parse("resourceGroup().id"), Some(member));
        let item =
            Expression::Index(Box::new(call("variables", vec![text("a")])), Box::new(Expression::Number(0)));
        assert_eq!(parse("variables('a')[0]"), Some(item));
        for odd in ["", "a", "a(", "a('", "a(1,)", "a() b", "a()[", "'x"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
        assert_eq!(parse(&"f(".repeat(5000)), None);
    }
}
