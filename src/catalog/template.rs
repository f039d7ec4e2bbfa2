//! Texts with places to fill in: `Storage.{Region}`, `{option:storage-accounts}.blob.core.windows.net`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::option::OptionValue;
use crate::tags::{Region, Regions};

/// A text whose `{…}` are known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    text: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `{Region}`: suffix of tags; with `AzureCloud.` before it the file code.
    Region,
    /// `{region}`: location, as in host names.
    Location,
    /// `{code}`: file code.
    Code,
    /// `{pair}`: as `{Region}`, of the paired region.
    Pair,
    /// `{pair-location}`: as `{region}`, of the paired region.
    PairLocation,
    Option(String),
    /// `{subnet}` and `{range}`, which are filled in where subnets are known.
    Later(&'static str),
}

/// Stands for the prefix of a subnet in what a service keeps there.
pub(super) const SUBNET: &str = "{subnet}";

/// Stands for the same prefix as a part of a name.
pub(super) const SUBNET_RANGE: &str = "{range}";

/// Why a text is no template.
#[derive(Debug, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("`{0}`: `}}` is missing")]
    Open(String),
    #[error(
        "`{{{0}}}` is not known; known are {{Region}}, {{region}}, {{code}}, {{pair}}, {{pair-location}}, {{option:NAME}}"
    )]
    Unknown(String),
}

/// What the places are filled from.
pub(super) struct Fill<'a> {
    pub(super) region: &'a Region,
    pub(super) regions: &'a Regions,
    pub(super) options: &'a BTreeMap<&'a str, OptionValue>,
}

/// Why a place stays empty; the text is then left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gap {
    NoPair,
    Option(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, Part::parse)
    }

    /// Reads a text that may also have `{subnet}` and `{range}`; filled, it has these two still.
    pub(super) fn parse_of_subnet(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, |place| {
            let later = [SUBNET, SUBNET_RANGE].into_iter().find(|later| later[1..later.len() - 1] == *place);
            later.map_or_else(|| Part::parse(place), |later| Ok(Part::Later(later)))
        })
    }

    fn parse_with(
        text: &str,
        part: impl Fn(&str) -> Result<Part, TemplateError>,
    ) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) =
                after.split_once('}').ok_or_else(|| TemplateError::Open(text.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part(place)?);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template { text: text.into(), parts })
    }

    /// As written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The options that are filled in.
    pub(super) fn options(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Option(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Every text that results: one, or one for each value of a list.
    pub(super) fn fill<'f>(&self, fill: &Fill<'f>) -> Result<Vec<String>, Gap> {
        let cloud_tag = self.text.starts_with("AzureCloud.");
        let name = |region: &'f Region| if cloud_tag { region.code() } else { region.suffix() };
        let mut done = vec![String::new()];
        for part in &self.parts {
            let location;
            let value = match part {
                Part::Text(text) => text.as_str(),
                Part::Region => name(fill.region),
                Part::Code => fill.region.code(),
                Part::Later(text) => text,
                Part::Pair => name(fill.pair().ok_or(Gap::NoPair)?),
                Part::Location | Part::PairLocation => {
                    let own = matches!(part, Part::Location).then_some(fill.region);
                    location = own.or_else(|| fill.pair()).ok_or(Gap::NoPair)?.location();
                    &location
                }
                Part::Option(option) => {
                    let given = fill.options.get(option.as_str()).filter(|value| !value.is_empty());
                    let values = given.ok_or_else(|| Gap::Option(option.clone()))?.texts();
                    done = with_each(&done, &values);
                    continue;
                }
            };
            done.iter_mut().for_each(|text| text.push_str(value));
        }
        Ok(done)
    }
}

/// Each text with each of the values behind it.
fn with_each(heads: &[String], values: &[&str]) -> Vec<String> {
    heads.iter().flat_map(|head| values.iter().map(move |value| [head, *value].concat())).collect()
}

impl Part {
    fn parse(place: &str) -> Result<Self, TemplateError> {
        match place {
            "Region" => Ok(Part::Region),
            "region" => Ok(Part::Location),
            "code" => Ok(Part::Code),
            "pair" => Ok(Part::Pair),
            "pair-location" => Ok(Part::PairLocation),
            _ => place
                .strip_prefix("option:")
                .map(|name| Part::Option(name.trim().to_owned()))
                .ok_or_else(|| TemplateError::Unknown(place.to_owned())),
        }
    }
}

impl<'f> Fill<'f> {
    fn pair(&self) -> Option<&'f Region> {
        self.regions.find(self.region.pair()?).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Cloud;

    #[test]
    fn places_are_filled() {
        let regions = Regions::of(Cloud::Public);
        let list = OptionValue::List(vec!["one".into(), "two".into()]);
        let options = BTreeMap::from([("accounts", list), ("none", OptionValue::Text(String::new()))]);
        let fill = |region: &str, text: &str| {
            let fill = Fill { region: regions.find(region).unwrap(), regions, options: &options };
            Template::parse(text).unwrap().fill(&fill)
        };
        assert_eq!(fill("westeurope", "Storage.{Region}").unwrap(), ["Storage.WestEurope"]);
        assert_eq!(fill("francecentral", "AzureCloud.{Region}").unwrap(), ["AzureCloud.centralfrance"]);
        assert_eq!(fill("francecentral", "AzureCloud.{code}").unwrap(), ["AzureCloud.centralfrance"]);
        assert_eq!(fill("norwayeast", "A.{pair}").unwrap(), ["A.NorwayWest"]);
        assert_eq!(fill("norwayeast", "A.{pair-location}").unwrap(), ["A.norwaywest"]);
        assert_eq!(fill("italynorth", "A.{pair}").unwrap_err(), Gap::NoPair);
        assert_eq!(
            fill("westeurope", "{region}.tundra.azureml.ms").unwrap(),
            ["westeurope.tundra.azureml.ms"]
        );
        assert_eq!(
            fill("westeurope", "{option:accounts}.{region}").unwrap(),
            ["one.westeurope", "two.westeurope"]
        );
        assert_eq!(fill("westeurope", "{option:none}").unwrap_err(), Gap::Option("none".into()));
        assert!(Template::parse("{what}").unwrap_err().to_string().contains("{Region}"));
        assert!(Template::parse("{Region").unwrap_err().to_string().contains("`}` is missing"));
    }
}
