//! [`Workload`], its rows and options: what a catalogue file says, checked.

use std::collections::BTreeMap;

use super::check::Check;
use super::dated::Dates;
use super::fields::Place;
use super::fill_error::FillError;
use super::managed::ManagedRow;
use super::option::OptionSpec;
use super::remote::RemoteSpec;
use super::template::Template;
use super::when::Condition;
use crate::packet::{Direction, Protocol};
use crate::tags::{Cloud, Region};

/// What one kind of training environment needs from the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) beyond_article: bool,
    pub(super) clouds: Vec<Cloud>,
    pub(super) options: Vec<OptionSpec>,
    pub(super) preconditions: Vec<Precondition>,
    pub(super) rows: Vec<Row>,
    pub(super) managed: Vec<ManagedRow>,
    pub(super) endpoint_policies: Vec<EndpointPolicySpec>,
    pub(super) sources: Vec<String>,
}

impl Workload {
    /// The name in policies.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for lists.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the workload is, in a few sentences.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Whether the workload goes beyond the article on securing training environments.
    pub fn beyond_article(&self) -> bool {
        self.beyond_article
    }

    /// The clouds in which the workload exists.
    pub fn clouds(&self) -> &[Cloud] {
        &self.clouds
    }

    /// What a policy may set.
    pub fn options(&self) -> &[OptionSpec] {
        &self.options
    }

    /// The option `name`.
    pub fn option(&self, name: &str) -> Option<&OptionSpec> {
        self.options.iter().find(|o| o.name == name)
    }

    /// What has to be true before any rule helps.
    pub fn preconditions(&self) -> &[Precondition] {
        &self.preconditions
    }

    /// The needs, in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row `id`.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|r| r.id == id)
    }

    /// Rules that Azure itself puts into the workload's NSG and that a plan may not contradict.
    pub fn managed(&self) -> &[ManagedRow] {
        &self.managed
    }

    /// The service endpoint policies that close the way out that storage by tag leaves open.
    pub fn endpoint_policies(&self) -> &[EndpointPolicySpec] {
        &self.endpoint_policies
    }

    /// The documents that the rows come from, each once.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }
}

/// A sentence for the administrator, with the conditions under which it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// The sentence.
    pub text: String,
    /// All must hold.
    pub when: Vec<Condition>,
    /// What of it a policy can answer; `None` where people alone can.
    pub check: Option<Check>,
}

/// Where a route sends its traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteHop {
    /// Straight to the Internet.
    Internet,
    /// To the firewall.
    Firewall,
    /// Nowhere: dropped.
    None,
}

impl RouteHop {
    /// Every value.
    pub const ALL: [RouteHop; 3] = [RouteHop::Internet, RouteHop::Firewall, RouteHop::None];

    /// The name in catalogue files.
    pub fn name(self) -> &'static str {
        match self {
            RouteHop::Internet => "internet",
            RouteHop::Firewall => "firewall",
            RouteHop::None => "none",
        }
    }
}

/// Something that may go wrong although every rule is right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// A short stable name.
    pub id: String,
    /// What may happen.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// One need of a workload as the catalogue file has it: places not filled in, conditions not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) direction: Direction,
    pub(super) remotes: Vec<Remotes>,
    pub(super) flows: Vec<Flow>,
    pub(super) next_hop: Option<RouteHop>,
    pub(super) required: bool,
    pub(super) on_request: bool,
    pub(super) when: Vec<Condition>,
    pub(super) instead_of: Vec<String>,
    pub(super) covering_tag: Option<Template>,
    pub(super) remotes_of: Option<String>,
    pub(super) absent: BTreeMap<Cloud, String>,
    pub(super) dates: Option<Dates>,
    pub(super) purpose: String,
    pub(super) sources: Vec<String>,
    pub(super) risk_ids: Vec<String>,
    pub(super) risks: Vec<Risk>,
    pub(super) notes: Vec<String>,
}

impl Row {
    /// The name of the row, unique in its workload.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// File and line of the row.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Which way the flow is opened.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether the workload fails without it.
    pub fn required(&self) -> bool {
        self.required
    }

