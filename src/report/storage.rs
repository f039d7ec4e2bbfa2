//! The report's part about service endpoint policies: what they close, what they need, and how they are attached.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{STORAGE, Section};
use super::service_endpoints::turning_on;
use crate::plan::EndpointPolicy;
use crate::policy::{EndpointNeed, EndpointOffer, Flow, Remote};
use crate::target::Target;

/// What has to be done for each policy after it is deployed.
pub(super) fn steps(made: &Made<'_>) -> Vec<Line> {
    let step = |policy: &EndpointPolicy| {
        let own = made.policy.network.subnets.get(&policy.subnet);
        let endpoints: Vec<&str> = own
            .into_iter()
            .flat_map(|own| &own.endpoints)
            .map(|endpoint| endpoint.service.as_str())
            .collect();
        Line::new()
            .text(format_args!(
                "Attach it to subnet {}, together with the service endpoint that it works through. The command keeps the \
                 endpoints that the subnet has already; its other service endpoint policies, if any, go behind the name of \
                 this one:",
                policy.subnet
            ))
            .next_line()
            .code(format!("{} --service-endpoint-policy {}", turning_on(&policy.subnet, &endpoints), policy.name))
    };
    made.plan.endpoint_policies.iter().map(step).collect()
}

/// Policies that are made, and those that could be.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let mut blocks = Vec::new();
    if made.policy.wants(Target::ServiceEndpointPolicy) {
        blocks.extend(explained());
        blocks.extend(made.policy.endpoints.iter().flat_map(|need| subnet(made, need)));
    } else if made.policy.remarks.offers.is_empty() {
        return None;
    }
    blocks.extend(Block::bullets(made.policy.remarks.offers.iter().map(offered)));
    Some(Section::new(STORAGE, blocks))
}

fn offered(offer: &EndpointOffer) -> Line {
    Line::new()
        .text(format_args!(
            "Subnet {}, {}: rules by tag admit every storage account of the region. Set ",
            offer.subnet, offer.workload
        ))
        .code(format!("{} = [\"/subscriptions/…\"]", offer.option))
        .prose(" in the `[[allow]]` of this workload, and a service endpoint policy is made: ")
        .prose(&offer.purpose)
        .text(format_args!(". ({})", offer.source))
}

fn explained() -> impl Iterator<Item = Block> {
    let first = [
        "A rule by tag admits every storage account of the region, those of other customers too. The policy closes that: \
         once a subnet has it, each account that is not listed is denied there, for every workload of the subnet.",
        "It works only where all of this holds:",
    ];
    let conditions = [
        "the subnet has the service endpoint `Microsoft.Storage`; its traffic to storage then leaves directly, past \
         routes and firewall;",
        "the policy is in the region of the virtual network;",
        "no account is a classic one, and none is reached by private endpoint, which the policy does not see.",
    ];
    let last = "Aliases such as `/services/Azure/MachineLearning` stand for accounts that the service itself owns. The \
                portal and templates set them; az and PowerShell could not (2024-01-31).";
    let paragraph = |text| Block::Paragraph(Line::of(text));
    first.map(paragraph).into_iter().chain(Block::bullets(conditions.map(Line::of))).chain([paragraph(last)])
}

fn subnet(made: &Made<'_>, need: &EndpointNeed) -> Vec<Block> {
    let reached = need.definitions.iter().flat_map(|(service, resources)| {
        resources.iter().map(move |id| [Line::from(service), Line::from(id)])
    });
    let table = Table::new([Column::words("Service"), Column::words("May be reached")]).with(reached);
    let mut items: Vec<Line> = need
        .causes
        .iter()
        .map(|cause| {
            Line::from(&cause.workload).text(": ").prose(&cause.why).text(format_args!(" ({})", cause.source))
        })
        .collect();
    let others: Vec<String> = others(made, need).map(|flow| flow.id.to_string()).collect();
    if !others.is_empty() {
        let warned =
            "These needs of the subnet also reach storage, and are denied unless their accounts are listed:";
        items.push(Line::new().strong(warned).text(format_args!(" {}", others.join(", "))));
    }
    let heading = Block::Heading(3, Line::from(format_args!("Subnet {}", need.subnet)));
    [heading, Block::Table(table)].into_iter().chain(Block::bullets(items)).collect()
}

/// Flows of the subnet to storage by tag that the need does not speak for.
fn others<'a>(made: &'a Made<'_>, need: &'a EndpointNeed) -> impl Iterator<Item = &'a Flow> {
    let to_storage = |flow: &&Flow| match &flow.remote {
        Remote::Tag(tag) => tag.name().as_str().split('.').next() == Some("Storage"),
        _ => false,
    };
    let spoken_for = |flow: &Flow| {
        flow.causes.iter().all(|cause| {
            let row = cause.origin.as_ref().map_or("", |origin| &origin.row);
            need.causes.iter().any(|c| c.workload == cause.workload && c.row == row)
        })
    };
    let own = made.policy.flows.iter().filter(move |f| f.subnet == need.subnet).filter(to_storage);
    own.filter(move |flow| !spoken_for(flow))
}
