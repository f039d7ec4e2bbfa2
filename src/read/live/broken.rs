//! Documents that break off or are no JSON: where.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::read::ReadError;

/// The error with the way to where the document ends or breaks.
pub(super) fn with_pointer(name: &str, text: &str, error: ReadError) -> ReadError {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found: Result<Passed, _> = serde_path_to_error::deserialize(&mut reader);
    let Err(found) = found else { return error };
    let mut pointer = String::new();
    for segment in found.path() {
        use serde_path_to_error::Segment;
        match segment {
            // Writing to a text cannot fail.
            Segment::Seq { index } => _ = write!(pointer, "/{index}"),
            Segment::Map { key } => {
                pointer.extend(["/", &key.replace('~', "~0").replace('/', "~1")]);
            }
            _ => {}
        }
    }
    let cause = found.into_inner();
    let line = cause.line();
    match pointer.trim_end() {
        "" => ReadError::new(format_args!("{name}:{line}"), cause),
        pointer => ReadError::new(format_args!("{name}:{line} {pointer}"), cause),
    }
}

/// A value that was gone through; nothing of it is kept, however large it is.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not as what may be ignored: the way leads only to what is looked at.
        from.deserialize_any(Passed)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = Passed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_str<E>(self, _: &str) -> Result<Passed, E> {
        Ok(Passed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Passed, A::Error> {
        while from.next_element::<Passed>()?.is_some() {}
        Ok(Passed)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Passed, A::Error> {
        while from.next_entry::<Passed, Passed>()?.is_some() {}
        Ok(Passed)
    }
}
