//! FQDN tags of Azure Firewall, and the hosts behind them as far as documents list them.

use super::alias::rest_of;
use super::fields::{CatalogReader, Fields};
use super::form_problem::FormProblem;
use super::fqdn::Fqdn;
use crate::packet::{Ports, Protocol};
use crate::tags::Cloud;

/// A named list of hosts that Azure Firewall keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FqdnTag {
    /// The name as the API spells it.
    pub name: String,
    /// Other spellings, which are taken as the name.
    pub also: Vec<String>,
    /// Names of the parts of a tag that has some, such as `Office365.*`.
    pub products: Vec<String>,
    /// What it is for.
    pub note: String,
    /// Where this is written.
    pub source: String,
    pub(super) groups: Vec<Group>,
}

/// Hosts of one feature behind a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) feature: String,
    /// None: all.
    pub(super) clouds: Vec<Cloud>,
    pub(super) flow: Option<(Protocol, Ports)>,
    pub(super) hosts: Vec<Fqdn>,
    /// A workload, and those of its rows whose hosts these are.
    pub(super) rows: Option<(String, Vec<String>)>,
    pub(super) source: String,
}

/// A host behind a tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostBehind {
    /// The part of the service that needs it.
    pub feature: String,
    /// The host, or every host below a name.
    pub host: Fqdn,
    /// IP protocol.
    pub protocol: Protocol,
    /// Ports.
    pub ports: Ports,
    /// Where this is written.
    pub source: String,
}

impl FqdnTag {
    /// Reads an `[[fqdn-tag]]`.
    pub(super) fn read<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> FqdnTag {
        let groups = fields.take("hosts");
        let groups = reader.tables("fqdn-tag.hosts", groups);
        let tag = FqdnTag {
            name: fields.required_text(reader, "name"),
            also: fields.plain_texts(reader, "also"),
            products: fields.plain_texts(reader, "products"),
            note: fields.required_text(reader, "note"),
            source: fields.required_text(reader, "source"),
            groups: groups.into_iter().map(|group| Group::read(reader, group)).collect(),
        };
        fields.finish(reader);
        tag
    }

    /// The spelling to write for `name`, in any case; `None` where another tag is meant.
    pub fn spelling(&self, name: &str) -> Option<String> {
        let own = [&self.name].into_iter().chain(&self.also).any(|known| known.eq_ignore_ascii_case(name));
        let part = self.products.iter().any(|pattern| rest_of(pattern, name).is_some());
        if own { Some(self.name.clone()) } else { part.then(|| name.to_owned()) }
    }
}

impl Group {
    fn read<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> Group {
        let mut clouds = Vec::new();
        for (name, span) in fields.texts(reader, "clouds") {
            match Cloud::find(&name) {
                Some(cloud) => clouds.push(cloud),
                None => reader.problem(span, FormProblem::Cloud(&name)),
            }
        }
        let mut hosts = Vec::new();
        for (text, span) in fields.texts(reader, "hosts") {
            match Fqdn::parse(&text) {
                Ok(host) => hosts.push(host),
                Err(error) => reader.problem(span, error),
            }
        }
        let rows = fields.plain_texts(reader, "rows");
        let rows = fields.text(reader, "workload").map(|workload| (workload, rows));
        let flow = fields.text(reader, "flows").and_then(|text| flow_of(&text));
        if flow.is_none() != rows.is_some() || hosts.is_empty() != rows.is_some() {
            let text = "hosts behind a tag are `hosts` with `flows`, as in flows = \"tcp 443\", or `workload` with `rows`";
            reader.problem(fields.span.clone(), text);
        }
        let group = Group {
            feature: fields.required_text(reader, "feature"),
            clouds,
            flow,
            hosts,
            rows,
            source: fields.required_text(reader, "source"),
        };
        fields.finish(reader);
        group
    }

    pub(super) fn is_in(&self, cloud: Cloud) -> bool {
        self.clouds.is_empty() || self.clouds.contains(&cloud)
    }
}

fn flow_of(text: &str) -> Option<(Protocol, Ports)> {
    let (protocol, ports) = text.trim().split_once(' ')?;
    Some((protocol.parse().ok()?, ports.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::tags::Regions;

    #[test]
    fn every_tag_is_whole() {
        let catalog = Catalog::builtin();
        let regions = Regions::of(Cloud::Public);
        let region = regions.find("westeurope").unwrap();
        let mut with_hosts = 0;
        for tag in catalog.fqdn_tags() {
            assert!(!tag.note.is_empty() && tag.source.contains("20"), "{}", tag.name);
            let hosts = catalog.hosts_behind(tag, region, regions, catalog.as_of());
            with_hosts += usize::from(!hosts.is_empty());
            assert!(tag.groups.is_empty() != hosts.iter().any(|_| true), "{}: groups make hosts", tag.name);
        }
        assert!(with_hosts >= 3, "{with_hosts}");
    }

    #[test]
    fn hosts_differ_by_cloud() {
        let catalog = Catalog::builtin();
        let hosts = |cloud, region: &str, tag: &str| -> Vec<String> {
            let regions = Regions::of(cloud);
            let tag = catalog.fqdn_tag(tag).unwrap();
            let found = catalog.hosts_behind(tag, regions.find(region).unwrap(), regions, catalog.as_of());
            found.into_iter().map(|behind| behind.host.to_string()).collect()
        };
        let public = hosts(Cloud::Public, "westeurope", "AzureKubernetesService");
        assert!(public.contains(&"*.hcp.westeurope.azmk8s.io".to_owned()), "{public:?}");
        let usgov = hosts(Cloud::UsGov, "usgovvirginia", "AzureKubernetesService");
        assert!(usgov.contains(&"management.usgovcloudapi.net".to_owned()), "{usgov:?}");
        assert!(
            hosts(Cloud::UsGov, "usgovvirginia", "WindowsVirtualDesktop")
                .contains(&"*.wvd.azure.us".to_owned())
        );
        assert!(hosts(Cloud::China, "chinaeast2", "WindowsVirtualDesktop").is_empty(), "nothing is known");
    }
}
