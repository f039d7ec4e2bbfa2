//! `tagwall explain`

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use crate::analyse::{
    Asked, Change, Explained, ExplainedSet, Explainer, Far, FateSaid, StepSaid, region_in_words,
};
use crate::catalog::Date;
use crate::cli::args::Explain;
use crate::cli::commands::compare::addresses;
use crate::cli::reading::{Tags, load, made_of};
use crate::cli::{Failure, output, select};
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::Policy;
use crate::read::live::Live;
use crate::tags::Snapshot;

pub(in crate::cli) fn run(args: &Explain) -> Result<ExitCode, Failure> {
    let mut tags = Tags::new(&args.data);
    let (live, policy, day) = what(&args.what, &mut tags)?;
    let snapshot = tags.known().expect("got with what is explained");
    let mut explainer = Explainer::new(&live, snapshot, policy.as_ref());
    explainer.put_on_all();
    explainer.notes.iter().for_each(|note| output::say(&format!("assumed: {note}")));
    let asked = asked(args, &explainer, snapshot)?;
    let refused = |error: crate::replay::ReplayError| Failure::Input(format!("{}: {error}", args.what));
    let nowhere = || {
        let names: Vec<&str> = explainer.subnets().collect();
        Failure::Input(format!(
            "no subnet has such a packet: name one of {} with --{}, or an address in it",
            names.join(", "),
            if args.inbound { "to" } else { "from" }
        ))
    };
    let week = day.map(|day| day.to_string());
    if let Far::Set(_) = asked.far {
        let found = explainer.set(&asked).map_err(refused)?.ok_or_else(nowhere)?;
        output::print(&args.printing, &found, |out| set(out, &found, week.as_deref()))?;
    } else {
        let found = explainer.packet(&asked).map_err(refused)?.ok_or_else(nowhere)?;
        output::print(&args.printing, &found, |out| packet(out, &found, week.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is explained: what a policy makes, or files; with the tags and their day.
pub(super) fn what(
    named: &str,
    tags: &mut Tags<'_>,
) -> Result<(Live, Option<Policy>, Option<Date>), Failure> {
    let own = named.strip_prefix("policy:").unwrap_or(named);
    let folder = Path::new(own).join(crate::report::POLICY_COPY);
    let is_policy = own.ends_with(".toml") || named.starts_with("policy:");
    let path = if is_policy { Some(Path::new(own).to_owned()) } else { folder.is_file().then_some(folder) };
    let Some(path) = path else {
        let live = load(named, tags)?;
        let (_, day) = tags.dated(None)?;
        return Ok((live, None, day));
    };
    let environment = select::environment(&path)?;
    let (snapshot, day) = tags.dated(Some(environment.cloud()))?;
    let environment = environment.at(day)?;
    let (mut live, policy) = made_of(&environment, snapshot, &path.display().to_string())?;
    if !is_policy {
        // What lies in the folder decides, not what would be made now.
        let own = load(named, tags)?;
        live.groups = own.groups;
        live.tables = own.tables;
        live.collection_groups = own.collection_groups;
        live.firewalls = own.firewalls;
        live.ip_groups = own.ip_groups;
    }
    Ok((live, Some(policy), day))
}

fn asked(args: &Explain, explainer: &Explainer<'_>, snapshot: &Snapshot) -> Result<Asked, Failure> {
    let (near, far) = if args.inbound {
        (args.to.as_deref(), args.from.as_deref())
    } else {
        (args.from.as_deref(), args.to.as_deref())
    };
    let protocol: Protocol =
        args.protocol.parse().map_err(|error| Failure::Input(format!("--protocol: {error}")))?;
    let ports = match &args.port {
        Some(text) => text.parse::<Ports>().map_err(|error| Failure::Input(format!("--port: {error}")))?,
        None => Ports::all(),
    };
    let (mut subnet, mut address) = (None, None);
    match near.map(|text| (text, text.parse::<IpAddr>())) {
        Some((_, Ok(found))) => address = Some(found),
        Some((name, Err(_))) => {
            let known = explainer.subnets().find(|own| own.eq_ignore_ascii_case(name));
            subnet = Some(known.map(str::to_owned).ok_or_else(|| {
                let names: Vec<&str> = explainer.subnets().collect();
                Failure::Input(format!(
                    "`{name}` is no address and no subnet; there are {}",
                    names.join(", ")
                ))
            })?);
        }
        None => {}
    }
    let direction = if args.inbound { Direction::Inbound } else { Direction::Outbound };
    let far = Far::of(far.unwrap_or("Internet"), direction, snapshot).map_err(|none| {
        let hint = none.side_and_port.as_ref();
        let hint = hint.map(|(side, port)| format!(": write {side} here and the port as --port {port}"));
        Failure::Input(format!("{none}{}", hint.unwrap_or_default()))
    })?;
    Ok(Asked { direction, subnet, near: address, far, protocol, ports })
}

fn verdict(verdict: &str, way: &str) -> String {
    let way = match way {
        "direct" => " directly",
        "firewall" => " through the firewall",
        "inside" => " inside the network",
        "peer" => " by a peering",
        "gateway" => " by the gateway",
        _ => "",
    };
    match verdict {
        "allow" => format!("passes{way}"),
        "deny" => "does not pass".to_owned(),
        _ => format!("passes{way} only if what is named below holds"),
    }
}

fn packet(out: &mut dyn Write, found: &Explained, week: Option<&str>) -> io::Result<()> {
    let port = |port: Option<u16>| port.map_or_else(String::new, |port| format!(" port {port}"));
    let p = &found.packet;
    let host = found.host.as_ref().map_or_else(String::new, |host| format!(", for {host}"));
    writeln!(
        out,
        "{} from {} to {}{}{host} ({}, subnet {}) {}.",
        p.protocol,
        p.src,
        p.dst,
        port(p.dport),
        found.direction,
        found.subnet,
        verdict(found.verdict, found.way)
    )?;
    writeln!(out)?;
    steps(out, &found.steps, week)?;
    found.hangs_on.iter().try_for_each(|text| writeln!(out, "\nIf {text}."))?;
    found.assumed.iter().try_for_each(|text| writeln!(out, "\nAssumed: {text}."))?;
    to_change(out, &found.changes)
}

fn to_change(out: &mut dyn Write, changes: &[Change]) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSo that it passes, this would have to change:")?;
    changes.iter().try_for_each(|text| writeln!(out, "  - {text}"))
}

fn steps(out: &mut dyn Write, steps: &[StepSaid], week: Option<&str>) -> io::Result<()> {
    for (number, step) in (1..).zip(steps) {
        writeln!(out, "{number}. {}: {}.", step.who(), step.because)?;
        if let Some(tag) = &step.tag {
            let week = week.map_or_else(String::new, |week| format!(", as published on {week}"));
            writeln!(out, "   The address is of the tag {tag}{week}.")?;
        }
        if let Some(asked) = step.asked_for() {
            writeln!(out, "   {asked}.")?;
        }
    }
    Ok(())
}

fn set(out: &mut dyn Write, found: &ExplainedSet, week: Option<&str>) -> io::Result<()> {
    match found.fates.len() {
        0 => writeln!(out, "Subnet {}, {}: no such packet is of it", found.subnet, found.direction)?,
        1 => writeln!(out, "Subnet {}, {}: all of it goes one way", found.subnet, found.direction)?,
        count => writeln!(out, "Subnet {}, {}: {count} different fates", found.subnet, found.direction)?,
    }
    // What stops comes first, then what hangs on something.
    let rank = |fate: &&FateSaid| match fate.verdict {
        "deny" => 0,
        "if" => 1,
        _ => 2,
    };
    let mut fates: Vec<&FateSaid> = found.fates.iter().collect();
    fates.sort_by_key(rank);
    for fate in fates {
        let count = addresses(&fate.region.addresses.to_string());
        writeln!(out, "\n{} ({count}) {}.", region_in_words(&fate.region), verdict(fate.verdict, fate.way))?;
        steps(out, &fate.steps, week)?;
        fate.hangs_on.iter().try_for_each(|text| writeln!(out, "If {text}."))?;
        to_change(out, &fate.changes)?;
    }
    Ok(())
}
