//! [`Plan`]: what each target gets, within its limits. No format, no policy.

mod association;
mod files;
mod firewall;
mod flow_id;
mod lists;
mod nsg;
mod over;
mod parts;
mod previous;
mod promises;
mod routes;
mod tiers;
mod told;
mod whole;

pub use crate::limits::{
    Limit, LimitFault, LimitKey, Limits, Profile, UnknownLimit, Usage, firewall_priorities, nsg_priorities,
};
pub use association::Association;
pub use files::{FileCaps, TemplateSize};
pub use firewall::{
    AppProtocol, AppTarget, ApplicationRule, ClassicFirewall, Destination, Firewall, FirewallRules, IpGroup,
    NatCollection, NetworkProtocol, NetworkRule, RuleCollection, RuleCollectionGroup,
};
pub use flow_id::{CoveredBy, FlowId};
pub use lists::{AddressList, EndpointDefinition, EndpointPolicy};
pub use nsg::{Action, Nsg, NsgRule, Side};
pub use over::{Exceeded, OverLimit};
pub use parts::PlanParts;
pub(crate) use previous::lost_nat;
pub use previous::{Previous, WidenedList};
pub use promises::PlanError;
pub use routes::{Route, RouteTable, RouteTo};
pub use tiers::Shortage;
pub use told::{Choice, Extra, Gap, How, extra_of};
pub use whole::Plan;
