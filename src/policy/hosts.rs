//! FQDN tags as the hosts behind them, for firewalls that know no such tag.

use super::intent::FqdnTagUse;
use super::place::Path;
use super::problem::NeedProblem;
use super::problems::Problems;
use super::resolve::Resolver;
use super::rule::{Flow, Remote};
use crate::packet::Protocol;
use crate::tags::Region;

/// The flows with every FQDN tag as its hosts, where the policy asks for that. A tag keeps to the ports that a need
/// asks for: hosts on other ports are left out.
pub(super) fn written_out(
    flows: Vec<Flow>,
    setting: FqdnTagUse,
    resolver: &Resolver<'_>,
    region: Option<&Region>,
    problems: &mut Problems,
) -> Vec<Flow> {
    let (FqdnTagUse::Hosts, Some(region)) = (setting, region) else { return flows };
    let mut written = Vec::new();
    for flow in flows {
        let Remote::FqdnTag(name) = &flow.remote else {
            written.push(flow);
            continue;
        };
        let hosts = behind(name, &flow, resolver, region);
        if hosts.is_empty() {
            let (tag, cloud) = (name.clone(), region.cloud());
            let problem =
                NeedProblem::Hosts { tag, cloud, protocol: flow.protocol, ports: flow.ports.clone() };
            problems.at(Path::top().at("firewall").at("fqdn-tags"), problem);
        }
        written.extend(hosts);
    }
    written
}

fn behind(name: &str, flow: &Flow, resolver: &Resolver<'_>, region: &Region) -> Vec<Flow> {
    let Some(tag) = resolver.catalog.fqdn_tag(name) else { return Vec::new() };
    let regions = resolver.snapshot.regions();
    let hosts = resolver.catalog.hosts_behind(tag, region, regions, resolver.as_of);
    let fits = |protocol: Protocol| flow.protocol == protocol || flow.protocol == Protocol::Any;
    let one = |host: &crate::catalog::HostBehind| {
        let mut new = flow.clone();
        new.id = flow.id.part(&host.host, &host.ports);
        new.remote = Remote::Fqdn(host.host.clone());
        new.protocol = host.protocol;
        new.ports = host.ports.clone();
        for cause in &mut new.causes {
            if !cause.source.is_empty() {
                cause.source.push_str("; ");
            }
            cause.source.push_str(&host.source);
        }
        new
    };
    // The tag itself carries HTTPS; the plain HTTP and other ports of its service come with it.
    let web = flow.ports.set().contains(443);
    let asked = hosts
        .iter()
        .filter(|host| fits(host.protocol) && (web || host.ports.set().is_subset(flow.ports.set())));
    asked.map(one).collect()
}
