//! What is to be done next, step by step.

use super::document::{Block, Item, Line};
use super::section::{EXTRA, GAPS, STEPS, Section};
use super::{Made, compute, deploy, preconditions, service_endpoints, storage};
use crate::plan::How;

/// The section: what people have to see to first, then what is deployed.
pub(super) fn section(made: &Made<'_>) -> Section {
    let mut steps = preconditions::steps(made);
    steps.extend(remarks(made));
    if made.plan.gaps.iter().any(|gap| gap.covered_by.is_empty()) {
        let line = Line::of("Decide about what could not be expressed (section ");
        steps.push(line.reference(GAPS).text(").").into());
    }
    if !made.plan.extras.is_empty() {
        let line = Line::of("Read what is admitted beyond what was asked for, and by whose limit (section ");
        steps.push(line.reference(EXTRA).text("); accept it or narrow the needs.").into());
    }
    let deployed = deploy::state(made).into_iter().chain(deploy::steps(made));
    let endpoints = service_endpoints::steps(made).into_iter();
    let others = endpoints.chain(storage::steps(made)).chain(compute::steps(made));
    steps.extend(deployed.chain(others).chain(dns_proxy(made)).map(Item::from));
    let body = match steps.is_empty() {
        true => Block::paragraph(
            "Hand the files to the firewalls and programs that read them; nothing is deployed to Azure.",
        ),
        false => Block::Numbers(steps),
    };
    Section::new(STEPS, [body])
}

/// What the workloads ask of people, under a head each.
fn remarks(made: &Made<'_>) -> Vec<Item> {
    let remarks = &made.policy.remarks;
    let required = remarks.skipped.iter().filter(|row| row.required);
    let missing = required.map(|row| {
        Line::from(format_args!("{} of {}: ", row.row, row.workload)).prose(&row.reason.to_string())
    });
    let outside = made.policy.outside();
    let dated = remarks.dated.iter().map(|fact| Line::of(&fact.sentence(made.policy.as_of)));
    let heads: [(&str, Vec<Line>); 4] = [
        ("These rows are required, but make no rule yet:", missing.collect()),
        (
            "These tags are in no published file: Azure has to know them, and nothing is proven of what they stand for:",
            outside.iter().map(|tag| Line::new().code(tag.name().as_str())).collect(),
        ),
        ("This was asked for, and has ended:", remarks.retired.iter().map(|text| Line::of(text)).collect()),
        ("Mind what begins or ends about this time:", dated.collect()),
    ];
    let some = heads.into_iter().filter(|(_, items)| !items.is_empty());
    some.map(|(head, items)| Item::with(head.into(), items)).collect()
}

/// Network rules that name hosts need the firewall to see how names are resolved.
fn dns_proxy(made: &Made<'_>) -> Option<Line> {
    made.plan.choices.iter().any(|choice| choice.how == How::NetworkFqdn).then(|| {
        let of = if made.plan.classic_firewall.is_some() { "firewall" } else { "firewall policy" };
        Line::from(format_args!(
            "Turn the DNS proxy of the {of} on and let the network resolve through it: network rules name hosts."
        ))
    })
}
