//! Flow logs as streams: lines are handed over one after another, whatever the size of the file.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::cli::Failure;
use crate::read::live::{FlowTuple, flow_tuple};

/// A log as it is unpacked.
fn open(name: &str) -> Result<Box<dyn BufRead>, Failure> {
    let inner: Box<dyn Read> = if name == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let missing = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::Input(format!("{name}: there is no such file")),
            _ => Failure::Io(format!("{name}: {error}")),
        };
        Box::new(File::open(name).map_err(missing)?)
    };
    let mut plain = BufReader::with_capacity(1 << 16, inner);
    let start = plain.fill_buf().map_err(|error| Failure::Io(format!("{name}: {error}")))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(plain))))
    } else {
        Ok(Box::new(plain))
    }
}

/// Reads a log, and gives how many lines were not understood.
pub(super) fn read(name: &str, take: &mut dyn FnMut(FlowTuple)) -> Result<u64, Failure> {
    read_json(name, open(name)?, take)
}

/// How much of a log is looked at for its first line.
const START: u64 = 1 << 20;

/// The moment of the first line, in milliseconds since 1970; `None` where none stands at the beginning of the file.
pub(super) fn first_moment(name: &str) -> Result<Option<i64>, Failure> {
    let mut start = Vec::new();
    // What is wrong with the file is told when all of it is read.
    let _ = open(name)?.take(START).read_to_end(&mut start);
    let text = String::from_utf8_lossy(&start);
    let first = || {
        let list = text.to_ascii_lowercase().find("flowtuples")? + "flowtuples\"".len();
        let line = text.get(list..)?.split_once('[')?.1.split_once('"')?.1.split_once('"')?.0;
        flow_tuple(line).map(|tuple| tuple.time_ms)
    };
    Ok(first())
}

fn read_json(name: &str, mut text: impl BufRead, take: &mut dyn FnMut(FlowTuple)) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| Failure::Io(format!("{name}: {error}"));
    if text.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let mut reader = serde_json::Deserializer::from_reader(text);
    let mut found = Found { rule: None, resource: None, waiting: Vec::new(), lines: 0, odd: 0, take };
    loop {
        let read = Walk(&mut found).deserialize(&mut reader);
        read.map_err(|error| match error.io_error_kind() {
            Some(_) => Failure::Io(format!("{name}: {error}")),
            None => Failure::Input(format!("{name}:{}: {error}", error.line())),
        })?;
        found.hand_over(0);
        // A log may be cut into documents, one a line.
        if reader.end().is_ok() {
            break;
        }
    }
    if found.lines == 0 {
        return Err(Failure::Input(format!("{name}: it holds no flow: no list is called flowTuples")));
    }
    Ok(found.odd)
}

/// Lines that wait for the name of their rule; more are handed over without.
const WAITING: usize = 1 << 18;

/// Where in the log the reader is.
struct Found<'t> {
    /// The rule and resource of the objects that are open, where they are known yet: members come in any order.
    rule: Option<Arc<str>>,
    resource: Option<Arc<str>>,
    waiting: Vec<FlowTuple>,
    lines: u64,
    odd: u64,
    take: &'t mut dyn FnMut(FlowTuple),
}

impl Found<'_> {
    fn line(&mut self, text: &str) {
        self.lines += 1;
        let Some(tuple) = flow_tuple(text) else {
            self.odd += 1;
            return;
        };
        let known = self.rule.is_some() && self.resource.is_some();
        let of = |known: &Option<Arc<str>>| known.clone().unwrap_or_default();
        let tuple = FlowTuple { rule: of(&self.rule), resource: of(&self.resource), ..tuple };
        if known || self.waiting.len() >= WAITING {
            (self.take)(tuple);
        } else {
            self.waiting.push(tuple);
        }
    }

    /// Hands over what has waited since there were `start` lines.
    fn hand_over(&mut self, start: usize) {
        for tuple in self.waiting.drain(start..) {
            (self.take)(tuple);
        }
    }
}

/// Walks any value, looking for lists of lines.
struct Walk<'f, 't>(&'f mut Found<'t>);

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flow log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let start = self.0.waiting.len();
        let before = (self.0.rule.clone(), self.0.resource.clone());
        let (mut rule, mut resource): (Option<Arc<str>>, Option<Arc<str>>) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.to_ascii_lowercase().as_str() {
                "flowtuples" => map.next_value_seed(Lines(self.0))?,
                "rule" => {
                    rule = Some(map.next_value::<Text>()?.0.into());
                    self.0.rule.clone_from(&rule);
                }
                "aclid" | "resourceid" => {
                    resource = Some(map.next_value::<Text>()?.0.into());
                    self.0.resource.clone_from(&resource);
                }
                // A log of a virtual network names that here, and lists by their own ids.
                "targetresourceid" | "flowlogresourceid" | "macaddress" | "mac" | "category" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => map.next_value_seed(Walk(self.0))?,
            }
        }
        for tuple in &mut self.0.waiting[start..] {
            let fill = |own: &mut Arc<str>, found: &Option<Arc<str>>| {
                if let Some(found) = found.as_ref().filter(|_| own.is_empty()) {
                    *own = found.clone();
                }
            };
            fill(&mut tuple.rule, &rule);
            fill(&mut tuple.resource, &resource);
        }
        if resource.is_some() {
            self.0.hand_over(start);
        }
        (self.0.rule, self.0.resource) = before;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A list of lines.
struct Lines<'f, 't>(&'f mut Found<'t>);

impl<'de> DeserializeSeed<'de> for Lines<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of flow tuples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(Text(line)) = seq.next_element()? {
            self.0.line(&line);
        }
        Ok(())
    }
}

/// A text; anything else is an empty one.
struct Text(String);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(String::new()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
