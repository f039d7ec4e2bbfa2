//! [`Assumption`]: what public sources leave open, by name; each can be switched off.

use std::fmt;

/// Something that no public source says for certain, and that a verdict may hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assumption {
    /// `VirtualNetwork` grows by the prefixes of the subnet's own user routes.
    VirtualNetworkGrows,
    /// What a gateway announces outside private space is in `VirtualNetwork` and in `Internet` both.
    PublicOnPremises,
    /// A route to a tag takes that tag's addresses out of `Internet`.
    TagRoutes,
    /// A rule with ports does not take protocols without ports.
    Portless,
    /// The platform's addresses pass a group, unless a rule names them by a platform tag.
    Platform,
    /// An appliance of which no rules are known passes everything.
    AppliancePasses,
    /// A subnet of which no way out is known has one, and lets in what is opened from the Internet.
    WayOut,
    /// Peered networks and gateways send by the same appliance that replies to them go to.
    Symmetric,
}

impl Assumption {
    /// Every assumption, in order.
    pub const ALL: [Assumption; 8] = [
        Assumption::VirtualNetworkGrows,
        Assumption::PublicOnPremises,
        Assumption::TagRoutes,
        Assumption::Portless,
        Assumption::Platform,
        Assumption::AppliancePasses,
        Assumption::WayOut,
        Assumption::Symmetric,
    ];

    /// A short name that stays.
    pub fn id(self) -> &'static str {
        match self {
            Assumption::VirtualNetworkGrows => "virtual-network-grows",
            Assumption::PublicOnPremises => "public-on-premises",
            Assumption::TagRoutes => "tag-routes",
            Assumption::Portless => "portless",
            Assumption::Platform => "platform",
            Assumption::AppliancePasses => "appliance-passes",
            Assumption::WayOut => "way-out",
            Assumption::Symmetric => "symmetric",
        }
    }

    /// What is assumed, as a sentence without full stop.
    pub fn text(self) -> &'static str {
        match self {
            Assumption::VirtualNetworkGrows => {
                "`VirtualNetwork` grows by the prefixes of the subnet's own user routes"
            }
            Assumption::PublicOnPremises => {
                "on-premises space that is not private is in `VirtualNetwork` and in `Internet` both"
            }
            Assumption::TagRoutes => "a route to a tag takes that tag's addresses out of `Internet`",
            Assumption::Portless => "a rule with ports does not take protocols without ports",
            Assumption::Platform => {
                "168.63.129.16 and 169.254.169.254 pass a security group unless a rule names a platform tag"
            }
            Assumption::AppliancePasses => "an appliance whose rules are not known passes everything",
            Assumption::WayOut => {
                "a subnet whose way out is not known has one, and takes in what is opened from the Internet"
            }
            Assumption::Symmetric => {
                "peered networks and gateways send by the same appliance that replies to them go to"
            }
        }
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// Which assumptions hold; by default all.
///
/// ```
/// use tagwall::replay::way::{Assumption, Assumptions};
/// let mut assumed = Assumptions::default();
/// assumed.set(Assumption::Platform, false);
/// assert!(!assumed.holds(Assumption::Platform) && assumed.holds(Assumption::WayOut));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumptions(u16);

impl Default for Assumptions {
    fn default() -> Self {
        Assumptions(Assumption::ALL.into_iter().map(Assumption::bit).sum())
    }
}

impl Assumptions {
    /// Whether `assumption` is made.
    pub fn holds(self, assumption: Assumption) -> bool {
        self.0 & assumption.bit() != 0
    }

    /// Makes `assumption`, or not.
    pub fn set(&mut self, assumption: Assumption, holds: bool) {
        self.0 = if holds { self.0 | assumption.bit() } else { self.0 & !assumption.bit() };
    }
}
