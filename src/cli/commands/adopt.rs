//! `tagwall adopt`

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::analyse::adopt::{Adopted, Naming, Proposal, RuleMeaning, adopt};
use crate::analyse::{Answer as Equal, Comparison, compare};
use crate::cli::args::Adopt;
use crate::cli::reading::{Tags, load_all, made_of};
use crate::cli::{Failure, output, select};
use crate::environment::Environment;
use crate::policy::PolicySource;
use crate::read::live::Live;
use crate::store::{Kind, atomic, index};
use crate::tags::{Snapshot, Timeline};

/// The answer, as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    exact: bool,
    policy: &'a str,
    rules: &'a [RuleMeaning],
    inexpressible: &'a [String],
    proposals: &'a [Proposal],
}

pub(in crate::cli) fn run(args: &Adopt) -> Result<ExitCode, Failure> {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        return Err(Failure::Input(format!("{} is there already; nothing is overwritten", out.display())));
    }
    let mut tags = Tags::new(&args.data);
    let parts: Vec<&str> = args.files.iter().map(String::as_str).collect();
    let live = load_all(&parts, &mut tags)?;
    let (snapshot, _) = tags.dated(None)?;
    let timeline = timeline(args, snapshot)?;
    let naming = naming(args, &live, snapshot);
    let adopted = adopt(&live, snapshot, timeline.as_ref(), &naming);
    let mut cannot: Vec<String> = adopted.inexpressible.iter().map(ToString::to_string).collect();
    let exact = prove(&live, snapshot, &adopted.policy, &mut cannot);
    if let Some(out) = &args.out {
        write(out, &adopted.policy)?;
    }
    let Adopted { policy, rules, proposals, .. } = &adopted;
    let answer = Answer { exact, policy, rules, inexpressible: &cannot, proposals };
    output::print(&args.printing, &answer, |out| text(args, &answer, out))?;
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn timeline(args: &Adopt, snapshot: &Snapshot) -> Result<Option<Timeline>, Failure> {
    if args.data.snapshot == "sample" {
        return Ok(None);
    }
    let indexed = index::timeline(&select::store(&args.data.place)?, snapshot.cloud(), Kind::File)?;
    Ok(Some(indexed.timeline).filter(|timeline| !timeline.weeks().is_empty()))
}

fn write(path: &Path, policy: &str) -> Result<(), Failure> {
    let done = atomic::write_new(path, policy.as_bytes());
    done.map(drop).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))
}

/// Name and region, where the flags do not say them.
fn naming(args: &Adopt, live: &Live, snapshot: &Snapshot) -> Naming {
    let texts = live
        .groups
        .iter()
        .flat_map(|g| &g.rules)
        .flat_map(|r| r.rule.sources.iter().chain(&r.rule.destinations));
    let routes = live.tables.iter().flat_map(|table| &table.routes).flat_map(|route| &route.prefixes);
    let region =
        texts.chain(routes).find_map(|text| snapshot.tag(text)?.region().map(|region| region.location()));
    let first = || snapshot.regions().locations().next();
    let named =
        live.groups.first().map(|group| group.name.as_str()).or(live.tables.first().map(|t| t.name.as_str()));
    let name: String = named
        .unwrap_or("adopted")
        .trim_end_matches("-nsg")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    Naming {
        name: args.name.clone().unwrap_or_else(|| name.trim_matches('-').chars().take(40).collect()),
        region: args.region.clone().or(region).or_else(first).unwrap_or_else(|| "westeurope".to_owned()),
        cloud: snapshot.cloud(),
    }
}

/// Whether what the policy makes is what was read; if not, why goes to what cannot be said.
fn prove(live: &Live, snapshot: &Snapshot, policy: &str, cannot: &mut Vec<String>) -> bool {
    let made = PolicySource::read("adopted.toml", policy)
        .map_err(|error| error.to_string())
        .and_then(|source| Environment::new(source, Vec::new()).map_err(|error| error.to_string()))
        .and_then(|environment| {
            made_of(&environment, snapshot, "adopted.toml").map_err(|error| error.to_string())
        });
    let made = match made {
        Ok((made, _)) => made,
        Err(error) => {
            let first: Vec<&str> = error.lines().take(6).collect();
            cannot.push(format!("nothing can be made of the draft: {}", first.join(" ")));
            return false;
        }
    };
    let compared = compare(live, &made, Some(snapshot));
    let exact = compared.equal == Equal::Yes && cannot.is_empty();
    if compared.equal != Equal::Yes {
        differences(&compared, cannot);
    }
    exact
}

/// Differences of what was read and what is made, one line for each part.
fn differences(compared: &Comparison, out: &mut Vec<String>) {
    for part in compared.parts.iter().filter(|part| part.equal != Equal::Yes) {
        let name = part.name_a.as_deref().or(part.name_b.as_deref()).unwrap_or_default();
        let direction = part.direction.map(|direction| format!(" {direction}")).unwrap_or_default();
        let (a, b, hops) = (part.only_a.len(), part.only_b.len(), part.differences.len());
        out.push(format!(
            "{} {name}{direction}: what the policy makes lacks {a} regions, has {b} more, and sends {hops} sets of addresses \
             elsewhere; `tagwall compare` shows them",
            part.kind
        ));
    }
    out.extend(compared.hangs_on.iter().map(|text| format!("it hangs on what is not known: {text}")));
}

fn text(args: &Adopt, answer: &Answer<'_>, out: &mut dyn Write) -> io::Result<()> {
    match &args.out {
        Some(path) => writeln!(out, "wrote {}", path.display())?,
        None => writeln!(out, "{}", answer.policy)?,
    }
    if answer.exact {
        writeln!(out, "# exact: generate makes what was read, over every packet")?;
    } else {
        writeln!(out, "# not exact: what a policy cannot say")?;
        answer.inexpressible.iter().try_for_each(|text| writeln!(out, "#   {text}"))?;
    }
    if !answer.proposals.is_empty() {
        writeln!(out, "# proposals, each by itself")?;
    }
    for proposal in answer.proposals {
        let (adds, drops) = (&proposal.adds, &proposal.drops);
        writeln!(out, "#   {}: {} (adds {adds}, drops {drops} addresses)", proposal.rule, proposal.proposal)?;
    }
    Ok(())
}
