//! `tagwall compare`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::analyse::{
    Answer, Comparison, Decider, Difference, Part, ReadResource, compare, region_in_words, side_in_words,
};
use crate::cli::args::Compare;
use crate::cli::reading::{Tags, load};
use crate::cli::{Failure, output};
use crate::text::joined;

pub(in crate::cli) fn run(args: &Compare) -> Result<ExitCode, Failure> {
    if args.a == "-" && args.b == "-" {
        return Err(Failure::Input("standard input can be one of the two only".to_owned()));
    }
    let mut tags = Tags::new(&args.data);
    let (a, b) = (load(&args.a, &mut tags)?, load(&args.b, &mut tags)?);
    tags.for_files(&[&a, &b])?;
    // Whole ways need to know what tags are; where none can be had, the parts are compared by themselves.
    if !a.subnets.is_empty() && !b.subnets.is_empty() && tags.known().is_none() && tags.dated(None).is_err() {
        output::say("note: without service tags whole ways are not compared");
    }
    let found = compare(&a, &b, tags.known());
    if found.parts.is_empty() {
        let text = format!("{} and {} hold no group, route table or firewall to compare", args.a, args.b);
        return Err(Failure::Input(text));
    }
    for note in a.passed_over.iter().chain(&b.passed_over) {
        output::say(&format!("note: {note}"));
    }
    output::print(&args.printing, &found, |out| write(out, args, &found))?;
    Ok(ExitCode::from(if found.equal == Answer::Yes { 0 } else { 4 }))
}

/// What was read, counted by kind: `2 groups, 1 route table`.
pub(in crate::cli) fn counted(read: &[ReadResource]) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    read.iter().for_each(|resource| *kinds.entry(resource.kind).or_default() += 1);
    let words = |kind: &str, many: bool| match (kind, many) {
        ("nsg", false) => "1 group".to_owned(),
        ("nsg", true) => "groups".to_owned(),
        ("vnet", false) => "1 network".to_owned(),
        ("vnet", true) => "networks".to_owned(),
        ("ip-group", false) => "1 IP group".to_owned(),
        ("ip-group", true) => "IP groups".to_owned(),
        (kind, false) => format!("1 {}", kind.replace('-', " ")),
        (kind, true) if kind.ends_with("policy") => kind.replace('-', " ").replace("policy", "policies"),
        (kind, true) => format!("{}s", kind.replace('-', " ")),
    };
    let each = kinds.iter().map(|(kind, &count)| match count {
        1 => words(kind, false),
        count => format!("{count} {}", words(kind, true)),
    });
    let text = each.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "nothing".to_owned() } else { text }
}

fn write(out: &mut dyn Write, args: &Compare, found: &Comparison) -> io::Result<()> {
    writeln!(out, "A: {}: {}", args.a, counted(&found.read.a))?;
    writeln!(out, "B: {}: {}", args.b, counted(&found.read.b))?;
    found.assumed.iter().try_for_each(|text| writeln!(out, "assumed: {text}"))?;
    found.hangs_on.iter().try_for_each(|text| writeln!(out, "incomplete: {text}"))?;
    writeln!(out)?;
    found.parts.iter().try_for_each(|part| write_part(out, part))?;
    match found.equal {
        Answer::Yes => writeln!(out, "They do the same."),
        Answer::No => writeln!(out, "They differ."),
        Answer::If => writeln!(out, "Whether they do the same hangs on what is named above."),
    }
}

fn write_part(out: &mut dyn Write, part: &Part) -> io::Result<()> {
    let kind = match part.kind {
        "nsg" => "group",
        "route-table" => "route table",
        other => other,
    };
    let name = match (&part.name_a, &part.name_b) {
        (Some(a), Some(b)) if a != b => format!("{a} / {b}"),
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => String::new(),
    };
    let way = part.direction.map_or_else(String::new, |way| format!(", {}", way.to_lowercase()));
    let verdict = match part.equal {
        Answer::Yes => "the same",
        Answer::No => "different",
        Answer::If => "if",
    };
    let kind = match (part.kind, part.direction) {
        ("way", Some("Inbound")) => "way to subnet",
        ("way", _) => "way from subnet",
        _ => kind,
    };
    writeln!(out, "{kind} {name}{way}: {verdict}")?;
    for (title, list) in [("only A lets through", &part.only_a), ("only B lets through", &part.only_b)] {
        list.iter().try_for_each(|difference| write_difference(out, title, difference))?;
    }
    for difference in &part.conditional {
        let title = if difference.passes == Some("a") {
            "only A would let through"
        } else {
            "only B would let through"
        };
        write_difference(out, title, difference)?;
        writeln!(out, "      if {}", joined(&difference.hangs_on, " and "))?;
    }
    for difference in &part.differences {
        let prefixes = side_in_words(&difference.prefixes, difference.tag.as_ref());
        writeln!(out, "  {prefixes} ({})", addresses(&difference.addresses.to_string()))?;
        let by = |route: &Option<String>| {
            route.as_ref().map_or("the system's route".to_owned(), |r| format!("route {r}"))
        };
        writeln!(out, "      A: {} by {}", difference.hop_a, by(&difference.route_a))?;
        writeln!(out, "      B: {} by {}", difference.hop_b, by(&difference.route_b))?;
        writeln!(out, "      {}", difference.test)?;
    }
    for difference in &part.ways {
        let count = addresses(&difference.region.addresses.to_string());
        writeln!(out, "  another way: {} ({count})", region_in_words(&difference.region))?;
        writeln!(out, "      A: {}", difference.way_a)?;
        writeln!(out, "      B: {}", difference.way_b)?;
    }
    let alone = part.name_a.is_none() || part.name_b.is_none();
    if part.conditional.is_empty() || alone {
        part.hangs_on.iter().try_for_each(|text| writeln!(out, "  {text}"))?;
    }
    writeln!(out)
}

fn write_difference(out: &mut dyn Write, title: &str, difference: &Difference) -> io::Result<()> {
    let count = addresses(&difference.region.addresses.to_string());
    let host = difference.host.as_ref().map_or_else(String::new, |host| format!(", for {host}"));
    let to = difference.translated.as_ref().map_or_else(String::new, |to| format!(", sent to {to}"));
    writeln!(out, "  {title}: {}{host}{to} ({count})", region_in_words(&difference.region))?;
    let rule = |name: &Option<Decider>, place: &Option<crate::read::live::Place>| {
        let name = name.as_ref().unwrap_or(&Decider::Default("no rule"));
        place
            .as_ref()
            .map_or_else(|| name.to_string(), |place| format!("{name} ({}:{})", place.file, place.line))
    };
    writeln!(out, "      A: {}", rule(&difference.rule_a, &difference.place_a))?;
    writeln!(out, "      B: {}", rule(&difference.rule_b, &difference.place_b))?;
    writeln!(out, "      {}", difference.test)
}

/// How many addresses, in words.
pub(in crate::cli) fn addresses(number: &str) -> String {
    if number == "1" { "1 address".to_owned() } else { format!("{} addresses", grouped(number)) }
}

/// A number with its thousands apart.
pub(in crate::cli) fn grouped(number: &str) -> String {
    let mut text = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && (number.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
