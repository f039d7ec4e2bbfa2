//! Small forms that several keys of a policy file share.

use schemars::JsonSchema;
use serde::Deserialize;

/// One text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// Nothing given.
    #[default]
    #[serde(skip)]
    None,
    /// A single text.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The texts as a slice.
    pub fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::None => &[],
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

/// Which side opens a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DirectionName {
    /// The remote side.
    Inbound,
    /// The subnet.
    Outbound,
}

/// Ports as a number, a text such as `"443,8704-8710"`, or a list of those.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PortsText {
    /// Not given: every port.
    #[default]
    #[serde(skip)]
    All,
    /// One port.
    Number(u16),
    /// Ports and ranges separated by commas, or `*`.
    Text(String),
    /// Several ports or ranges.
    List(Vec<PortItem>),
}

/// One port or range of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PortItem {
    /// One port.
    Number(u16),
    /// A port, a range or `*`.
    Text(String),
}
