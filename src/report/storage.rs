//! The report's part about service endpoint policies: what they close, what they need, and how they are attached.

use std::fmt::Write;

use super::Made;
use super::cells::cell;
use crate::plan::EndpointPolicy;
use crate::policy::{EndpointNeed, Flow, Remote};
use crate::target::Target;

/// What has to be done for each policy after it is deployed.
pub(super) fn steps(made: &Made<'_>) -> Vec<String> {
    let step = |policy: &EndpointPolicy| {
        let own = made.policy.network.subnets.get(&policy.subnet);
        let endpoints: Vec<&str> = own
            .into_iter()
            .flat_map(|own| &own.endpoints)
            .map(|endpoint| endpoint.service.as_str())
            .collect();
        format!(
            "Attach it to subnet {}, together with the service endpoint that it works through. The command replaces the \
             lists of both, so add those that the subnet has already:\n   `az network vnet subnet update -g GROUP \
             --vnet-name VNET -n {} --service-endpoints {} --service-endpoint-policy {}`",
            cell(&policy.subnet),
            policy.subnet,
            endpoints.join(" "),
            policy.name
        )
    };
    made.plan.endpoint_policies.iter().map(step).collect()
}

/// Policies that are made, and those that could be.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    let offers = &made.policy.remarks.offers;
    let made_any = made.policy.wants(Target::ServiceEndpointPolicy);
    if !made_any && offers.is_empty() {
        return;
    }
    let mut text = String::from("## Storage: service endpoint policy\n\n");
    if made_any {
        explain(&mut text);
        for need in &made.policy.endpoints {
            subnet(made, need, &mut text);
        }
    }
    for offer in offers {
        writeln!(
            text,
            "- Subnet {}, {}: rules by tag admit every storage account of the region. Set `{} = [\"/subscriptions/…\"]` \
             in the `[[allow]]` of this workload, and a service endpoint policy is made: {}. ({})",
            cell(&offer.subnet),
            cell(&offer.workload),
            offer.option,
            cell(&offer.purpose),
            cell(&offer.source)
        )
        .expect("writing to a string does not fail");
    }
    if !offers.is_empty() {
        text.push('\n');
    }
    out.push_str(&text);
}

fn explain(out: &mut String) {
    out.push_str(
        "A rule by tag admits every storage account of the region, those of other customers too. The policy closes that: \
         once a subnet has it, each account that is not listed is denied there, for every workload of the subnet.\n\n\
         It works only where all of this holds:\n\n\
         - the subnet has the service endpoint `Microsoft.Storage`; its traffic to storage then leaves directly, past \
         routes and firewall;\n\
         - the policy is in the region of the virtual network;\n\
         - no account is a classic one, and none is reached by private endpoint, which the policy does not see.\n\n\
         Aliases such as `/services/Azure/MachineLearning` stand for accounts that the service itself owns. The portal \
         and templates set them; az and PowerShell could not (2024-01-31).\n\n",
    );
}

fn subnet(made: &Made<'_>, need: &EndpointNeed, out: &mut String) {
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("### Subnet {}\n", cell(&need.subnet)));
    line("| Service | May be reached |".to_owned());
    line("|---|---|".to_owned());
    for (service, resources) in &need.definitions {
        for id in resources {
            line(format!("| {} | {} |", cell(service), cell(id)));
        }
    }
    line(String::new());
    for cause in &need.causes {
        line(format!("- {}: {} ({})", cell(&cause.workload), cell(&cause.why), cell(&cause.source)));
    }
    let others: Vec<String> = others(made, need).map(|flow| cell(flow.id.as_str())).collect();
    if !others.is_empty() {
        line(format!(
            "- **These needs of the subnet also reach storage, and are denied unless their accounts are listed:** {}",
            others.join(", ")
        ));
    }
    line(String::new());
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
