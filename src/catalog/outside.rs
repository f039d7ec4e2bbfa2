//! Service tags that Azure knows and that no published file holds.

use super::alias::rest_of;
use super::fields::{CatalogReader, Fields};
use super::form_problem::FormProblem;
use crate::tags::Cloud;

/// A service tag that no published file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideTag {
    /// Its names; `Base.*` stands for every ending.
    pub tags: Vec<String>,
    /// The clouds that have it; none: all.
    pub clouds: Vec<Cloud>,
    /// Features as the published files name them: `NSG`, `FW` and `UDR`, where the target takes it by name.
    pub takes: Vec<&'static str>,
    /// What to know about it.
    pub note: String,
    /// Where this is written.
    pub source: String,
}

impl OutsideTag {
    /// Reads an `[[outside]]`.
    pub(super) fn read<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> OutsideTag {
        let mut takes = Vec::new();
        for (name, span) in fields.texts(reader, "takes") {
            match name.as_str() {
                "nsg" => takes.push("NSG"),
                "firewall" => takes.push("FW"),
                "route" => takes.push("UDR"),
                _ => {
                    reader.problem(span, FormProblem::Target(&name));
                }
            }
        }
        let mut clouds = Vec::new();
        for (name, span) in fields.texts(reader, "clouds") {
            match Cloud::find(&name) {
                Some(cloud) => clouds.push(cloud),
                None => reader.problem(span, FormProblem::Cloud(&name)),
            }
        }
        let tag = OutsideTag {
            tags: fields.plain_texts(reader, "tags"),
            clouds,
            takes,
            note: fields.required_text(reader, "note"),
            source: fields.required_text(reader, "source"),
        };
        fields.finish(reader);
        tag
    }

    /// Whether the tag `name`, in any case, is meant in `cloud`.
    pub fn matches(&self, cloud: Cloud, name: &str) -> bool {
        (self.clouds.is_empty() || self.clouds.contains(&cloud))
            && self.tags.iter().any(|pattern| rest_of(pattern, name).is_some())
    }

    /// The name as it is spelt here, where it is one without an ending of its own.
    pub fn spelling(&self, name: &str) -> String {
        self.tags.iter().find(|tag| tag.eq_ignore_ascii_case(name)).map_or(name, String::as_str).to_owned()
    }
}
