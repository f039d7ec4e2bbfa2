//! Names of members, each once in an object; and values that are gone through without being kept.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The names of an object so far; looked up one by one while there are few.
pub(super) struct Names {
    any_case: bool,
    many: HashSet<String>,
}

/// More members than any object of a rule has.
const FEW: usize = 24;

impl Names {
    pub(super) fn new(any_case: bool) -> Self {
        Names { any_case, many: HashSet::new() }
    }

    pub(super) fn is_there<'n, 'd: 'n>(
        &mut self,
        mut members: impl ExactSizeIterator<Item = &'n Cow<'d, str>>,
        name: &str,
    ) -> bool {
        let same = |other: &str| if self.any_case { other.eq_ignore_ascii_case(name) } else { other == name };
        if members.len() < FEW {
            return members.any(|other| same(other));
        }
        let any_case = self.any_case;
        let key = |name: &str| if any_case { name.to_ascii_lowercase() } else { name.to_owned() };
        if self.many.is_empty() {
            self.many = members.map(|other| key(other)).collect();
        }
        !self.many.insert(key(name))
    }
}

pub(super) fn twice<E: de::Error>(name: &str) -> E {
    E::custom(format_args!("the member `{name}` is there twice"))
}

/// Goes through a value with the errors of one that is read, and keeps nothing of it. It gives the first name of an
/// object, if that stands in the document as it is.
#[derive(Clone, Copy)]
pub(super) struct Passing {
    pub(super) any_case: bool,
}

impl<'de> DeserializeSeed<'de> for Passing {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Passing {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        while from.next_element_seed(self)?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut passed: Vec<Cow<'de, str>> = Vec::with_capacity(16);
        let mut names = Names::new(self.any_case);
        while let Some(name) = from.next_key_seed(Name)? {
            if names.is_there(passed.iter(), &name) {
                return Err(twice(&name));
            }
            from.next_value_seed(self)?;
            passed.push(name);
        }
        Ok(match passed.first() {
            Some(Cow::Borrowed(name)) => Some(name),
            _ => None,
        })
    }
}

/// The name of a member.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
