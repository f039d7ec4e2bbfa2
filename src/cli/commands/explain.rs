//! `tagwall explain`

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use crate::addr::IpPrefix;
use crate::analyse::{Asked, Explained, ExplainedSet, Explainer, Far, FateSaid, StepSaid, region_in_words};
use crate::catalog::{Date, Fqdn};
use crate::cli::args::Explain;
use crate::cli::commands::compare::addresses;
use crate::cli::reading::{Tags, load, made_of};
use crate::cli::{Failure, output, select};
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::Policy;
use crate::read::live::Live;
use crate::tags::{Snapshot, Symbol, Symbols};
use crate::text::did_you_mean;

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
    let far = far_of(far.unwrap_or("Internet"), args.inbound, snapshot)?;
    Ok(Asked { direction, subnet, near: address, far, protocol, ports })
}

/// The other side: an address, a prefix, a tag or a host.
fn far_of(text: &str, inbound: bool, snapshot: &Snapshot) -> Result<Far, Failure> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Far::Address(address));
    }
    if let Ok(prefix) = text.parse::<IpPrefix>() {
        return Ok(Far::Set(prefix.into()));
    }
    if let Some(tag) = snapshot.tag(text) {
        return Ok(Far::Set(tag.set().clone()));
    }
    if let Some(symbol) = Symbol::find(text) {
        let empty = crate::addr::AddrSet::empty();
        return Ok(Far::Set(Symbols::new(&empty, &empty).get(symbol)));
    }
    // As policies write a host. A tag with a region that it does not have is none.
    let host = text.strip_prefix("fqdn:");
    let of_tag = |(base, region): (&str, &str)| snapshot.tag(base).is_some() && !region.contains('.');
    let is_tag = host.is_none() && text.split_once('.').is_some_and(of_tag);
    let text = host.unwrap_or(text);
    if text.contains('.')
        && !inbound
        && !is_tag
        && let Ok(host) = Fqdn::parse(text.trim_end_matches('.'))
    {
        return Ok(Far::Host(host.as_str().to_owned()));
    }
    let hint = match side_and_port(text) {
        Some((side, port)) => format!(": write {side} here and the port as --port {port}"),
        None => did_you_mean(&snapshot.nearest(text)),
    };
    Err(Failure::Input(format!("`{text}` is no address, prefix, service tag or host{hint}")))
}

/// A side and a port in one: `SIDE:PORT`, or an address of the Web.
fn side_and_port(text: &str) -> Option<(&str, u16)> {
    let web = [("https://", 443), ("http://", 80)];
    if let Some((rest, usual)) = web.iter().find_map(|(start, port)| Some((text.strip_prefix(start)?, *port)))
    {
        let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
        return Some(side_and_port(host).unwrap_or((host, usual)));
    }
    let (side, port) = text.rsplit_once(':')?;
    let side = side.strip_prefix('[').and_then(|side| side.strip_suffix(']')).unwrap_or(side);
    (!side.is_empty()).then_some((side, port.parse().ok()?))
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

fn to_change(out: &mut dyn Write, changes: &[String]) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSo that it passes, this would have to change:")?;
    changes.iter().try_for_each(|text| writeln!(out, "  - {text}"))
}

fn steps(out: &mut dyn Write, steps: &[StepSaid], week: Option<&str>) -> io::Result<()> {
    for (number, step) in (1..).zip(steps) {
        writeln!(out, "{number}. {}: {}.", who(step), step.because)?;
        if let Some(tag) = &step.tag {
            let week = week.map_or_else(String::new, |week| format!(", as published on {week}"));
            writeln!(out, "   The address is of the tag {tag}{week}.")?;
        }
        if let Some(workload) = &step.workload {
            let who = if workload == "policy" {
                "The policy".to_owned()
            } else {
                format!("The workload {workload}")
            };
            let row = step
                .row
                .as_deref()
                .filter(|row| !row.is_empty())
                .map_or_else(String::new, |row| format!(", {row}"));
            let source =
                step.source.as_ref().map_or_else(String::new, |source| format!(" (source: {source})"));
            writeln!(out, "   {who} asks for it{row}{source}.")?;
        }
    }
    Ok(())
}

/// Who decides, and by which rule.
fn who(step: &StepSaid) -> String {
    let place =
        step.place.as_ref().map_or_else(String::new, |place| format!(" ({}:{})", place.file, place.line));
    let name = &step.name;
    let what = match step.at {
        _ if name.starts_with("the ") => name.replacen("the ", "The ", 1),
        "nsg" => format!("Group {name}"),
        "route" if step.place.is_none() => "Routes".to_owned(),
        "route" => format!("Route table {name}"),
        "firewall" | "dnat" => "Firewall".to_owned(),
        "admin" => "Network manager".to_owned(),
        "outbound" => format!("Way out of {name}"),
        _ => format!("Network {name}"),
    };
    let kind = if step.at == "route" { "route" } else { "rule" };
    match &step.rule {
        Some(rule) if step.at != "route" || step.place.is_some() => format!("{what}, {kind} {rule}{place}"),
        _ => what,
    }
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
        let count = addresses(&fate.region.addresses);
        writeln!(out, "\n{} ({count}) {}.", region_in_words(&fate.region), verdict(fate.verdict, fate.way))?;
        steps(out, &fate.steps, week)?;
        fate.hangs_on.iter().try_for_each(|text| writeln!(out, "If {text}."))?;
        to_change(out, &fate.changes)?;
    }
    Ok(())
}
