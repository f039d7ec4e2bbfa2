//! HashiCorp's configuration language, as far as resources need it: blocks, literals, lists, objects, references.
//! Both syntaxes give the same blocks.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::ReadError;

/// A block with its labels.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) place: String,
    pub(super) attributes: BTreeMap<String, Term>,
    pub(super) blocks: Vec<Block>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    Text(String),
    Number(i64),
    Bool(bool),
    /// A reference or keyword.
    Name(String),
    List(Vec<Term>),
    /// An object; resources that are read have none.
    Object,
}

/// Reads the native syntax.
pub(super) fn native(name: &str, text: &str) -> Result<Vec<Block>, ReadError> {
    let mut parser = Parser { name, tokens: tokens(name, text)?, at: 0, depth: 0 };
    let mut blocks = Vec::new();
    while parser.at < parser.tokens.len() {
        let kind = parser.word()?;
        blocks.push(parser.block(kind)?);
    }
    Ok(blocks)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(i64),
    Mark(char),
}

/// Tokens with their lines.
fn tokens(name: &str, text: &str) -> Result<Vec<(usize, Token)>, ReadError> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let at = |message: &str| ReadError::new(format!("{name} line {}", index + 1), message);
        let mut rest = line;
        loop {
            rest = rest.trim_start();
            let Some(c) = rest.chars().next() else { break };
            let token = match c {
                '#' => break,
                '"' => {
                    let (text, after) =
                        string(&rest[1..]).ok_or_else(|| at("a string does not end on its line"))?;
                    rest = after;
                    Token::Text(template(&text).map_err(|e| at(&e))?)
                }
                '0'..='9' => {
                    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                    let number = rest[..end].parse().map_err(|_| at("a number is too long"))?;
                    rest = &rest[end..];
                    Token::Number(number)
                }
                c if c.is_ascii_alphabetic() || c == '_' => {
                    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
                    let end = rest.find(|c: char| !part(c)).unwrap_or(rest.len());
                    let word = rest[..end].to_owned();
                    rest = &rest[end..];
                    Token::Word(word)
                }
                '{' | '}' | '[' | ']' | '=' | ',' => {
                    rest = &rest[1..];
                    Token::Mark(c)
                }
                _ => return Err(at(&format!("`{c}` is not read"))),
            };
            tokens.push((index + 1, token));
        }
    }
    Ok(tokens)
}

/// A quoted string after its opening quote: its characters, each with whether it was escaped, since an escaped one
/// opens no template. The text behind the closing quote comes second.
fn string(text: &str) -> Option<(Vec<(bool, char)>, &str)> {
    let mut out = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push((true, escape(&mut chars)?)),
            c => out.push((false, c)),
        }
    }
    None
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '"' => Some('"'),
        '\\' => Some('\\'),
        'u' => {
            let code: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
            char::from_u32(u32::from_str_radix(&code, 16).ok()?)
        }
        _ => None,
    }
}

/// The text of a template that has no interpolation: `$${` and `%%{` stand for `${` and `%{`.
fn template(chars: &[(bool, char)]) -> Result<String, String> {
    let plain = |at: usize, wanted: char| chars.get(at).is_some_and(|&(escaped, c)| !escaped && c == wanted);
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let (escaped, c) = chars[at];
        if !escaped && matches!(c, '$' | '%') {
            if plain(at + 1, c) && plain(at + 2, '{') {
                out.extend([c, '{']);
                at += 3;
                continue;
            }
            if plain(at + 1, '{') {
                return Err("strings with interpolation are not read".to_owned());
            }
        }
        out.push(c);
        at += 1;
    }
    Ok(out)
}

struct Parser<'a> {
    name: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    /// How many blocks and values are around the one that is read.
    depth: usize,
}

/// More blocks and values inside each other than any resource has.
const DEEPEST: usize = 64;

impl Parser<'_> {
    /// Reads something inside what is being read.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.depth == DEEPEST {
            return Err(self.error("blocks and values are too deep inside each other"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn place(&self) -> String {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |(line, _)| *line);
        format!("{} line {line}", self.name)
    }

    fn error(&self, message: &str) -> ReadError {
        ReadError::new(self.place(), message)
    }

    fn next(&mut self) -> Result<Token, ReadError> {
        let token = self.tokens.get(self.at).map(|(_, token)| token.clone());
        let token = token.ok_or_else(|| self.error("the file ends too early"))?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, mark: char) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Mark(c))) if *c == mark);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> Result<String, ReadError> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            _ => Err(self.error("a name is expected")),
        }
    }

    /// A block whose kind has been read.
    fn block(&mut self, kind: String) -> Result<Block, ReadError> {
        let mut block = Block { kind, place: self.place(), ..Block::default() };
        while let Some((_, Token::Text(label))) = self.tokens.get(self.at) {
            block.labels.push(label.clone());
            self.at += 1;
        }
        if !self.takes('{') {
            return Err(self.error("`{` is expected"));
        }
        while !self.takes('}') {
            let name = self.word()?;
            if self.takes('=') {
                let value = self.value()?;
                if block.attributes.insert(name, value).is_some() {
                    return Err(self.error("an argument is given twice"));
                }
            } else {
                let inner = self.inside(|parser| parser.block(name))?;
                block.blocks.push(inner);
            }
        }
        Ok(block)
    }

    fn value(&mut self) -> Result<Term, ReadError> {
        match self.next()? {
            Token::Text(text) => Ok(Term::Text(text)),
            Token::Number(number) => Ok(Term::Number(number)),
            Token::Word(word) if word == "true" => Ok(Term::Bool(true)),
            Token::Word(word) if word == "false" => Ok(Term::Bool(false)),
            Token::Word(word) => Ok(Term::Name(word)),
            Token::Mark('[') => {
                let mut items = Vec::new();
                while !self.takes(']') {
                    items.push(self.inside(Self::value)?);
                    if !self.takes(',') && !matches!(self.tokens.get(self.at), Some((_, Token::Mark(']')))) {
                        return Err(self.error("`,` or `]` is expected"));
                    }
                }
                Ok(Term::List(items))
            }
            Token::Mark('{') => {
                while !self.takes('}') {
                    self.word()?;
                    if !self.takes('=') {
                        return Err(self.error("`=` is expected"));
                    }
                    self.inside(Self::value)?;
                }
                Ok(Term::Object)
            }
            Token::Mark(_) => Err(self.error("a value is expected")),
        }
    }
}

