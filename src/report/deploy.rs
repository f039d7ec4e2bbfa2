//! How the files are deployed: the steps of the first format there that can be.

use super::Made;
use super::document::Line;
use crate::emit::Artefact;
use crate::plan::{ClassicFirewall, Plan};
use crate::target::{ApiVersion, FormatName, Part};

/// Formats that are deployed as they are, the best known first.
const DEPLOYED: [FormatName; 5] =
    [FormatName::Arm, FormatName::Bicep, FormatName::Terraform, FormatName::TerraformJson, FormatName::Azcli];

/// A file that is deployed, with the part of the plan that it holds.
struct File<'a> {
    name: &'a str,
    part: Part,
    /// Whether it is one of several with that part.
    numbered: bool,
}

/// One step for each file, in the order of deployment; empty where no format can be deployed.
pub(super) fn steps<'a>(made: &Made<'a>) -> Vec<Line> {
    let of = |format: FormatName| -> Vec<File<'a>> {
        let own = made.artefacts.iter().filter(|a| a.format == Some(format));
        let file =
            |a: &'a Artefact| Some(File { name: &a.name, part: a.part?, numbered: a.number.is_some() });
        own.filter_map(file).collect()
    };
    let first = DEPLOYED.into_iter().map(|format| (format, of(format))).find(|(_, files)| !files.is_empty());
    let Some((format, files)) = first else {
        return Vec::new();
    };
    let classic = made.plan.classic_firewall.as_ref();
    let one = |command: fn(&File<'_>, Option<&ClassicFirewall>) -> String| {
        files.iter().map(|file| step(file, &command(file, classic), classic.is_some())).collect()
    };
    let mut steps = match format {
        FormatName::Terraform | FormatName::TerraformJson => vec![terraform(&files, made.plan)],
        FormatName::Azcli if made.policy.firewall.draft => with_draft(&files, one(script)),
        FormatName::Azcli => one(script),
        _ => {
            let mut steps = one(template);
            let table = files.iter().position(|file| file.part == Part::RouteTable);
            if let Some((at, text)) = table.zip(older_version(made)) {
                steps[at] = std::mem::take(&mut steps[at]).next_line().then(text);
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
fn older_version(made: &Made<'_>) -> Option<Line> {
    let version = made.policy.api_version();
    (version < ApiVersion::V20250701).then(|| {
        Line::of(&format!(
            "A table that is there already is written anew in API version {version}: what newer versions set on \
             it, such as disablePeeringRoute, is reset (`output.api-version` chooses another)."
        ))
    })
}

/// The steps of scripts of which that for the firewall puts its rules into a draft: what goes before and after it.
fn with_draft(files: &[File<'_>], steps: Vec<Line>) -> Vec<Line> {
    let mut all = Vec::new();
    for (file, step) in files.iter().zip(steps) {
        if file.part != Part::Firewall {
            all.push(step);
            continue;
        }
        all.push(Line::of(
            "Make a draft of the firewall policy, in the portal or with `az network firewall policy draft create`; it \
             is a copy of the policy as it is now. A policy has one draft, and a draft takes no group of rules that \
             the policy does not have: deploy a new group once without `firewall.draft`.",
        ));
        all.push(step);
        all.push(
            Line::of("Look at the draft, then deploy it: `az network firewall policy deploy -g GROUP --name POLICY`. ")
                .strong("It replaces the whole policy")
                .text(
                    ": what others changed in the policy since the draft was made is lost. IP groups are no part of a \
                     draft; what changes in them is in force at once.",
                ),
        );
    }
    all
}

/// The commands that put what was made on its subnets: groups and endpoint policies first, since from the moment that a
/// subnet has its table its traffic goes another way.
///
/// Where Terraform has put groups and tables on them already, only the endpoint policies are left.
fn associations(made: &Made<'_>, partly: bool) -> Option<Line> {
    let on = |subnet: &str, what: String| {
        format!("az network vnet subnet update -g GROUP --vnet-name NETWORK -n {subnet}{what}")
    };
    let option = |key: &str, name: &Option<String>| {
        name.as_ref().map_or(String::new(), |name| format!(" --{key} {name}"))
    };
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for a in &made.plan.associations {
        let group = a.nsg.clone().filter(|_| !partly);
        let beside = option("network-security-group", &group)
            + &option("service-endpoint-policy", &a.service_endpoint_policy);
        if !beside.is_empty() {
            first.push(on(&a.subnet, beside));
        }
        if a.route_table.is_some() && !partly {
            last.push(on(&a.subnet, option("route-table", &a.route_table)));
        }
    }
    let text =
        "Put them on the subnets, the route tables last; a subnet that is not listed keeps what it has:";
    (!first.is_empty() || !last.is_empty()).then(|| {
        first.into_iter().chain(last).fold(text.into(), |line: Line, command| line.next_line().code(command))
    })
}

/// Where the state should live, if there is anything for Terraform.
pub(super) fn state(made: &Made<'_>) -> Option<Line> {
    let terraform = [Some(FormatName::Terraform), Some(FormatName::TerraformJson)];
    made.artefacts.iter().any(|artefact| terraform.contains(&artefact.format)).then(|| Line::of(
        "Decide once where Terraform keeps its state, which has to outlive these files: in a remote backend, by a file \
         `backend.tf` of your own beside them (`terraform { backend \"azurerm\" { … } }`), or in a file outside this \
         folder (`terraform apply -state=FILE`). What tagwall did not make here (`terraform.tfstate`, `.terraform`, \
         `terraform.tfvars`, notes) goes with the folder from each generation to the next; but a state that lies here \
         is lost with the folder, and for all to read who may read the rules.",
    ))
}

fn step(file: &File<'_>, command: &str, classic: bool) -> Line {
    let what = match file.part {
        Part::IpGroups => "the IP groups, before the rules that name them",
        Part::Firewall if classic => {
            "the firewall's rules, into your existing firewall, all else of which stays"
        }
        Part::Firewall => "the firewall's rules, into your existing firewall policy",
        Part::Nsg => "the security group",
        Part::ServiceEndpointPolicy => {
            "the service endpoint policy, which does nothing until a subnet has it"
        }
        Part::Associations => "what was made, onto the subnets: from then on traffic takes the new way",
        Part::RouteTable | Part::Main => {
            "the route table, last: once a subnet has it, traffic takes the new way"
        }
    };
    let numbered = if file.numbered { " (a part: one template would be too large)" } else { "" };
    Line::new().text(format_args!("Deploy {what}{numbered}:")).next_line().code(command)
}

fn template(file: &File<'_>, classic: Option<&ClassicFirewall>) -> String {
    let deploy = format!("az deployment group create -g GROUP --template-file {}", file.name);
    match (file.part, classic) {
        (Part::Firewall, Some(firewall)) => {
            let file = "firewall.parameters.json";
            format!("{} > {file} && {deploy} --parameters @{file}", classic_parameters(firewall))
        }
        (Part::Firewall, None) => format!("{deploy} --parameters firewallPolicyName=POLICY"),
        _ => deploy,
    }
}

/// The command that gives the parameters of a template of classic rules: the firewall as it is, without the collections
/// that are made here.
fn classic_parameters(firewall: &ClassicFirewall) -> String {
    let others = |kind: &str, names: Vec<&str>| {
        let other: Vec<String> = names.iter().map(|name| format!("name!='{name}'")).collect();
        format!("{{value: [properties.{kind}RuleCollections[?{}]][]}}", other.join(" && "))
    };
    format!(
        "az resource show -g GROUP -n FIREWALL --resource-type Microsoft.Network/azureFirewalls --query \
         \"{{firewallName: {{value: name}}, location: {{value: location}}, zones: {{value: [zones][]}}, \
         tags: {{value: tags || \\`{{}}\\`}}, firewallProperties: {{value: properties}}, \
         otherNetworkRuleCollections: {}, otherApplicationRuleCollections: {}}}\" --output json",
        others("network", firewall.network_names()),
        others("application", firewall.application_names()),
    )
}

fn script(file: &File<'_>, classic: Option<&ClassicFirewall>) -> String {
    let firewall = match (file.part, classic) {
        (Part::Firewall, Some(_)) => " FIREWALL=FIREWALL",
        (Part::Firewall, None) => " FIREWALL_POLICY=POLICY",
        (Part::Associations, _) => " NETWORK=NETWORK",
        _ => "",
    };
    format!("RESOURCE_GROUP=GROUP{firewall} ./{}", file.name)
}

fn terraform(files: &[File<'_>], plan: &Plan) -> Line {
    let has = |part| files.iter().any(|file| file.part == part);
    let firewall = match (has(Part::Firewall), &plan.classic_firewall) {
        (true, Some(_)) => " -var firewall_name=FIREWALL",
        (true, None) => " -var firewall_policy_id=ID",
        (false, _) => "",
    };
    let subnets = match has(Part::Associations) {
        true => " -var subnet_id_NAME=ID …",
        false => "",
    };
    let mut rules = plan.nsgs.iter().flat_map(|nsg| &nsg.rules);
    let groups = match rules.any(|r| [&r.source, &r.destination].iter().any(|s| s.security_group().is_some()))
    {
        true => " -var asg_id_NAME=ID …",
        false => "",
    };
    Line::of("Look at the plan, then apply it:").next_line().code(format!(
        "terraform init && terraform apply -var resource_group_name=GROUP{firewall}{subnets}{groups}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_templates_is_a_part() {
        let file = |numbered| File { name: "ip-groups-2.bicep", part: Part::IpGroups, numbered };
        let deployed = |numbered| step(&file(numbered), "x", false);
        let line = "Deploy the IP groups, before the rules that name them";
        assert_eq!(deployed(false), Line::of(line).text(":").next_line().code("x"));
        let part = " (a part: one template would be too large):";
        assert_eq!(deployed(true), Line::of(line).text(part).next_line().code("x"));
    }
}
