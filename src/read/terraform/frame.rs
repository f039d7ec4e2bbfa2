//! What stands around the resources of a Terraform configuration: settings, the provider, variables, and the order in
//! which resources are made. Another provider, backend or default would make something else of the same rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::read::error::{ReadError, Wrong};
use crate::read::hcl::{Block, Term};

/// The provider whose arguments are read, and the versions that have them. Source: registry pages of the provider,
/// versions 4 and 5.
const PROVIDER: &str = "azurerm";
const SOURCE: (&str, &str) = ("hashicorp/azurerm", ">= 4.0, < 6.0");

/// Variables, and whether one has a default: never, always, or as it may be.
const VARIABLES: [(&str, Option<bool>); 4] = [
    ("firewall_name", Some(true)),
    ("firewall_policy_id", Some(false)),
    ("location", Some(true)),
    ("resource_group_name", None),
];

/// The variables that are declared, with their defaults.
#[derive(Default)]
pub(super) struct Frame {
    variables: BTreeMap<String, Option<String>>,
    /// The subnets whose ids variables hold, by the name of the variable.
    subnets: BTreeMap<String, String>,
    /// The application security groups whose ids variables hold, likewise.
    security_groups: BTreeMap<String, String>,
}

/// A resource with its type and label.
#[derive(Clone, Copy)]
pub(super) struct Resource<'b> {
    pub(super) kind: &'b str,
    pub(super) label: &'b str,
    pub(super) block: &'b Block,
}

/// What references and errors call a resource: `KIND.LABEL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<'b> {
    kind: &'b str,
    /// A reference may be to something else, by one word.
    label: Option<&'b str>,
}

impl<'b> Address<'b> {
    pub(super) fn new(kind: &'b str, label: &'b str) -> Self {
        Address { kind, label: Some(label) }
    }

    /// That which a reference names.
    pub(super) fn read(text: &'b str) -> Self {
        match text.split_once('.') {
            Some((kind, label)) => Self::new(kind, label),
            None => Address { kind: text, label: None },
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        match self.label {
            Some(label) => write!(f, ".{label}"),
            None => Ok(()),
        }
    }
}

impl<'b> Resource<'b> {
    /// What others call the resource.
    pub(super) fn address(&self) -> Address<'b> {
        Address::new(self.kind, self.label)
    }
}

/// Parts a configuration, of which nothing may be left over.
pub(super) fn part(blocks: &[Block]) -> Result<(Frame, Vec<Resource<'_>>), ReadError> {
    let (mut settings, mut providers, mut resources) = (0, 0, Vec::new());
    let mut frame = <Frame as Default>::default();
    let mut seen = BTreeSet::new();
    for block in blocks {
        match (block.kind.as_str(), block.labels.as_slice()) {
            ("terraform", []) => {
                check_settings(block)?;
                settings += 1;
            }
            ("provider", [name]) => {
                check_provider(block, name)?;
                providers += 1;
            }
            ("variable", [name]) => frame.declare(block, name)?,
            ("resource", [kind, label]) => {
                if !seen.insert((kind, label)) {
                    return Err(block.error(format_args!("two resources are {}", Address::new(kind, label))));
                }
                resources.push(Resource { kind, label, block });
            }
            (kind, _) => return Err(block.error(format_args!("blocks of kind `{kind}` are not read here"))),
        }
    }
    match blocks.first() {
        Some(first) if (settings, providers) != (1, 1) => {
            Err(first.error("one block `terraform` and one block `provider` are expected in all files"))
        }
        _ => Ok((frame, resources)),
    }
}

fn check_settings(block: &Block) -> Result<(), ReadError> {
    block.only(&["required_version"], &["required_providers"])?;
    if block.text("required_version")? != ">= 1.0" {
        return Err(block.error_at("required_version", "`required_version` must be \">= 1.0\""));
    }
    let [providers] = block.blocks.as_slice() else {
        return Err(block.error("one block `required_providers` is expected"));
    };
    providers.only(&[PROVIDER], &[])?;
    let (source, version) = SOURCE;
    let is = |(key, term): &(String, Term), name: &str, value: &str| {
        key == name && matches!(term, Term::Text(text) if text == value)
    };
    if let Term::Object(members) = providers.term(PROVIDER)?
        && let [first, second] = members.as_slice()
        && is(first, "source", source)
        && is(second, "version", version)
    {
        return Ok(());
    }
    let text =
        format_args!("`{PROVIDER}` must be {source} in the versions {version}, and no more said of it");
    Err(providers.error_at(PROVIDER, text))
}

fn check_provider(block: &Block, name: &str) -> Result<(), ReadError> {
    if name != PROVIDER {
        return Err(block.error(Wrong::NotReadHere("provider", name)));
    }
    block.only(&[], &["features"])?;
    match block.blocks.as_slice() {
        [features] => features.only(&[], &[]),
        _ => Err(block.error("one block `features` is expected")),
    }
}

