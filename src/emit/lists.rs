//! Plain lists of prefixes, one file for each remote and family.

use super::{Artefact, Format, Options};
use crate::addr::{IpPrefix, value_in_remark};
use crate::plan::{AddressList, PlanParts};
use crate::target::EdlDialect;

/// `lists/NAME.ipv4.txt` and `lists/NAME.ipv6.txt`: one prefix on a line, nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Lists;

impl Format for Lists {
    fn name(&self) -> &'static str {
        "lists"
    }

    fn render(&self, plan: &PlanParts, _: &Options) -> Vec<Artefact> {
        files(plan, "lists", AddressList::families, |_, prefixes| lines(prefixes, ""))
    }
}

/// `edl/NAME.ipv4.txt` and `edl/NAME.ipv6.txt`, for firewalls that fetch lists; see [`EdlDialect`].
#[derive(Debug, Clone, Copy)]
pub struct Edl;

impl Format for Edl {
    fn name(&self) -> &'static str {
        "edl"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        files(plan, "edl", AddressList::fetched_families, |list, prefixes| match options.edl {
            EdlDialect::Common => lines(prefixes, ""),
            EdlDialect::Panos => lines(prefixes, &format!(" {}", remark(behind_entry(&list.title)))),
            EdlDialect::Fortigate | EdlDialect::Checkpoint => {
                format!("# {}\n{}", remark(&list.title), lines(prefixes, ""))
            }
        })
    }
}

fn files<'a, F: Iterator<Item = (&'static str, &'a [IpPrefix])>>(
    plan: &'a PlanParts,
    folder: &str,
    families: impl Fn(&'a AddressList) -> F,
    text: impl Fn(&AddressList, &[IpPrefix]) -> String,
) -> Vec<Artefact> {
    let mut files = Vec::new();
    for list in &plan.lists {
        for (family, prefixes) in families(list) {
            files.push(Artefact::new(format!("{folder}/{}.{family}.txt", list.name), text(list, prefixes)));
        }
    }
    files
}

fn lines(prefixes: &[IpPrefix], ending: &str) -> String {
    prefixes.iter().fold(String::with_capacity(prefixes.len() * 20), |mut out, prefix| {
        out.push_str(&prefix.to_string());
        out.push_str(ending);
        out.push('\n');
        out
    })
}

/// What stands behind an entry: never addresses, which readers of lists could take for further entries.
fn behind_entry(title: &str) -> &str {
    if value_in_remark(title).is_some() { "addresses of the policy" } else { title }
}

/// A remark in plain ASCII on one line; the consumers state no encoding.
fn remark(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
