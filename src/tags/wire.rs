//! A private mirror of the published JSON, borrowed from its bytes.
//!
//! Two producers share the form: the weekly file and the Service Tag Discovery API, which writes change numbers
//! as strings and leaves out `platform` and `regionId`. Prefixes are parsed while the JSON is read, so that no
//! list of strings is ever built; a prefix that is not understood is kept as text and judged by the snapshot.
//!
//! There are two ways to the prefixes, nearly all of a file. The careful one, [`PrefixList`] as serde reads it, knows
//! every place and error. The quick one leaves each list as raw text to [`PrefixList::scan`], which knows only lists
//! without any fault and gives up on all others.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::addr::{IpPrefix, Prefix, PrefixError};

/// A file whose lists of prefixes come as `L`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "L: Deserialize<'de>"))]
pub(super) struct File<'a, L = PrefixList<'a>> {
    pub(super) change_number: ChangeNumber,
    #[serde(borrow)]
    pub(super) cloud: Text<'a>,
    #[serde(borrow)]
    pub(super) values: Vec<Entry<'a, L>>,
}

/// A file whose lists of prefixes are not read yet.
pub(super) type RawFile<'a> = File<'a, &'a RawValue>;

#[derive(Deserialize)]
#[serde(bound(deserialize = "L: Deserialize<'de>"))]
pub(super) struct Entry<'a, L = PrefixList<'a>> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) properties: Properties<'a, L>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "L: Deserialize<'de>"))]
pub(super) struct Properties<'a, L = PrefixList<'a>> {
    #[serde(default)]
    pub(super) change_number: ChangeNumber,
    #[serde(borrow, default)]
    pub(super) region: Text<'a>,
    #[serde(default)]
    pub(super) region_id: u32,
    #[serde(borrow, default)]
    pub(super) system_service: Text<'a>,
    pub(super) address_prefixes: L,
    /// Outer `None`: the key is missing, as in files before 2020-08-27. Inner `None`: it is `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) network_features: Option<Option<Vec<Text<'a>>>>,
}

impl<'a> Entry<'a, &'a RawValue> {
    /// Reads the list of prefixes; `None` if it holds anything but right prefixes.
    pub(super) fn scan(self) -> Option<Entry<'a>> {
        let Entry { name, properties: p } = self;
        let address_prefixes = PrefixList::scan(p.address_prefixes.get().as_bytes())?;
        let properties = Properties {
            change_number: p.change_number,
            region: p.region,
            region_id: p.region_id,
            system_service: p.system_service,
            address_prefixes,
            network_features: p.network_features,
        };
        Some(Entry { name, properties })
    }
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Vec<Text<'a>>>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A string, borrowed where the JSON has no escapes in it; `null` counts as empty.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E: Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A change number: an integer in the file, a string in the API.
#[derive(Default, Clone, Copy)]
pub(super) struct ChangeNumber(pub(super) u64);

impl<'de> Deserialize<'de> for ChangeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = ChangeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<ChangeNumber, E> {
                Ok(ChangeNumber(number))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ChangeNumber, E> {
                text.parse()
                    .map(ChangeNumber)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// The prefixes of one tag by family, in the order of the file, and those that are not understood.
#[derive(Default)]
pub(super) struct PrefixList<'a> {
    pub(super) v4: Vec<Prefix<u32>>,
    pub(super) v6: Vec<Prefix<u128>>,
    pub(super) bad: Vec<BadPrefix<'a>>,
}

/// Nine of ten lists have no more prefixes of one family.
const USUAL: usize = 40;

impl PrefixList<'_> {
    /// Reads the text of a JSON list of right prefixes without escapes; `None` for everything else.
    fn scan(text: &[u8]) -> Option<Self> {
        let mut list = PrefixList::default();
        let mut at = after_blanks(text, expect(text, 0, b'[')?);
        if text.get(at) == Some(&b']') {
            return (at + 1 == text.len()).then_some(list);
        }
        list.v4.reserve_exact(USUAL);
        loop {
            let from = expect(text, at, b'"')?;
            let item = &text[from..];
            let used = if let Some((prefix, used)) = Prefix::scan(item, false) {
                list.v4.push(prefix);
                used
            } else {
                let (prefix, used) = Prefix::scan(item, false)?;
                if list.v6.capacity() == 0 {
                    list.v6.reserve_exact(USUAL);
                }
                list.v6.push(prefix);
                used
            };
            at = after_blanks(text, expect(text, from + used, b'"')?);
            match text.get(at)? {
                b',' => at = after_blanks(text, at + 1),
                b']' => return (at + 1 == text.len()).then_some(list),
                _ => return None,
            }
        }
    }
}

/// The place behind `byte`, if that stands at `at`.
#[inline]
fn expect(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    (text.get(at) == Some(&byte)).then_some(at + 1)
}

/// The place of the first byte from `at` on that is no white space of JSON.
#[inline]
fn after_blanks(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// An entry of `addressPrefixes` that is no prefix.
pub(super) struct BadPrefix<'a> {
    pub(super) index: usize,
    pub(super) text: Cow<'a, str>,
    pub(super) error: PrefixError,
}

impl<'de: 'a, 'a> Deserialize<'de> for PrefixList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = PrefixList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of prefixes")
            }
            fn visit_unit<E: Error>(self) -> Result<PrefixList<'de>, E> {
                Ok(PrefixList::default())
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<PrefixList<'de>, S::Error> {
                // Room for the usual list at once: growing step by step costs a tenth of the whole reading.
                let mut list = PrefixList { v4: Vec::with_capacity(USUAL), ..PrefixList::default() };
                let mut index = 0;
                while let Some(item) = seq.next_element::<Item<'de>>()? {
                    match item {
                        Item::Prefix(IpPrefix::V4(p)) => list.v4.push(p),
                        Item::Prefix(IpPrefix::V6(p)) => {
                            if list.v6.capacity() == 0 {
                                list.v6.reserve_exact(USUAL);
                            }
                            list.v6.push(p);
                        }
                        Item::Bad(text, error) => list.bad.push(BadPrefix { index, text, error }),
                    }
                    index += 1;
                }
                Ok(list)
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}

enum Item<'a> {
    Prefix(IpPrefix),
    Bad(Cow<'a, str>, PrefixError),
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a prefix as a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Item<'de>, E> {
                Ok(IpPrefix::parse(text, false)
                    .map_or_else(|error| Item::Bad(Cow::Borrowed(text), error), Item::Prefix))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Item<'de>, E> {
                Ok(IpPrefix::parse(text, false)
                    .map_or_else(|error| Item::Bad(Cow::Owned(text.to_owned()), error), Item::Prefix))
            }
        }
        deserializer.deserialize_str(ItemVisitor)
    }
}
