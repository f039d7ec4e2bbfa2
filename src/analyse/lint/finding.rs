//! [`Finding`]: what lint says of a rule or resource, under stable ids.

use serde::Serialize;

use super::message::{Fix, Message, TagMatch};
use crate::read::live::Place;
use crate::rules::Packet;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something does not do what it seems to do.
    Warning,
    /// Something that must not be.
    Error,
}

impl Severity {
    /// `info`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What an id means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `TW001` and so on; never given to anything else.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it is a judgement, given only where risks are asked for.
    pub is_risk: bool,
    /// What it says, why it matters, and what to do.
    pub meaning: &'static str,
    /// A small example.
    pub example: &'static str,
    /// Page and its date, where Azure's behaviour is the reason.
    pub source: &'static str,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The id of its [`Check`].
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The resource it is about.
    pub resource: String,
    /// The rule or route; `None` where it is about the resource.
    pub rule: Option<String>,
    /// A sentence.
    pub message: Message,
    /// Where it stands.
    pub place: Place,
    /// A packet that shows it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "packet")]
    pub packet: Option<Packet>,
    /// Rules that are the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blockers: Option<Vec<String>>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Page and its date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// Tags and weeks, for lists that are one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagMatch>,
}

/// A packet as the contract of programs has it.
pub(crate) fn packet<S: serde::Serializer>(
    packet: &Option<Packet>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form {
        src: std::net::IpAddr,
        dst: std::net::IpAddr,
        protocol: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        sport: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dport: Option<u16>,
    }
    let form = packet.map(|p| Form {
        src: p.src(),
        dst: p.dst(),
        protocol: p.protocol().name(),
        sport: p.sport(),
        dport: p.dport(),
    });
    form.serialize(serializer)
}

impl Finding {
    /// A finding of the check with this id.
    ///
    /// # Panics
    /// If there is no such check: ids are written in the code that finds.
    pub(super) fn new(id: &str, resource: &str, rule: Option<&str>, place: &Place, message: Message) -> Self {
        let check = check(id).unwrap_or_else(|| panic!("no check is called {id}"));
        Finding {
            id: check.id,
            severity: check.severity,
            resource: resource.to_owned(),
            rule: rule.map(str::to_owned),
            message,
            place: place.clone(),
            packet: None,
            blockers: None,
            fix: None,
            source: (!check.source.is_empty()).then_some(check.source),
            tags: Vec::new(),
        }
    }

    pub(super) fn packet(self, packet: Option<Packet>) -> Self {
        Finding { packet, ..self }
    }

    pub(super) fn blockers(self, blockers: Vec<String>) -> Self {
        Finding { blockers: Some(blockers), ..self }
    }

    pub(super) fn fix(self, fix: &'static str) -> Self {
        Finding { fix: Some(Fix::Do(fix)), ..self }
    }

    pub(super) fn rated(self, severity: Severity) -> Self {
        Finding { severity, ..self }
    }
}

/// The check with this id, in any case.
pub fn check(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.id.eq_ignore_ascii_case(id))
}

const NSG: &str = "network-security-groups-overview.md, 2025-07-15";
const UDR: &str = "virtual-networks-udr-overview.md, 2023-05-27";
const FIREWALL: &str = "rule-processing.md, 2025-05-07";
const TAGS: &str = "service-tags-overview.md, 2025-07-15";

macro_rules! checks {
    ($($id:literal $severity:ident $risk:literal $title:literal $meaning:literal $example:literal $source:expr;)*) => {
        /// Every check, by id.
        pub const CHECKS: &[Check] = &[$(Check {
            id: $id,
            title: $title,
            severity: Severity::$severity,
            is_risk: $risk,
            meaning: $meaning,
            example: $example,
            source: $source,
        }),*];
    };
}

