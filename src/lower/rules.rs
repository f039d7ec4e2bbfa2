//! [`Rules`] of a firewall before they are put into collections.

use super::names::unique;
use crate::plan::{ApplicationRule, NetworkRule};

/// Rules of both kinds.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) network: Vec<NetworkRule>,
    pub(super) application: Vec<ApplicationRule>,
}

impl Rules {
    /// Puts them in order of their names, which become unique.
    pub(super) fn in_order(mut self) -> Self {
        self.network.sort_by(|a, b| a.name.cmp(&b.name));
        unique(&mut self.network, |r| &mut r.name, |r| r.flows.join(" "));
        self.application.sort_by(|a, b| a.name.cmp(&b.name));
        unique(&mut self.application, |r| &mut r.name, |r| r.flows.join(" "));
        self
    }
}
