//! Names and descriptions of rules: from what a rule is, legal in Azure.
//!
//! Source of the rules: resource-name-rules.md, 2020-02-11; network-security-groups-overview.md, 2025-07-15.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::is_kept_by_service;
use crate::packet::{Ports, Protocol};
use crate::plan::LimitKey;
use crate::policy::{Cause, Flow};
use crate::text::{joined, sha256_hex};

/// A legal name made of `parts`: what is not a letter, digit, `_`, `.` or `-` becomes `-`. A name that is too long
/// keeps its beginning and ends in a digest of the whole.
pub(super) fn name(parts: &[&str]) -> String {
    let whole = parts.iter().filter(|p| !p.is_empty()).copied().collect::<Vec<_>>().join("-");
    let mut legal = String::with_capacity(whole.len());
    for c in whole.chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
        if !(c == '-' && legal.ends_with('-')) {
            legal.push(c);
        }
    }
    cut(legal.trim_matches(['-', '.']), &whole, LimitKey::NameCharacters.current()).into_owned()
}

/// A legal name with at most `max` characters, so that more can follow.
pub(super) fn within(name: &str, max: usize) -> Cow<'_, str> {
    cut(name, name, max)
}

/// `name`, which is ASCII, with at most `max` characters; where it is cut it ends in a digest of `whole`.
fn cut<'n>(name: &'n str, whole: &str, max: usize) -> Cow<'n, str> {
    if name.len() <= max {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("{}-{}", &name[..max - 9], &sha256_hex(whole.as_bytes())[..8]))
}

/// A part of a name for ports: `443-8787`, empty for all, a digest where there are many.
pub(super) fn ports_part(ports: &Ports) -> String {
    if ports.is_all() {
        return String::new();
    }
    let text = ports.ranges().join("_");
    if text.len() <= 24 { text } else { format!("ports{}", &sha256_hex(text.as_bytes())[..6]) }
}

/// A part of a name for a protocol.
pub(super) fn protocol_part(protocol: Protocol) -> &'static str {
    protocol.name()
}

/// A part of a name for the remote side of a flow. A list of addresses is named by its group, which outlives
/// changes of the list, or else, as a range is, by its first prefix and a digest of all.
pub(super) fn remote_part(flow: &Flow) -> Cow<'_, str> {
    use crate::policy::Remote;
    let base = match &flow.remote {
        Remote::Tag(tag) | Remote::Outside(tag) => Cow::Borrowed(tag.name().as_str()),
        Remote::Symbol(symbol) => Cow::Borrowed(symbol.name()),
        Remote::Addresses(set) => match (&flow.group, set.prefixes().next()) {
            (Some(group), _) => Cow::Owned(format!("group-{group}")),
            (None, Some(first)) if *set != AddrSet::from(first) => {
                Cow::Owned(format!("{first}-{}", digest(set)))
            }
            (None, first) => Cow::Owned(first.map(|only| only.to_string()).unwrap_or_default()),
        },
        Remote::Fqdn(host) => Cow::Owned(host.as_str().replacen("*.", "any.", 1)),
        Remote::FqdnTag(name) => Cow::Borrowed(name.as_str()),
        Remote::Url(url) => Cow::Owned(url.replace('*', "any")),
        Remote::Any => Cow::Borrowed("any"),
    };
    if flow.except.is_empty() {
        return base;
    }
    Cow::Owned(format!("{base}-except-{}", digest(&flow.except)))
}

/// What tells one list of addresses from another in a name.
fn digest(set: &AddrSet) -> String {
    let mut digest = sha256_hex(joined(set.prefixes().collect::<Vec<_>>(), ",").to_string().as_bytes());
    digest.truncate(6);
    digest
}

/// A part of a name for a subnet, whose own may be as long as that of a rule.
pub(super) fn subnet_part(subnet: &str) -> Cow<'_, str> {
    const MOST: usize = 40;
    within(subnet, MOST)
}

/// Whether a rule of a security group is called as rules that are made here are.
pub(super) fn is_own_rule(name: &str) -> bool {
    const CLOSING: [&str; 4] = ["vnet-in", "vnet-out", "load-balancer-in", "deny-rest-"];
    !is_kept_by_service(name)
        && (name.contains("-in-")
            || name.contains("-out-")
            || CLOSING.iter().any(|start| name.starts_with(start)))
}

/// A part of a name for one chunk of a long list: its first prefix.
pub(super) fn chunk_part(first: IpPrefix) -> String {
    format!("from-{first}").replace(['/', ':'], "_")
}

/// What a rule is for, from its causes, as long as a description may be.
pub(super) fn description(causes: &[Cause], form: Option<&dyn Display>) -> String {
    let mut rows: Vec<&Cause> = causes.iter().collect();
    rows.dedup_by(|a, b| a.workload == b.workload && a.row.trim_end() == b.row.trim_end());
    let mut text = joined(rows.into_iter().map(named), ", ").to_string();
    if let Some(why) = causes.first().map(|cause| &cause.why).filter(|why| !why.is_empty()) {
        text.extend([": ", why]);
    }
    if let Some(form) = form {
        write!(text, " ({form})").expect("a text takes what is written");
    }
    shorten(&text)
}

/// The row of a workload that a cause is.
fn named(cause: &Cause) -> impl Display {
    let row = cause.row.trim_end();
    fmt::from_fn(move |f| match row {
        "" => f.write_str(cause.workload.trim_end()),
        row => write!(f, "{} {row}", cause.workload),
    })
}

/// `text` with as many characters as a description may have, the last one an ellipsis where it is cut. Control characters become
/// spaces.
pub(super) fn shorten(text: &str) -> String {
    let max = LimitKey::NsgDescriptionCharacters.current();
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= max {
        return clean.collect();
    }
    clean.take(max - 1).chain(['…']).collect()
}

/// Makes names unique ignoring case, in the order given: a repeated name gets a digest of `key`, which should be what
/// the item is for, not what it holds at present.
pub(super) fn unique<T>(items: &mut [T], name: impl Fn(&mut T) -> &mut String, key: impl Fn(&T) -> String) {
    let mut seen = std::collections::HashSet::new();
    for item in items {
        let digest = sha256_hex(key(item).as_bytes());
        let name = name(item);
        if !seen.insert(name.to_lowercase()) {
            let kept = name.len().min(LimitKey::NameCharacters.current() - 9);
            *name = format!("{}-{}", &name[..kept], &digest[..8]);
            seen.insert(name.to_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal() {
        assert_eq!(
            name(&["training", "out", "Storage.WestEurope", "", "tcp"]),
            "training-out-Storage.WestEurope-tcp"
        );
        assert_eq!(name(&["a/b", "192.0.2.0/24"]), "a-b-192.0.2.0-24");
        let long = name(&["x".repeat(100).as_str()]);
        assert_eq!(long.len(), 80);
        assert_ne!(long, name(&["x".repeat(101).as_str()]));
    }

    #[test]
    fn descriptions_are_cut_at_characters() {
        let text = shorten(&"é".repeat(200));
        assert_eq!(text.chars().count(), 140);
        assert!(text.ends_with('…'));
    }
}