impl Frame {
    fn declare(&mut self, block: &Block, name: &str) -> Result<(), ReadError> {
        let known = VARIABLES.into_iter().find(|(known, _)| *known == name).map(|(_, default)| default);
        let id = IDS.into_iter().find(|(start, _)| name.starts_with(start));
        let Some(with_default) = known.or_else(|| id.map(|_| Some(false))) else {
            return Err(block.error(Wrong::NotReadHere("variable", name)));
        };
        block.only(&["description", "type", "default"], &[])?;
        let description = block.optional_text("description")?;
        if let Some((start, what)) = id {
            // Whoever deploys is told by this which id to give.
            let of = description.as_ref().and_then(|d| {
                d.strip_prefix("Id of the ")?.strip_prefix(what)?.strip_prefix(' ')?.strip_suffix('.')
            });
            let Some(of) = of.filter(|of| is_label(name, start, of)) else {
                let text = format_args!("it must name the {what} whose id is meant");
                return Err(block.error_at("description", text));
            };
            let known = if start == SUBNET_ID { &mut self.subnets } else { &mut self.security_groups };
            known.insert(name.to_owned(), of.to_owned());
        }
        if block.word(block.term("type")?) != Some("string") {
            return Err(block.error_at("type", "`type` must be string"));
        }
        let default = block.optional_text("default")?;
        if with_default.is_some_and(|expected| expected != default.is_some()) {
            let what = if default.is_some() { "no default" } else { "a default" };
            return Err(block.error(format_args!("the variable {name} must have {what}")));
        }
        match self.variables.insert(name.to_owned(), default) {
            None => Ok(()),
            Some(_) => Err(block.error(format_args!("the variable {}", Wrong::DeclaredTwice(name)))),
        }
    }

    /// The default of a variable, if it is declared and has one.
    pub(super) fn default(&self, name: &str) -> Option<&String> {
        self.variables.get(name).and_then(Option::as_ref)
    }

    /// Refuses a block whose argument is not just this variable, or a variable that is not declared.
    pub(super) fn takes(&self, block: &Block, key: &str, variable: &str) -> Result<(), ReadError> {
        let own = matches!(block.term(key)?, Term::Name(name) if name.strip_prefix("var.") == Some(variable));
        if !own {
            return Err(block.error_at(key, format_args!("`{key}` must be var.{variable}")));
        }
        match self.variables.contains_key(variable) {
            true => Ok(()),
            false => Err(block.error_at(key, format_args!("the variable {}", Wrong::Undeclared(variable)))),
        }
    }

    /// The subnet on which a block puts something, and what its label begins and ends with.
    pub(super) fn subnet(&self, resource: &Resource<'_>) -> Result<&String, ReadError> {
        let (block, key) = (resource.block, "subnet_id");
        let variable = match block.term(key)? {
            Term::Name(name) => name.strip_prefix("var."),
            _ => None,
        };
        let known = variable.and_then(|variable| self.subnets.get_key_value(variable));
        let Some((variable, subnet)) = known else {
            return Err(block.error_at(key, "a variable that holds the id of a subnet is expected"));
        };
        let wanted = &variable[SUBNET_ID.len()..];
        match resource.label.strip_prefix("on_") == Some(wanted) {
            true => Ok(subnet),
            false => Err(block.error(Wrong::Label(resource.label, format_args!("on_{wanted}")))),
        }
    }

    /// The variables that hold ids of subnets, each of which something has to be put on.
    pub(super) fn subnets(&self) -> impl Iterator<Item = &String> {
        self.subnets.values()
    }

    /// The application security groups of a side of a rule, `asg:NAME` each.
    pub(super) fn security_groups(&self, block: &Block, key: &str) -> Result<Vec<String>, ReadError> {
        let one = |item: &Term| {
            let Term::Name(name) = item else { return None };
            self.security_groups.get(name.strip_prefix("var.")?).map(|group| format!("asg:{group}"))
        };
        let groups: Option<Vec<String>> = block.items(key)?.iter().map(one).collect();
        groups.filter(|groups| !groups.is_empty()).ok_or_else(|| {
            block.error_at(key, "variables that hold ids of application security groups are expected")
        })
    }

