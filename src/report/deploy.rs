//! How the files are deployed: the steps of the first format there that can be.

use super::Made;
use crate::plan::ClassicFirewall;
use crate::target::{ApiVersion, FormatName};

/// Formats that are deployed as they are, the best known first, and how the names of their files end.
const DEPLOYED: [(FormatName, &str); 5] = [
    (FormatName::Arm, ".arm.json"),
    (FormatName::Bicep, ".bicep"),
    (FormatName::Terraform, ".tf"),
    (FormatName::TerraformJson, ".tf.json"),
    (FormatName::Azcli, ".sh"),
];

/// One step for each file, in the order of deployment; empty where no format can be deployed.
pub(super) fn steps(made: &Made<'_>) -> Vec<String> {
    let of = |format: FormatName, ending: &str| -> Vec<&str> {
        let own = made.artefacts.iter().filter(|a| a.format == Some(format));
        own.map(|a| a.name.as_str()).filter(|name| name.ends_with(ending)).collect()
    };
    let first = DEPLOYED.iter().map(|&(format, ending)| (format, ending, of(format, ending)));
    let Some((format, ending, names)) = first.into_iter().find(|(_, _, names)| !names.is_empty()) else {
        return Vec::new();
    };
    let classic = made.plan.classic_firewall.as_ref();
    let one = |command: fn(&str, Option<&ClassicFirewall>) -> String| {
        names.iter().map(|name| step(name, ending, &command(name, classic), classic.is_some())).collect()
    };
    let mut steps = match format {
        FormatName::Terraform | FormatName::TerraformJson => vec![terraform(&names, classic)],
        FormatName::Azcli if made.policy.firewall.draft => with_draft(&names, one(script)),
        FormatName::Azcli => one(script),
        _ => {
            let mut steps = one(template);
            let table = names.iter().position(|name| part(name) == "route-table");
            if let Some((at, text)) = table.zip(older_version(made)) {
                steps[at].push_str(&text);
            }
            steps
        }
    };
    let partly = match format {
        FormatName::Azcli if made.policy.output.associations => return steps,
        FormatName::Terraform | FormatName::TerraformJson => made.policy.output.associations,
        _ => false,
    };
    steps.extend(associations(made, partly));
    steps
}

/// What goes with the step of the first route table: a template writes a table anew in the version that it names.
fn older_version(made: &Made<'_>) -> Option<String> {
    let version = made.policy.api_version();
    (version < ApiVersion::V20250701).then(|| {
        format!(
            "\n   A table that is there already is written anew in API version {version}: what newer versions set on \
             it, such as disablePeeringRoute, is reset (`output.api-version` chooses another)."
        )
    })
}

/// The steps of scripts of which that for the firewall puts its rules into a draft: what goes before and after it.
fn with_draft(names: &[&str], steps: Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, step) in names.iter().zip(steps) {
        if part(name) != "firewall" {
            all.push(step);
            continue;
        }
        all.push(
            "Make a draft of the firewall policy, in the portal or with `az network firewall policy draft create`; it \
             is a copy of the policy as it is now. A policy has one draft, and a draft takes no group of rules that \
             the policy does not have: deploy a new group once without `firewall.draft`."
                .to_owned(),
        );
        all.push(step);
        all.push(
            "Look at the draft, then deploy it: `az network firewall policy deploy -g GROUP --name POLICY`. **It \
             replaces the whole policy**: what others changed in the policy since the draft was made is lost. IP groups \
             are no part of a draft; what changes in them is in force at once."
                .to_owned(),
        );
    }
    all
}

/// The commands that put what was made on its subnets: groups and endpoint policies first, since from the moment that a
/// subnet has its table its traffic goes another way.
///
/// Where Terraform has put groups and tables on them already, only the endpoint policies are left.
fn associations(made: &Made<'_>, partly: bool) -> Option<String> {
    let on = |subnet: &str, what: String| {
        format!("\n   `az network vnet subnet update -g GROUP --vnet-name NETWORK -n {subnet}{what}`")
    };
    let option = |key: &str, name: &Option<String>| {
        name.as_ref().map_or(String::new(), |name| format!(" --{key} {name}"))
    };
    let (mut first, mut last) = (String::new(), String::new());
    for a in &made.plan.associations {
        let group = a.nsg.clone().filter(|_| !partly);
        let beside = option("network-security-group", &group)
            + &option("service-endpoint-policy", &a.service_endpoint_policy);
        if !beside.is_empty() {
            first += &on(&a.subnet, beside);
        }
        if a.route_table.is_some() && !partly {
            last += &on(&a.subnet, option("route-table", &a.route_table));
        }
    }
    let text =
        "Put them on the subnets, the route tables last; a subnet that is not listed keeps what it has:";
    (!first.is_empty() || !last.is_empty()).then(|| format!("{text}{first}{last}"))
}

