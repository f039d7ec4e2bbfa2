//! [`Cloud`], [`TagName`] and [`Symbol`]: how tags are called.

use std::fmt;
use std::sync::Arc;

/// An Azure cloud that publishes its own service-tags file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// The public cloud.
    Public,
    /// Azure Government (United States).
    UsGov,
    /// Azure China, operated by 21Vianet.
    China,
    /// The former German cloud; no file after 2022-03-07.
    Germany,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Cloud; 4] = [Cloud::Public, Cloud::UsGov, Cloud::China, Cloud::Germany];

    /// The name used in policies and on the command line: `public`, `usgov`, `china`, `germany`.
    pub fn name(self) -> &'static str {
        match self {
            Cloud::Public => "public",
            Cloud::UsGov => "usgov",
            Cloud::China => "china",
            Cloud::Germany => "germany",
        }
    }

    /// The value of `cloud` in the published file.
    pub fn file_code(self) -> &'static str {
        match self {
            Cloud::Public => "Public",
            Cloud::UsGov => "AzureGovernment",
            Cloud::China => "China",
            Cloud::Germany => "AzureGermany",
        }
    }

    /// Finds a cloud by its name or its file code, in any case.
    pub fn find(text: &str) -> Option<Cloud> {
        Cloud::ALL
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(text) || c.file_code().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name of a service tag as the snapshot spells it, such as `Storage` or `Storage.WestEurope`.
///
/// Cheap to clone. Two names differ only in case never occur in one snapshot, which looks them up in any case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(Arc<str>);

impl TagName {
    /// The name `text`; only a snapshot knows whether there is such a tag.
    pub fn new(text: &str) -> Self {
        TagName(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first dot; the whole name if there is none.
    pub fn base(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(base, _)| base)
    }

    /// What stands behind the first dot. Not always a region: `AzureFrontDoor.Frontend`.
    pub fn suffix(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, suffix)| suffix)
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for TagName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A tag that Azure resolves by itself and no published file holds.
///
/// Source: service-tags overview page, 2025-07-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symbol {
    /// Everything outside the virtual network that the public Internet reaches, Azure's own addresses included.
    Internet,
    /// The virtual network, its peers, what lies behind its gateway, and the prefixes of user-defined routes.
    VirtualNetwork,
    /// The source of health probes, 168.63.129.16.
    AzureLoadBalancer,
    /// The platform's name resolver.
    AzurePlatformDns,
    /// The platform's instance metadata service.
    AzurePlatformImds,
    /// The platform's licence key service.
    AzurePlatformLkm,
}

impl Symbol {
    /// Whether the tag stands for the platform's own services, which pass every security group unless a rule denies
    /// the tag. Source: network-security-groups-overview.md, 2025-07-15; azure-docs pull request 56942.
    pub fn is_platform(self) -> bool {
        matches!(self, Symbol::AzurePlatformDns | Symbol::AzurePlatformImds | Symbol::AzurePlatformLkm)
    }

    /// Every symbol.
    pub const ALL: [Symbol; 6] = [
        Symbol::Internet,
        Symbol::VirtualNetwork,
        Symbol::AzureLoadBalancer,
        Symbol::AzurePlatformDns,
        Symbol::AzurePlatformImds,
        Symbol::AzurePlatformLkm,
    ];

    /// The name as Azure spells it.
    pub fn name(self) -> &'static str {
        match self {
            Symbol::Internet => "Internet",
            Symbol::VirtualNetwork => "VirtualNetwork",
            Symbol::AzureLoadBalancer => "AzureLoadBalancer",
            Symbol::AzurePlatformDns => "AzurePlatformDNS",
            Symbol::AzurePlatformImds => "AzurePlatformIMDS",
            Symbol::AzurePlatformLkm => "AzurePlatformLKM",
        }
    }

    /// Finds a symbol by its name in any case.
    pub fn find(text: &str) -> Option<Symbol> {
        Symbol::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
