//! How the files are deployed: the steps of the first format there that can be.

use super::Made;
use crate::plan::ClassicFirewall;
use crate::target::FormatName;

/// Formats that are deployed as they are, the best known first.
const DEPLOYED: [(FormatName, &str); 5] = [
    (FormatName::Arm, ".arm.json"),
    (FormatName::Bicep, ".bicep"),
    (FormatName::Terraform, ".tf"),
    (FormatName::TerraformJson, ".tf.json"),
    (FormatName::Azcli, ".sh"),
];

/// One step for each file, in the order of deployment; empty where no format can be deployed.
pub(super) fn steps(made: &Made<'_>) -> Vec<String> {
    let of = |ending: &str| -> Vec<&str> {
        let names = made.artefacts.iter().map(|a| a.name.as_str());
        names.filter(|name| name.ends_with(ending)).collect()
    };
    let first = DEPLOYED.iter().map(|&(format, ending)| (format, ending, of(ending)));
    let Some((format, ending, names)) = first.into_iter().find(|(_, _, names)| !names.is_empty()) else {
        return Vec::new();
    };
    let classic = made.plan.classic_firewall.as_ref();
    let one = |command: fn(&str, Option<&ClassicFirewall>) -> String| {
        names.iter().map(|name| step(name, ending, &command(name, classic), classic.is_some())).collect()
    };
    match format {
        FormatName::Terraform | FormatName::TerraformJson => vec![terraform(&names, classic)],
        FormatName::Azcli => one(script),
        _ => one(template),
    }
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
        "nsg" => "the security group; then associate it with the subnet",
        "service-endpoint-policy" => "the service endpoint policy, which does nothing until a subnet has it",
        _ => {
            "the route table, last: from then on traffic takes the new way. Then associate it with the subnet"
        }
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
    format!(
        "Look at the plan, then apply it; associate the security group and the route table with the subnet \
         afterwards:\n   `terraform init && terraform apply -var resource_group_name=GROUP{firewall}`"
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
