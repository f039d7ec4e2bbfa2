//! The table in `docs/workloads.md`: what each row of the catalogue becomes on each target.
//!
//! `cargo run --example workload_table > docs/workloads.md`

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;

use tagwall::catalog::{Catalog, OptionKind, Workload};
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{CoveredBy, How};
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::Target;

const HEAD: &str = "\
# Workloads: from catalogue row to rules

Remade by `cargo run --example workload_table > docs/workloads.md`. For the public cloud, West Europe, with every switch
on and then with every switch off, each row once, tags and hosts both, a premium firewall with TLS inspection, and a default route to it.

| code | meaning |
|---|---|
| T | service tag by name |
| C | exact prefixes; at the firewall through an IP group |
| F | host name; in an application rule, or in a network rule if it is exact |
| G | FQDN tag |
| U | URL path |
| – | cannot be said there; the row that covers it in brackets |
";

#[allow(dead_code)] // the test that holds docs/workloads.md against it has a main of its own
fn main() -> Result<(), Box<dyn Error>> {
    std::io::stdout().write_all(document()?.as_bytes())?;
    Ok(())
}

/// The whole document.
pub(crate) fn document() -> Result<String, Box<dyn Error>> {
    let json = sample::sample_json(Cloud::Public).ok_or("there is a sample of the public cloud")?;
    let snapshot = Snapshot::parse(&json)?;
    let mut text = HEAD.to_owned();
    for workload in Catalog::builtin().workloads() {
        let mut lines: Vec<String> = Vec::new();
        for switches in [true, false] {
            let source = PolicySource::read("table.toml", &policy(workload, switches))?;
            let made = pipeline::generate(&source, Catalog::builtin(), &snapshot, None)?;
            lines.extend(table(&made));
        }
        text.push_str(&format!("\n## {}\n\n{}\n\n{COLUMNS}", workload.name(), workload.title()));
        let mut seen = BTreeSet::new();
        text.extend(lines.into_iter().filter(|line| seen.insert(line.clone())));
    }
    Ok(text)
}

fn policy(workload: &Workload, switches: bool) -> String {
    let mut text = format!(
        "schema = 1\nname = \"table\"\naccept-missing = true\nregion = \"westeurope\"\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.s.prefixes = [\"10.20.1.0/24\"]\nfirewall.sku = \"premium\"\nfirewall.tls-inspection = true\n\
         [[allow]]\nworkload = \"{}\"\nprefer = \"both\"\n",
        workload.name()
    );
    for option in workload.options() {
        let value = match &option.kind {
            OptionKind::Bool => switches.to_string(),
            OptionKind::Text if option.required => "\"example\"".to_owned(),
            OptionKind::List if option.required => "[\"example\"]".to_owned(),
            _ => continue,
        };
        text.push_str(&format!("{} = {value}\n", option.name));
    }
    text
}

const COLUMNS: &str = "| row | | remote | protocol, ports | NSG | network rule | application rule | route |\n\
                       |---|---|---|---|---|---|---|---|\n";

/// A line for each flow and route.
fn table(made: &Generation) -> Vec<String> {
    let mut lines = Vec::new();
    for flow in &made.policy.flows {
        let rows: Vec<&str> = flow.causes.iter().map(|c| c.row.as_str()).collect();
        let firewall = code(made, Target::Firewall, flow.id.as_str());
        let (network, application) = match how(made, Target::Firewall, flow.id.as_str()) {
            Some(How::Application) => ("–".to_owned(), firewall),
            Some(_) => (firewall, "–".to_owned()),
            None => (firewall, "–".to_owned()),
        };
        lines.push(format!(
            "| {} | {} | {} | {} {} | {} | {network} | {application} | – |\n",
            rows.join(", "),
            if flow.direction == tagwall::packet::Direction::Inbound { "in" } else { "out" },
            flow.remote.to_string().replace('*', "\\*"),
            flow.protocol,
            flow.ports.to_string().replace('*', "\\*"),
            code(made, Target::Nsg, flow.id.as_str()),
        ));
    }
    for need in &made.policy.routes {
        let rows: Vec<&str> = need.causes.iter().map(|c| c.row.as_str()).collect();
        let code = code(made, Target::RouteTable, &need.id);
        lines.push(format!(
            "| {} | route | {} | to {} | – | – | – | {code} |\n",
            rows.join(", "),
            need.to,
            need.next_hop
        ));
    }
    lines
}

fn how(made: &Generation, target: Target, flow: &str) -> Option<How> {
    made.plan.choices.iter().find(|c| c.target == target && c.flow == flow).map(|c| c.how)
}

fn code(made: &Generation, target: Target, flow: &str) -> String {
    match how(made, target, flow) {
        Some(How::NativeTag | How::Any) => "T".to_owned(),
        Some(How::Prefixes(_) | How::IpGroup(_)) => "C".to_owned(),
        Some(How::NetworkFqdn) => "F".to_owned(),
        Some(How::Application) => application_code(made, flow).to_owned(),
        None => {
            let gap = made.plan.gaps.iter().find(|g| g.target == target && g.flow == flow);
            let by: Vec<String> = gap.iter().flat_map(|g| &g.covered_by).map(CoveredBy::short).collect();
            if by.is_empty() { "–".to_owned() } else { format!("– ({})", by.join(", ")) }
        }
    }
}

fn application_code(made: &Generation, flow: &str) -> &'static str {
    use tagwall::policy::Remote;
    let remote = made.policy.flows.iter().find(|f| f.id == *flow).map(|f| &f.remote);
    match remote {
        Some(Remote::FqdnTag(_)) => "G",
        Some(Remote::Url(_)) => "U",
        _ => "F",
    }
}