    /// The conditions, all of which must hold.
    pub fn when(&self) -> &[Condition] {
        &self.when
    }

    /// Whether the row is only taken where a policy names it in `with`.
    pub fn on_request(&self) -> bool {
        self.on_request
    }

    /// The next hop, if the row is a route.
    pub fn next_hop(&self) -> Option<RouteHop> {
        self.next_hop
    }

    /// The tag rows that this row of hosts can replace.
    pub fn instead_of(&self) -> &[String] {
        &self.instead_of
    }

    /// The far side as written, with places: `Storage.{Region}`.
    pub fn remotes(&self) -> impl Iterator<Item = &str> {
        self.remotes.iter().flat_map(|r| &r.scopes).flat_map(|(_, list)| list.iter().map(Template::as_str))
    }

    /// Protocols and ports as written, with places.
    pub fn flows(&self) -> impl Iterator<Item = (Protocol, &str)> {
        self.flows.iter().map(|flow| (flow.protocol, flow.ports.as_str()))
    }

    /// Since when and until when the need is there, where that is known.
    pub fn dates(&self) -> Option<&Dates> {
        self.dates.as_ref()
    }

    /// What the need is for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The documents that the row comes from.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// What to mind about the row.
    pub fn risks(&self) -> &[Risk] {
        &self.risks
    }

    /// Remarks.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The far side of a row, of one kind, possibly different by cloud or region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remotes {
    pub(super) kind: RemoteKind,
    pub(super) scopes: Vec<(Scope, Vec<Template>)>,
}

impl Remotes {
    /// What is written for this place: for the region if there is something, else for the cloud, else for all others.
    pub(super) fn at(&self, cloud: Cloud, region: &Region) -> Option<&[Template]> {
        let location = region.location();
        let find = |wanted: &dyn Fn(&Scope) -> bool| self.scopes.iter().find(|(scope, _)| wanted(scope));
        find(&|s| matches!(s, Scope::Region(c, l) if *c == cloud && *l == location))
            .or_else(|| find(&|s| *s == Scope::Cloud(cloud)))
            .or_else(|| find(&|s| *s == Scope::Other))
            .map(|(_, list)| list.as_slice())
    }
}

/// The kinds of far sides that a row may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RemoteKind {
    Tags,
    Hosts,
    Urls,
    FqdnTags,
    Addresses,
}

impl RemoteKind {
    pub(super) const ALL: [(&'static str, RemoteKind); 5] = [
        ("tags", RemoteKind::Tags),
        ("hosts", RemoteKind::Hosts),
        ("urls", RemoteKind::Urls),
        ("fqdn-tags", RemoteKind::FqdnTags),
        ("addresses", RemoteKind::Addresses),
    ];

    /// Reads a filled-in text of this kind.
    pub(super) fn parse(self, text: &str) -> Result<RemoteSpec, FillError> {
        let prefix = match self {
            RemoteKind::Tags => "tag:",
            RemoteKind::Hosts => "fqdn:",
            RemoteKind::Urls => "url:",
            RemoteKind::FqdnTags => "fqdn-tag:",
            RemoteKind::Addresses => "",
        };
        let remote = RemoteSpec::parse(&format!("{prefix}{text}"))?;
        let addresses = matches!(remote, RemoteSpec::Addresses(_) | RemoteSpec::Any);
        match self == RemoteKind::Addresses && !addresses {
            true => Err(FillError::NoAddress(text.to_owned())),
            false => Ok(remote),
        }
    }
}

/// Where a list of far sides applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Cloud(Cloud),
    Region(Cloud, String),
    Other,
}

/// Protocol and ports of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) protocol: Protocol,
    pub(super) ports: Template,
}

/// A service endpoint policy that belongs to rows with storage by tag.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointPolicySpec {
    /// A short stable name.
    pub id: String,
    /// The rows whose tag it narrows.
    pub rows: Vec<String>,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub documented: String,
    pub(super) definitions: Vec<(String, Vec<Template>)>,
}
