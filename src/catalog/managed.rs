//! Rules and routes that a service keeps in the group and the table of its subnets: [`ManagedRow`] as the catalogue file
//! has them, [`ManagedRule`] and [`ManagedRoute`] for one place.

use super::fill_error::FillError;
use super::remote::{RemoteError, RemoteSpec};
use super::template::{Fill, Gap, SUBNET, SUBNET_RANGE, Template};
use super::when::Condition;
use crate::addr::IpPrefix;
use crate::limits::nsg_priorities;
use crate::packet::{Direction, NextHop, Ports, Protocol};

/// A rule or route that Azure puts into the workload's subnets, as the catalogue file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedRow {
    /// The name of the row, unique in its workload.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub documented: String,
    /// The conditions under which Azure makes it.
    pub when: Vec<Condition>,
    pub(super) name: Option<Template>,
    pub(super) what: ManagedWhat,
}

impl ManagedRow {
    /// The name that the service gives it, with its places not filled in; none where that is not documented.
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(Template::as_str)
    }

    /// The sides of a rule that are the same everywhere.
    pub fn sides(&self) -> Vec<ManagedSide> {
        let ManagedWhat::Rule(rule) = &self.what else { return Vec::new() };
        let sides = [&rule.source, &rule.destination];
        sides.into_iter().filter_map(|side| ManagedSide::parse(side.as_str()).ok()).collect()
    }

    /// The texts that have places.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let texts = match &self.what {
            ManagedWhat::Rule(rule) => {
                let first = rule.priority.as_ref().map(|priority| &priority.first);
                [Some(&rule.source), Some(&rule.destination), first]
            }
            ManagedWhat::Route { to, .. } => [Some(to), None, None],
        };
        self.name.iter().chain(texts.into_iter().flatten())
    }

    /// The rule or route for one place.
    ///
    /// # Errors
    /// [`Unfilled`]: a place stays empty, or what results is no rule.
    pub(super) fn fill(&self, fill: &Fill<'_>) -> Result<Filled, Unfilled> {
        let name = self.name.as_ref().map(|name| one(name, fill)).transpose()?.map(ManagedName);
        let (id, purpose, documented) = (self.id.clone(), self.purpose.clone(), self.documented.clone());
        match &self.what {
            ManagedWhat::Rule(rule) => {
                let priority = rule.priority.as_ref().map(|priority| priority.fill(fill)).transpose()?;
                Ok(Filled::Rule(ManagedRule {
                    id,
                    direction: rule.direction,
                    source: side(&rule.source, fill)?,
                    destination: side(&rule.destination, fill)?,
                    protocol: rule.protocol,
                    ports: rule.ports.clone(),
                    purpose,
                    documented,
                    kept_as: name.zip(priority),
                }))
            }
            ManagedWhat::Route { to, next_hop } => {
                let (to, next_hop) = (side(to, fill)?, *next_hop);
                let name = name.unwrap_or_default();
                Ok(Filled::Route(ManagedRoute { id, name, to, next_hop, purpose, documented }))
            }
        }
    }
}

/// What a service keeps: a rule of a group, or a route of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ManagedWhat {
    Rule(RuleSpec),
    Route { to: Template, next_hop: NextHop },
}

/// A rule with its places.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleSpec {
    pub(super) direction: Direction,
    pub(super) source: Template,
    pub(super) destination: Template,
    pub(super) protocol: Protocol,
    pub(super) ports: Ports,
    pub(super) priority: Option<PrioritySpec>,
}

/// A priority: a number, or that of an option and how many behind it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PrioritySpec {
    pub(super) first: Template,
    pub(super) plus: u32,
}

impl PrioritySpec {
    fn fill(&self, fill: &Fill<'_>) -> Result<u32, Unfilled> {
        let text = one(&self.first, fill)?;
        let number = text.parse::<u32>().ok().and_then(|first| first.checked_add(self.plus));
        let all = nsg_priorities();
        number
            .filter(|number| all.contains(number))
            .ok_or(Unfilled::Wrong(FillError::Priority { first: text, plus: self.plus }))
    }
}

/// A row for one place.
pub(super) enum Filled {
    Rule(ManagedRule),
    Route(ManagedRoute),
}

/// Why a row makes nothing.
pub(super) enum Unfilled {
    Gap(Gap),
    Wrong(FillError),
}

/// The text of a template, of which lists are no part.
fn one(template: &Template, fill: &Fill<'_>) -> Result<String, Unfilled> {
    match template.fill(fill).map_err(Unfilled::Gap)?.as_slice() {
        [text] => Ok(text.clone()),
        _ => Err(Unfilled::Wrong(FillError::List(template.as_str().to_owned()))),
    }
}

fn side(template: &Template, fill: &Fill<'_>) -> Result<ManagedSide, Unfilled> {
    ManagedSide::parse(&one(template, fill)?).map_err(|error| Unfilled::Wrong(error.into()))
}

/// A rule that Azure itself keeps in an NSG. A plan shows it and may not contradict it.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedRule {
    /// The name of the row, unique in its workload.
    pub id: String,
    /// Which way the flow is opened.
    pub direction: Direction,
    /// Where packets come from.
    pub source: ManagedSide,
    /// Where packets go to.
    pub destination: ManagedSide,
    /// Protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Ports,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub documented: String,
    /// Name and priority that the service gives it, where they are documented; a group is then made with the rule in it.
    pub kept_as: Option<(ManagedName, u32)>,
}

/// A route that Azure itself keeps in the table of a subnet.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedRoute {
    /// The name of the row, unique in its workload.
    pub id: String,
    /// Name that the service gives it.
    pub name: ManagedName,
    /// Where it leads to: the subnet itself, or a tag.
    pub to: ManagedSide,
    /// Its next hop.
    pub next_hop: NextHop,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub documented: String,
}

/// One side of a rule that a service keeps.
#[derive(Debug, Clone, PartialEq)]
pub enum ManagedSide {
    /// The prefix of the subnet that the rule is kept for.
    Subnet,
    /// Anything else.
    Spec(RemoteSpec),
}

impl ManagedSide {
    pub(super) fn parse(text: &str) -> Result<Self, RemoteError> {
        if text == SUBNET { Ok(ManagedSide::Subnet) } else { RemoteSpec::parse(text).map(ManagedSide::Spec) }
    }
}

/// The name that a service gives a rule or route; it may hold the range of the subnet that this is kept for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedName(String);

impl ManagedName {
    /// Whether the name is another one for each subnet.
    pub fn is_of_subnet(&self) -> bool {
        self.0.contains(SUBNET_RANGE)
    }

    /// The name for a subnet of the prefix `prefix`: `10.0.1.0/24` stands in it as `10-0-1-0-24`.
    pub fn of(&self, prefix: IpPrefix) -> String {
        self.0.replace(SUBNET_RANGE, &prefix.to_string().replace(['.', ':', '/'], "-"))
    }

    /// The name, which is the same for all subnets.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

/// Whether a service gives such a name to what it keeps in groups and tables of others: a network intent policy demands
/// it there, so that nobody else makes, changes or deletes it.
///
/// ```
/// use tagwall::catalog::is_kept_by_service;
/// assert!(is_kept_by_service("Microsoft.Sql-managedInstances_UseOnly_mi-internal-in-10-0-1-0-24-v11"));
/// assert!(!is_kept_by_service("training-out-Storage-tcp-443"));
/// ```
pub fn is_kept_by_service(name: &str) -> bool {
    name.to_ascii_lowercase().contains("_useonly_")
}
