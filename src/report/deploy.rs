//! How the files are deployed: the steps of the first format there that can be.

use super::Made;
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
    match format {
        FormatName::Terraform | FormatName::TerraformJson => vec![terraform(&names)],
        FormatName::Azcli => names.iter().map(|name| step(name, ending, &script(name))).collect(),
        _ => names.iter().map(|name| step(name, ending, &template(name))).collect(),
    }
}

/// The part of the plan that a file holds: its name without ending and number.
fn part(name: &str) -> &str {
    let stem = name.split('.').next().unwrap_or(name);
    stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
}

fn step(name: &str, ending: &str, command: &str) -> String {
    let what = match part(name) {
        "ip-groups" => "the IP groups, before the rules that name them",
        "firewall" => "the firewall's rules, into your existing firewall policy",
        "nsg" => "the security group; then associate it with the subnet",
        "service-endpoint-policy" => "the service endpoint policy, which does nothing until a subnet has it",
        _ => {
            "the route table, last: from then on traffic takes the new way. Then associate it with the subnet"
        }
    };
    let whole = name.trim_end_matches(ending) == part(name);
    let numbered = if whole { "" } else { " (a part: one template would be too large)" };
    format!("Deploy {what}{numbered}:\n   `{command}`")
}

fn template(name: &str) -> String {
    let parameters = if part(name) == "firewall" { " --parameters firewallPolicyName=POLICY" } else { "" };
    format!("az deployment group create -g GROUP --template-file {name}{parameters}")
}

fn script(name: &str) -> String {
    let policy = if part(name) == "firewall" { " FIREWALL_POLICY=POLICY" } else { "" };
    format!("RESOURCE_GROUP=GROUP{policy} ./{name}")
}

fn terraform(names: &[&str]) -> String {
    let policy = if names.iter().any(|n| part(n) == "firewall") { " -var firewall_policy_id=ID" } else { "" };
    format!(
        "Look at the plan, then apply it; associate the security group and the route table with the subnet \
         afterwards:\n   `terraform init && terraform apply -var resource_group_name=GROUP{policy}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_names() {
        assert_eq!(part("ip-groups-12.arm.json"), "ip-groups");
        assert_eq!(part("route-table.bicep"), "route-table");
        assert!(step("ip-groups-2.bicep", ".bicep", "x").contains("a part"));
        assert!(!step("ip-groups.sh", ".sh", "x").contains("a part"));
    }
}
