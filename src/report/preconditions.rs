//! What must hold before the workloads can work: what does not, what nobody but people can say, what is checked.

use super::Made;
use super::document::{Block, Column, Item, Line, Table};
use super::section::{HELD, Section};
use crate::policy::{Held, HeldWhy, Precondition};

/// Those that do not hold, by what the policy says.
pub(super) fn unmet<'a>(made: &Made<'a>) -> impl Iterator<Item = (&'a Precondition, &'a HeldWhy)> {
    made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::No(why) => Some((must, why)),
        _ => None,
    })
}

/// Those of which the policy does not say whether they hold.
pub(super) fn unsaid<'a>(made: &Made<'a>) -> impl Iterator<Item = (&'a Precondition, Option<&'a HeldWhy>)> {
    made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::Unsaid(hint) => Some((must, hint.as_ref())),
        _ => None,
    })
}

/// What people have to see to, in steps.
pub(super) fn steps(made: &Made<'_>) -> Vec<Item> {
    let of = |must: &Precondition| Line::of(&must.text).text(format_args!(" ({}", must.workload));
    let unmet = unmet(made)
        .map(|(must, why)| of(must).text("): ").strong("not so").text(", ").prose(&why.to_string()))
        .collect();
    let unsaid = unsaid(made)
        .map(|(must, hint)| match hint {
            Some(hint) => of(must).text("; ").prose(&hint.to_string()).text(")"),
            None => of(must).text(")"),
        })
        .collect();
    let steps: [(&str, Vec<Line>); 2] = [
        ("This must hold, and by what the policy says it does not:", unmet),
        ("Make sure that this holds; no rule helps otherwise:", unsaid),
    ];
    let some = steps.into_iter().filter(|(_, items)| !items.is_empty());
    some.map(|(head, items)| Item::with(head.into(), items)).collect()
}

/// The section of those that hold.
pub(super) fn checked(made: &Made<'_>) -> Option<Section> {
    let held = made.policy.remarks.preconditions.iter().filter_map(|must| match &must.held {
        Held::Yes(why) => {
            Some([Line::from(&must.workload), Line::of(&must.text), Line::of(&why.to_string())])
        }
        _ => None,
    });
    let columns = [Column::words("Workload"), Column::words("What must hold"), Column::words("Why it does")];
    let table = Table::new(columns).with(held);
    (!table.is_empty()).then(|| {
        let first = Block::paragraph("By what the policy says of the network.");
        Section::new(HELD, [first, Block::Table(table)])
    })
}