checks! {
    "TW001" Warning false "dead rule"
        "Every packet that the rule could take is taken by rules before it, or it can take none at all. It does nothing; whoever reads it believes that it does. Remove it, or put it before the rules that are named."
        "100 Allow tcp 443 from 198.51.100.0/24; 200 Allow tcp 443 from 198.51.100.7/32: the second never decides." NSG;
    "TW002" Error false "rule is dead by the other action"
        "No packet ever reaches the rule, and some of them are decided the other way: what it allows is denied, or what it denies is allowed."
        "100 Deny * from 198.51.100.0/24; 200 Allow tcp 443 from 198.51.100.7/32: nobody at .7 gets in." NSG;
    "TW003" Info false "rule is shadowed in part by the other action"
        "A part of what the rule takes is decided the other way before it. Often meant so; the packet shows which part."
        "290 Deny tcp 8086; 310 Allow tcp 8080-8090: port 8086 stays shut." NSG;
    "TW004" Info false "redundant rule"
        "The rule decides packets, but all of them would be decided alike without it, by later rules or by those that Azure adds."
        "4000 Deny tcp 23 from Internet, with nothing behind it that allows: DenyAllInBound denies the same." NSG;
    "TW005" Info false "mergeable rules"
        "Two rules that differ in one field say the same as one rule with both values in it; no packet is decided otherwise."
        "100 Allow tcp 80 and 110 Allow tcp 443 from and to the same: one rule for ports 80 and 443." NSG;
    "TW006" Info false "default rule never decides"
        "A rule that Azure adds never decides a packet, since the rules before it take all that it takes. Usual where everything else is denied."
        "4096 Deny * from * to Internet: AllowInternetOutBound (65001) is dead." NSG;
    "TW010" Error false "management or data port open to the Internet"
        "After all rules more than a /8 of public addresses reaches a port through which machines are managed or data is kept. Halves, ranges, lists, tags and unions of several rules are counted together."
        "300 Allow tcp 22 from 0.0.0.0/1 and 310 Allow tcp 22 from 128.0.0.0/1." NSG;
    "TW011" Warning false "everything outbound allowed"
        "Every packet to the Internet passes. With --risks also where only the rule that Azure adds does that."
        "100 Allow * from * to Internet" NSG;
    "TW012" Info false "source ports limited"
        "Clients choose their source port at random, so that a rule which asks for certain ones hardly ever matches; an attacker chooses his."
        "Allow tcp from Internet, source port 443, to port 443" NSG;
    "TW013" Info false "any protocol with ports"
        "A rule for any protocol that names ports takes TCP and UDP only: ICMP, ESP and AH have no ports."
        "Allow * to port 443: ping is not among it." NSG;
    "TW020" Warning false "list is a stale tag"
        "The addresses are those of a service tag as it was published in the weeks named, and the tag has others by now. Name the tag, or paste the list anew."
        "its prefixes are AzureMachineLearning as published from 2025-02-17 to 2025-03-03" TAGS;
    "TW021" Warning false "list holds addresses that left its tag"
        "Addresses of the list belonged to the tag when it was pasted; today they belong to others, often to other customers."
        "12 addresses of AzureFrontDoor.Frontend of 2023 are AzureCloud today." TAGS;
    "TW022" Warning false "tag not taken or not known"
        "The service tags have no such tag, or Azure does not take it in such a rule, so that the deployment fails or the rule means nothing."
        "Storage.WestEurop" TAGS;
    "TW023" Warning true "exfiltration by tag"
        "The tag holds the storage, vaults or databases of all customers: whoever is inside can send data to an account of his own. A service endpoint policy or private endpoints limit it."
        "Allow tcp 443 to Storage" TAGS;
    "TW024" Warning true "inbound trust in a tag"
        "The tag holds machines that anyone can rent, so that it says nothing about who sends."
        "Allow tcp 443 from AzureCloud.westeurope" TAGS;
    "TW025" Warning false "odd addresses"
        "Host bits beside a length, an entry twice or within another, or a prefix that begins like private space and reaches beyond it."
        "172.0.0.0/8 where 172.16.0.0/12 is meant" "";
    "TW030" Warning false "default route to an appliance, and rules with VirtualNetwork"
        "With 0.0.0.0/0 routed to an appliance, VirtualNetwork holds every address, so that rules which name it, those of Azure among them, let the whole Internet in."
        "route 0.0.0.0/0 -> VirtualAppliance; AllowVnetInBound (65000)" UDR;
    "TW031" Warning false "route past the firewall"
        "The default route leads to an appliance, and this one leads public addresses past it."
        "0.0.0.0/0 -> VirtualAppliance 10.0.0.4; Storage -> Internet" UDR;
    "TW032" Warning false "asymmetric return"
        "The security group lets connections in from the Internet, and what is sent back goes by the route to an appliance that never saw them come: it drops it."
        "Allow tcp 443 from Internet in a subnet with 0.0.0.0/0 -> VirtualAppliance" UDR;
    "TW033" Error false "loop or impossible hop"
        "The appliance that a route leads to stands in a subnet that the route is put on, or its address is none that can be an appliance's."
        "0.0.0.0/0 -> VirtualAppliance 10.0.1.4 on the subnet 10.0.1.0/24" UDR;
    "TW034" Warning false "dead in one artefact"
        "The security group lets through what the route table drops."
        "Allow to 203.0.113.0/24, and a route 203.0.113.0/24 -> None" UDR;
    "TW035" Info false "subnet without what its siblings have"
        "Most subnets of the network have a security group or route table, this one has none."
        "five of six subnets have a route to the firewall" "";
    "TW036" Info false "route without effect"
        "Every address goes where it would go without the route."
        "10.1.0.0/24 -> 10.0.0.4 beside 10.1.0.0/16 -> 10.0.0.4" UDR;
    "TW037" Warning false "reserved subnet"
        "Azure refuses a security group or route table on this subnet, or traffic breaks with it."
        "a security group on AzureFirewallSubnet" UDR;
    "TW040" Warning false "masked application rule"
        "Network rules decide everything that the application rule could see, so that it is never tried."
        "network rule Allow tcp 443 to *, application rule for *.example.com" FIREWALL;
    "TW041" Warning false "empty or missing IP group"
        "The rule names an IP group without addresses, or one that is not among the files."
        "sourceIpGroups: [offices], and offices is empty" FIREWALL;
    "TW050" Info false "little headroom"
        "Much of a limit is used. Where the stored weeks show how tags grow, the week is named in which it is reached."
        "3,900 of 4,000 prefixes" "";
    "TW060" Info false "rule of a network intent policy"
        "A service owns the rule and puts it back; nothing else is said of it."
        "Microsoft.Sql-managedInstances_UseOnly_mi-healthprobe-in" NSG;
    "TW070" Info false "name says otherwise"
        "The name speaks of another action, direction or port than the rule has."
        "DenySSH with access Allow" "";
}
