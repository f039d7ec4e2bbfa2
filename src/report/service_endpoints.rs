//! The report's part about service endpoints: what leaves by them past routes and firewall, and how they are turned on.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{ENDPOINTS, Section};
use crate::packet::Direction;
use crate::policy::{Subnet, SubnetEndpoint};

/// The commands that turn on what the policy says that subnets have. `az` writes the whole list anew, so that it is given
/// what the subnet has already too.
pub(super) fn steps(made: &Made<'_>) -> Option<Line> {
    let mut step = Line::of(
        "Turn the service endpoints on; connections to these services that are open break off once. The command keeps those \
         that a subnet has already:",
    );
    let mut any = false;
    for (name, subnet) in said(made) {
        any = true;
        let own: Vec<&str> =
            subnet.endpoints.iter().filter(|e| e.said).map(|endpoint| endpoint.service.as_str()).collect();
        step = step.next_line().code(turning_on(name, &own));
    }
    any.then_some(step)
}

/// The command that turns services on beside what the subnet has already.
pub(super) fn turning_on(subnet: &str, services: &[&str]) -> String {
    let of = format!("-g GROUP --vnet-name NETWORK -n {subnet}");
    format!(
        "az network vnet subnet update {of} --service-endpoints $( (printf '%s\\n' {}; az network vnet subnet show {of} \
         --query 'serviceEndpoints[].service' -o tsv) | sort -u)",
        services.join(" ")
    )
}

/// Subnets of which the policy says that they have endpoints.
fn said<'a>(made: &'a Made<'_>) -> impl Iterator<Item = (&'a String, &'a Subnet)> {
    let subnets = made.policy.network.subnets.iter();
    subnets.filter(|(_, subnet)| subnet.endpoints.iter().any(|endpoint| endpoint.said))
}

/// What the endpoints take, and which needs go by them.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let rows = said(made).flat_map(|(name, subnet)| {
        subnet.endpoints.iter().map(move |endpoint| {
            let needs = needed_by(made, name, endpoint);
            let needs = match (needs.is_empty(), endpoint.narrowed) {
                (true, _) => "no need by address".to_owned(),
                (false, true) => format!("{}; only what the service endpoint policy lists", needs.join(", ")),
                (false, false) => needs.join(", "),
            };
            let (count, prefixes) = (endpoint.addresses.count(), endpoint.addresses.prefixes().count());
            [
                Line::from(name),
                Line::new().code(endpoint.service.as_str()),
                Line::from(format_args!("{count} addresses in {prefixes} prefixes")),
                Line::from(&needs),
            ]
        })
    });
    let table = Table::new(["Subnet", "Endpoint", "Takes", "For"].map(Column::words)).with(rows);
    let first = "What goes to these addresses leaves by Azure's own routes, which no route table overrides, and no firewall \
                 sees it: the security group alone decides, and each account of the service that its rules reach is let \
                 through.";
    (!table.is_empty()).then(|| Section::new(ENDPOINTS, [Block::paragraph(first), Block::Table(table)]))
}

/// The needs of a subnet to addresses that an endpoint takes.
fn needed_by(made: &Made<'_>, subnet: &str, endpoint: &SubnetEndpoint) -> Vec<String> {
    let symbols = made.policy.symbols();
    let own = made.policy.flows.iter().filter(|f| f.subnet == subnet && f.direction == Direction::Outbound);
    let taken = own.filter(|flow| {
        flow.remote_set(&symbols).is_some_and(|set| !set.intersection(&endpoint.addresses).is_empty())
    });
    taken.map(|flow| format!("{} {} {}", flow.remote, flow.protocol, flow.ports)).collect()
}