/// Where the state should live, if there is anything for Terraform.
pub(super) fn state(made: &Made<'_>) -> Option<&'static str> {
    let terraform = [Some(FormatName::Terraform), Some(FormatName::TerraformJson)];
    made.artefacts.iter().any(|artefact| terraform.contains(&artefact.format)).then_some(
        "Decide once where Terraform keeps its state, which has to outlive these files: in a remote backend, by a file \
         `backend.tf` of your own beside them (`terraform { backend \"azurerm\" { … } }`), or in a file outside this \
         folder (`terraform apply -state=FILE`). What tagwall did not make here (`terraform.tfstate`, `.terraform`, \
         `terraform.tfvars`, notes) goes with the folder from each generation to the next; but a state that lies here \
         is lost with the folder, and for all to read who may read the rules.",
    )
}

/// The part of the plan that a file holds: its name without ending and number.
fn part(name: &str) -> &str {
    let stem = name.split('.').next().unwrap_or(name);
    stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
}

fn step(name: &str, ending: &str, command: &str, classic: bool) -> String {
    let what = match part(name) {
        "ip-groups" => "the IP groups, before the rules that name them",
        "firewall" if classic => "the firewall's rules, into your existing firewall, all else of which stays",
        "firewall" => "the firewall's rules, into your existing firewall policy",
        "nsg" => "the security group",
        "service-endpoint-policy" => "the service endpoint policy, which does nothing until a subnet has it",
        "associations" => "what was made, onto the subnets: from then on traffic takes the new way",
        _ => "the route table, last: once a subnet has it, traffic takes the new way",
    };
    let whole = name.trim_end_matches(ending) == part(name);
    let numbered = if whole { "" } else { " (a part: one template would be too large)" };
    let (open, close) = if command.contains('`') { ("`` ", " ``") } else { ("`", "`") };
    format!("Deploy {what}{numbered}:\n   {open}{command}{close}")
}

fn template(name: &str, classic: Option<&ClassicFirewall>) -> String {
    let deploy = format!("az deployment group create -g GROUP --template-file {name}");
    match (part(name), classic) {
        ("firewall", Some(firewall)) => {
            let file = "firewall.parameters.json";
            format!("{} > {file} && {deploy} --parameters @{file}", classic_parameters(firewall))
        }
        ("firewall", None) => format!("{deploy} --parameters firewallPolicyName=POLICY"),
        _ => deploy,
    }
}

/// The command that gives the parameters of a template of classic rules: the firewall as it is, without the collections
/// that are made here.
fn classic_parameters(firewall: &ClassicFirewall) -> String {
    let others =
        |kind: &str, name: &str| format!("{{value: [properties.{kind}RuleCollections[?name!='{name}']][]}}");
    format!(
        "az resource show -g GROUP -n FIREWALL --resource-type Microsoft.Network/azureFirewalls --query \
         \"{{firewallName: {{value: name}}, location: {{value: location}}, zones: {{value: [zones][]}}, \
         tags: {{value: tags || \\`{{}}\\`}}, firewallProperties: {{value: properties}}, \
         otherNetworkRuleCollections: {}, otherApplicationRuleCollections: {}}}\" --output json",
        others("network", &firewall.network_name),
        others("application", &firewall.application_name),
    )
}

fn script(name: &str, classic: Option<&ClassicFirewall>) -> String {
    let firewall = match (part(name), classic) {
        ("firewall", Some(_)) => " FIREWALL=FIREWALL",
        ("firewall", None) => " FIREWALL_POLICY=POLICY",
        ("associations", _) => " NETWORK=NETWORK",
        _ => "",
    };
    format!("RESOURCE_GROUP=GROUP{firewall} ./{name}")
}

fn terraform(names: &[&str], classic: Option<&ClassicFirewall>) -> String {
    let firewall = match (names.iter().any(|n| part(n) == "firewall"), classic) {
        (true, Some(_)) => " -var firewall_name=FIREWALL",
        (true, None) => " -var firewall_policy_id=ID",
        (false, _) => "",
    };
    let subnets = match names.iter().any(|n| part(n) == "associations") {
        true => " -var subnet_id_NAME=ID …",
        false => "",
    };
    format!(
        "Look at the plan, then apply it:\n   `terraform init && terraform apply -var resource_group_name=GROUP{firewall}{subnets}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_names() {
        assert_eq!(part("ip-groups-12.arm.json"), "ip-groups");
        assert_eq!(part("route-table.bicep"), "route-table");
        assert!(step("ip-groups-2.bicep", ".bicep", "x", false).contains("a part"));
        assert!(!step("ip-groups.sh", ".sh", "x", false).contains("a part"));
    }
}
