//! [`Workload`], its rows and options: what a catalogue file says, checked.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Place;
use super::remote::RemoteSpec;
use super::template::Template;
use super::when::Condition;
use crate::packet::{Direction, Ports, Protocol};
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
}

/// Something that a policy may set for a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    /// The key in the policy.
    pub name: String,
    /// Which values it takes.
    pub kind: OptionKind,
    /// The value where the policy says nothing.
    pub default: OptionValue,
    /// What it does, in a sentence.
    pub help: String,
    /// Whether the policy has to set it.
    pub required: bool,
}

/// Which values an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// On or off.
    Bool,
    /// One port.
    Port,
    /// Ports and ranges, with commas between.
    Ports,
    /// Any text.
    Text,
    /// A list of texts.
    List,
    /// One of these.
    Choice(Vec<String>),
}

/// The value of an option. Ports are text and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// On or off.
    Bool(bool),
    /// Text, a choice, a port or ports.
    Text(String),
    /// A list.
    List(Vec<String>),
}

impl OptionValue {
    /// Whether nothing is given: an empty text or list. `false` is something.
    pub fn is_empty(&self) -> bool {
        match self {
            OptionValue::Bool(_) => false,
            OptionValue::Text(text) => text.is_empty(),
            OptionValue::List(list) => list.is_empty(),
        }
    }

    /// The values as texts, `true` and `false` included.
    pub fn texts(&self) -> Vec<String> {
        match self {
            OptionValue::Bool(on) => vec![on.to_string()],
            OptionValue::Text(text) => vec![text.clone()],
            OptionValue::List(list) => list.clone(),
        }
    }
}

impl OptionKind {
    /// The value in its canonical form, or what the option expects instead.
    ///
    /// # Errors
    /// A description of the values that the option takes.
    pub fn check(&self, value: &OptionValue) -> Result<OptionValue, String> {
        match (self, value) {
            (OptionKind::Bool, OptionValue::Bool(_)) => Ok(value.clone()),
            (OptionKind::List, OptionValue::List(list)) if list.iter().all(|v| !v.trim().is_empty()) => {
                let unique: BTreeSet<&str> = list.iter().map(|v| v.trim()).collect();
                Ok(OptionValue::List(unique.into_iter().map(str::to_owned).collect()))
            }
            (OptionKind::List, OptionValue::Text(text)) if !text.trim().is_empty() => {
                Ok(OptionValue::List(vec![text.trim().to_owned()]))
            }
            (OptionKind::Text, OptionValue::Text(text)) => Ok(OptionValue::Text(text.trim().to_owned())),
            (OptionKind::Choice(all), OptionValue::Text(text)) if all.contains(text) => Ok(value.clone()),
            (OptionKind::Port, OptionValue::Text(text)) => match text.trim().parse::<u16>() {
                Ok(port) => Ok(OptionValue::Text(port.to_string())),
                Err(_) => Err(self.expected()),
            },
            (OptionKind::Ports, OptionValue::Text(text)) => match text.parse::<Ports>() {
                Ok(ports) => Ok(OptionValue::Text(ports.to_string())),
                Err(_) => Err(self.expected()),
            },
            _ => Err(self.expected()),
        }
    }

    /// The values that the option takes, in words.
    pub fn expected(&self) -> String {
        match self {
            OptionKind::Bool => "true or false".into(),
            OptionKind::Port => "one port from 0 to 65535".into(),
            OptionKind::Ports => "ports and ranges as in \"443,8704-8710\", or \"*\"".into(),
            OptionKind::Text => "a text".into(),
            OptionKind::List => "a list of texts that are not empty".into(),
            OptionKind::Choice(values) => format!("one of {}", values.join(", ")),
        }
    }

    /// The value that stands for "not given".
    pub(super) fn nothing(&self) -> OptionValue {
        match self {
            OptionKind::Bool => OptionValue::Bool(false),
            OptionKind::List => OptionValue::List(Vec::new()),
            _ => OptionValue::Text(String::new()),
        }
    }
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
    pub(super) fn parse(self, text: &str) -> Result<RemoteSpec, String> {
        let prefix = match self {
            RemoteKind::Tags => "tag:",
            RemoteKind::Hosts => "fqdn:",
            RemoteKind::Urls => "url:",
            RemoteKind::FqdnTags => "fqdn-tag:",
            RemoteKind::Addresses => "",
        };
        let remote = RemoteSpec::parse(&format!("{prefix}{text}")).map_err(|e| e.to_string())?;
        let addresses = matches!(remote, RemoteSpec::Addresses(_) | RemoteSpec::Any);
        match self == RemoteKind::Addresses && !addresses {
            true => Err(format!("`{text}` is no address, prefix, range or *")),
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

/// A rule that Azure puts into the workload's NSG, as the catalogue file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedRow {
    /// The rule itself.
    pub rule: ManagedRule,
    /// The conditions under which Azure makes it.
    pub when: Vec<Condition>,
}

/// A rule that Azure itself keeps in an NSG. A plan shows it and may not contradict it.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedRule {
    /// The name of the row, unique in its workload.
    pub id: String,
    /// Which way the flow is opened.
    pub direction: Direction,
    /// Where packets come from.
    pub source: RemoteSpec,
    /// Where packets go to.
    pub destination: RemoteSpec,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Ports,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub documented: String,
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
