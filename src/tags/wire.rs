//! A private mirror of the published JSON, borrowed from its bytes, and its careful reader, which knows every place
//! and error.
//!
//! Two producers share the form: the weekly file and the Service Tag Discovery API, which writes change numbers
//! as strings and leaves out `platform` and `regionId`. Prefixes are parsed while the JSON is read, so that no
//! list of strings is ever built; a prefix that is not understood is kept as text and judged by the snapshot.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::features::Features;
use crate::addr::{IpPrefix, Prefix, PrefixError};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    #[serde(alias = "ChangeNumber")]
    pub(super) change_number: ChangeNumber,
    #[serde(borrow, alias = "Cloud")]
    pub(super) cloud: Text<'a>,
    #[serde(borrow, alias = "Values")]
    pub(super) values: Vec<WireTag<'a>>,
    /// Where the rest is, in an answer of several pages.
    #[serde(borrow, default, alias = "NextLink")]
    pub(super) next_link: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct WireTag<'a> {
    #[serde(borrow, alias = "Name")]
    pub(super) name: Text<'a>,
    #[serde(borrow, alias = "Properties")]
    pub(super) properties: Properties<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties<'a> {
    #[serde(default, alias = "ChangeNumber")]
    pub(super) change_number: ChangeNumber,
    #[serde(borrow, default, alias = "Region")]
    pub(super) region: Text<'a>,
    #[serde(default, deserialize_with = "number_or_null", alias = "RegionId")]
    pub(super) region_id: u32,
    #[serde(borrow, default, alias = "SystemService")]
    pub(super) system_service: Text<'a>,
    #[serde(borrow, alias = "AddressPrefixes")]
    pub(super) address_prefixes: PrefixList<'a>,
    #[serde(default, alias = "NetworkFeatures")]
    pub(super) network_features: Features,
}

fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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
                let mut list = PrefixList::default();
                let mut index = 0;
                while let Some(item) = seq.next_element::<Item<'de>>()? {
                    match item {
                        Item::Prefix(IpPrefix::V4(p)) => list.v4.push(p),
                        Item::Prefix(IpPrefix::V6(p)) => list.v6.push(p),
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

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Features;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of features")
            }
            fn visit_unit<E>(self) -> Result<Features, E> {
                Ok(Features::stated())
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Features, S::Error> {
                let mut features = Features::stated();
                while let Some(Text(name)) = seq.next_element()? {
                    features.add(&name);
                }
                Ok(features)
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}