    /// Refuses variables of application security groups that none of these sides names.
    pub(super) fn all_named<'s>(&self, sides: impl Iterator<Item = &'s String>) -> Result<(), ReadError> {
        let named: BTreeSet<&str> = sides.filter_map(|side| side.strip_prefix("asg:")).collect();
        match self.security_groups.values().find(|group| !named.contains(group.as_str())) {
            None => Ok(()),
            Some(group) => {
                let (what, unused) = ("the application security group", "no rule names it");
                Err(ReadError::new("main", Wrong::UnusedId { what, name: group, unused }))
            }
        }
    }

    /// The name of a resource that is made where the variables say.
    pub(super) fn placed(&self, block: &Block) -> Result<String, ReadError> {
        self.takes(block, "location", "location")?;
        self.takes(block, "resource_group_name", "resource_group_name")?;
        block.text("name")
    }
}

/// How the variables begin that hold the ids of subnets.
const SUBNET_ID: &str = "subnet_id_";

/// How the variables begin that hold ids, and what they call that whose id it is.
const IDS: [(&str, &str); 2] = [(SUBNET_ID, "subnet"), ("asg_id_", "application security group")];

/// Whether a label is made of a beginning and a name; names that would have one label end in a digest.
fn is_label(label: &str, start: &str, name: &str) -> bool {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let own: String = name.chars().map(plain).collect();
    let rest = label.strip_prefix(start).and_then(|rest| rest.strip_prefix(own.as_str()));
    let digest = |rest: &str| {
        rest.len() == 9 && rest.strip_prefix('_').is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    rest.is_some_and(|rest| rest.is_empty() || digest(rest))
}

/// Checks that a resource has the label that follows from its name: under another one Terraform takes it for another
/// resource, and destroys the one that it made before. Names that would have one label end in a digest.
pub(super) fn check_label(resource: &Resource<'_>, (start, by_name): (&str, bool)) -> Result<(), ReadError> {
    let Resource { label, block, .. } = resource;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name = if by_name || *label != start { block.text("name")? } else { String::new() };
    // Of several resources of a kind each is called by its name.
    let between = if by_name || *label == start { "" } else { "_" };
    let wanted: String = start.chars().chain(between.chars()).chain(name.chars().map(plain)).collect();
    let rest = label.strip_prefix(wanted.as_str());
    let digest = |rest: &str| {
        by_name
            && rest.len() == 9
            && rest.strip_prefix('_').is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match rest.is_some_and(|rest| rest.is_empty() || digest(rest)) {
        true => Ok(()),
        false => Err(block.error(Wrong::Label(label, format_args!("{wanted}")))),
    }
}

/// How many IP groups Azure updates at once. Source: azure-docs, firewall/ip-groups.md, 2026-03-28.
const GROUPS_AT_ONCE: usize = 20;

/// Checks that no more IP groups are made at once than Azure takes, that rules are made after all of them, and one
/// resource of rules after another: otherwise Azure refuses some, and the rules are half made.
pub(super) fn check_order(ip_groups: &[Resource<'_>], rules: &[Resource<'_>]) -> Result<(), ReadError> {
    let last = chains(ip_groups, &BTreeSet::new(), GROUPS_AT_ONCE)?;
    chains(rules, &last, 1).map(drop)
}

/// Checks that each of `resources` waits for `before`, of which there are no more than `most`, or for one of the others
/// that no other waits for. Gives those for which none waits.
fn chains<'b>(
    resources: &[Resource<'b>],
    before: &BTreeSet<Address<'b>>,
    most: usize,
) -> Result<BTreeSet<Address<'b>>, ReadError> {
    let (mut made, mut waiting) = (Vec::new(), BTreeMap::new());
    for resource in resources {
        let items = resource.block.items("depends_on")?;
        let names: Option<BTreeSet<Address<'_>>> =
            items.iter().map(|item| resource.block.word(item).map(Address::read)).collect();
        let names = names.filter(|names| names.len() == items.len()).unwrap_or_default();
        let own = names.first().filter(|one| names.len() == 1 && !before.contains(*one)).copied();
        let other = match own {
            Some(own) => waiting.insert(own, resource),
            None if names == *before && made.len() < most => {
                made.push(resource.address());
                None
            }
            None if names == *before => {
                made.last().and_then(|last| resources.iter().find(|r| r.address() == *last))
            }
            None => {
                let text = "it must wait for one resource, or the first for all that are made before";
                return Err(resource.block.error_at("depends_on", text));
            }
        };
        if let Some(other) = other {
            let text = format_args!(
                "{} and {} may be made at once: one must wait for the other",
                other.address(),
                resource.address()
            );
            return Err(resource.block.error_at("depends_on", text));
        }
    }
    let mut last = BTreeSet::new();
    while let Some(one) = made.pop() {
        match waiting.remove(&one) {
            Some(next) => made.push(next.address()),
            None => _ = last.insert(one),
        }
    }
    match waiting.first_key_value() {
        None => Ok(last),
        Some((before, resource)) => {
            let text = format_args!("it waits for {before}, which is not made before it");
            Err(resource.block.error_at("depends_on", text))
        }
    }
}
