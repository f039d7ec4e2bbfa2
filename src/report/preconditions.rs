//! What must hold before the workloads can work: what does not, what nobody but people can say, what is checked.

use std::fmt::Write;

use super::Made;
use super::cells::cell;
use crate::policy::{Held, Precondition};

/// Those that do not hold, by what the policy says.
pub(super) fn unmet<'a>(made: &Made<'a>) -> impl Iterator<Item = (&'a Precondition, &'a str)> {
    made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::No(why) => Some((must, why.as_str())),
        _ => None,
    })
}

/// Those of which the policy does not say whether they hold.
pub(super) fn unsaid<'a>(made: &Made<'a>) -> impl Iterator<Item = (&'a Precondition, Option<&'a str>)> {
    made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::Unsaid(hint) => Some((must, hint.as_deref())),
        _ => None,
    })
}

/// What people have to see to, in steps with their heads.
pub(super) fn steps(made: &Made<'_>) -> Vec<(&'static str, Vec<String>)> {
    let unmet: Vec<String> = unmet(made)
        .map(|(must, why)| format!("{} ({}): **not so**, {why}", must.text, must.workload))
        .collect();
    let unsaid: Vec<String> = unsaid(made)
        .map(|(must, hint)| {
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{} ({}{hint})", must.text, must.workload)
        })
        .collect();
    let steps = [
        ("This must hold, and by what the policy says it does not:", unmet),
        ("Make sure that this holds; no rule helps otherwise:", unsaid),
    ];
    steps.into_iter().filter(|(_, items)| !items.is_empty()).collect()
}

/// The section of those that hold.
pub(super) fn checked(made: &Made<'_>, out: &mut String) {
    let held = made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::Yes(why) => Some((must, why)),
        _ => None,
    });
    let lines: Vec<String> = held
        .map(|(must, why)| format!("| {} | {} | {} |\n", must.workload, cell(&must.text), cell(why)))
        .collect();
    if lines.is_empty() {
        return;
    }
    out.push_str("## Preconditions that hold\n\nBy what the policy says of the network.\n\n");
    out.push_str("| Workload | What must hold | Why it does |\n|---|---|---|\n");
    lines.iter().for_each(|line| out.push_str(line));
    writeln!(out).expect("writing to a string does not fail");
}