/// Reads the resources and variables of the JSON syntax.
pub(super) fn json(name: &str, bytes: &[u8]) -> Result<Vec<Block>, ReadError> {
    let document: Json =
        serde_json::from_slice(bytes).map_err(|error| ReadError::new(name, error.to_string()))?;
    let mut blocks = Vec::new();
    for (kind, labelled) in members(document.get("resource"), name)? {
        for (label, body) in members(Some(&labelled), name)? {
            let place = format!("{name}: {kind}.{label}");
            let mut block = json_block("resource".to_owned(), &body, place)?;
            block.labels = vec![kind.clone(), label];
            blocks.push(block);
        }
    }
    for (label, body) in members(document.get("variable"), name)? {
        let mut block = json_block("variable".to_owned(), &body, format!("{name}: variable.{label}"))?;
        block.labels = vec![label];
        blocks.push(block);
    }
    Ok(blocks)
}

/// The members of an object; none where there is no value.
fn members(value: Option<&Json>, place: &str) -> Result<serde_json::Map<String, Json>, ReadError> {
    match value {
        None => Ok(serde_json::Map::new()),
        Some(Json::Object(members)) => Ok(members.clone()),
        Some(_) => Err(ReadError::new(place, "an object is expected")),
    }
}

fn json_block(kind: String, body: &Json, place: String) -> Result<Block, ReadError> {
    let members = body.as_object().ok_or_else(|| ReadError::new(&place, "an object is expected"))?;
    let mut block = Block { kind, place: place.clone(), ..Block::default() };
    for (key, value) in members {
        match value.as_array().filter(|list| !list.is_empty() && list.iter().all(Json::is_object)) {
            Some(list) => {
                for (index, inner) in list.iter().enumerate() {
                    block.blocks.push(json_block(key.clone(), inner, format!("{place}.{key}[{index}]"))?);
                }
            }
            None if value.is_null() => {}
            None => {
                block.attributes.insert(key.clone(), json_term(value, &format!("{place}.{key}"))?);
            }
        }
    }
    Ok(block)
}

fn json_term(value: &Json, place: &str) -> Result<Term, ReadError> {
    match value {
        Json::String(text) => {
            let inner = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
            if let Some(name) = inner.filter(|n| !n.contains(['$', '%', '{', '}', '"'])) {
                return Ok(Term::Name(name.to_owned()));
            }
            let chars: Vec<(bool, char)> = text.chars().map(|c| (false, c)).collect();
            template(&chars).map(Term::Text).map_err(|error| ReadError::new(place, error))
        }
        Json::Number(number) => {
            let number =
                number.as_i64().ok_or_else(|| ReadError::new(place, "a whole number is expected"))?;
            Ok(Term::Number(number))
        }
        Json::Bool(switch) => Ok(Term::Bool(*switch)),
        Json::Array(items) => {
            items.iter().map(|i| json_term(i, place)).collect::<Result<_, _>>().map(Term::List)
        }
        Json::Object(_) => Ok(Term::Object),
        Json::Null => Err(ReadError::new(place, "null is not read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read() {
        let read = |text: &str| match native("t", &format!("a \"b\" {{\n  x = {text}\n}}\n")) {
            Ok(blocks) => Ok(blocks[0].attributes["x"].clone()),
            Err(error) => Err(error.message),
        };
        let text = |t: &str| Ok(Term::Text(t.to_owned()));
        assert_eq!(read(r#""a \"b\" \\ \n é \u0007""#), text("a \"b\" \\ \n é \u{7}"));
        assert_eq!(read(r#""$${a} %%{b} $c $$d""#), text("${a} %{b} $c $$d"));
        assert_eq!(read(r#""\u0024{a}""#), text("${a}"));
        assert!(read(r#""x ${var.a}""#).is_err());
        assert!(read(r#""open"#).is_err());
        for open in ["[", "{ x = "] {
            assert!(read(&open.repeat(100_000)).unwrap_err().contains("too deep"));
        }
        let error = native("t", &"a {\n".repeat(100_000)).unwrap_err();
        assert!(error.message.contains("too deep"), "{error}");
    }
}
