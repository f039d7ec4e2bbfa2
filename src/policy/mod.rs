//! Policies: what the user asked, and what it means once every name is resolved.

mod asked;
mod checks;
mod chosen;
mod demands;
mod draft;
mod endpoints;
mod expand;
mod fill;
mod flows;
mod form;
mod form_problem;
mod hand;
mod held_why;
mod hosts;
pub mod intent;
mod layer_problem;
mod layers;
mod managed;
mod name_error;
mod network;
mod note;
mod outside;
mod place;
mod preconditions;
mod problem;
mod problems;
mod promises;
mod read;
mod read_network;
mod resolve;
mod routing;
mod rule;
mod service_endpoints;
mod sets;
mod short;
mod suggest;
mod tree;
mod ways;
mod whole;
mod within;
mod words;

pub use crate::plan::FlowId;
pub use crate::tags::{SYSTEM_NONE, Symbols, never_extra, special_ranges};
pub use expand::{cloud_of, expand};
#[cfg(feature = "store")]
pub(crate) use fill::typed;
pub use form::published_schema as schema;
#[cfg(feature = "store")]
pub(crate) use form::{at as form_at, top_keys};
pub use held_why::HeldWhy;
pub use intent::Intent;
pub use layer_problem::NotLoaded;
pub use layers::{Layers, Load, Loaded, Overlay, keys_of};
pub use network::{Network, Outbound, Role, Subnet, SubnetEndpoint};
pub use note::{Note, TagNeed};
pub use place::{Path, PolicyErrors, PolicyProblem, Row, SourceText, Step};
pub use promises::PolicyFault;
pub use read::PolicySource;
#[cfg(feature = "store")]
pub(crate) use read::read_as;
pub use rule::{
    Cause, EndpointNeed, EndpointOffer, Flow, Held, LimitSettings, Managed, ManagedRoute, Origin,
    PolicyParts, Precision, Precondition, Remarks, Remote, RouteNeed, SkippedRow, Unmade, only_families_of,
};
pub use short::short_list;
#[cfg(feature = "store")]
pub(crate) use tree::value_of;
pub use ways::GroupScope;
pub use whole::Policy;
