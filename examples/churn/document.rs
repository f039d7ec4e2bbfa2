//! `docs/churn.md`: the replays as tables.

use std::fmt::Write;

use super::replay::Week;

const HEAD: &str = "\
# How much changes from week to week

Remade by `cargo run --release --example churn > docs/churn.md`, with `TAGWALL_SHARED` naming the folder that holds
`data/service-tags/ServiceTags_Public_*.json.xz`. A test holds this file against the replay.

One environment, `aml-compute` and `aml-training-internet` in West Europe, North Europe and East US, is generated for
each snapshot in turn upon the generation of the one before. Snapshots are not always a week apart.

- *Tags*: prefixes that were added to or removed from the minimal lists of the tags that are used, each tag once.
- *In lists*: the same, once for each list that has to hold them: a list is written for each need of the security group,
  and one for each tag of the firewall.
- *Entries*: list items, rules, routes and groups of the ARM templates that were added or removed. One whose priority,
  place or description changed counts twice, as removed and added.
- *Ratio*: entries to prefixes in lists. 1 is the least that can be; 1.2 is what is asked for where no list is in pieces.
- *All*: entries of the new templates.
";

/// The whole document.
pub(crate) fn document(replays: &[(&str, Vec<Week>)]) -> String {
    let mut out = HEAD.to_owned();
    for (title, weeks) in replays {
        write!(out, "\n## {title}\n\n{}\n", remark(title)).expect("writing to a string does not fail");
        out.push_str(&table(weeks));
    }
    out
}

/// What is to be known of a way of writing tags.
fn remark(title: &str) -> &'static str {
    if title.contains("at most 100") {
        "A fiftieth of what Azure takes, to show what pieces cost. Where a piece outgrows its group, entries move to groups \
         of other names. Such weeks stand out, since each entry that moves counts twice; no week is a new plan of \
         everything.\n"
    } else if title.contains("widened") {
        "Security group and route table alone, under limits that exact lists do not fit: lists are widened by the fewest \
         addresses, or as the week before while that costs less than a quarter more. Where a limit is full, a new prefix \
         makes others join: one added, two removed for one. A wide prefix takes in many changes, so that a tight limit moves \
         less.\n"
    } else if title.contains("by name") {
        "Azure keeps tags current: no list has to hold what changes.\n"
    } else {
        "At Azure's own limits: every list fits one IP group.\n"
    }
}

fn table(weeks: &[Week]) -> String {
    let mut out =
        "| Snapshot | Tags | In lists | Entries | Ratio | All |\n|---|--:|--:|--:|--:|--:|\n".to_owned();
    let (mut lists, mut entries, mut worst) = (0, 0, 0.0_f64);
    for week in weeks {
        let line = match &week.outcome {
            Ok(c) => {
                (lists, entries) = (lists + c.lists, entries + c.entries);
                if c.lists > 0 {
                    worst = worst.max(c.entries as f64 / c.lists as f64);
                }
                let ratio = ratio(c.entries, c.lists);
                format!(
                    "| {} | {} | {} | {} | {ratio} | {} |\n",
                    week.name, c.tags, c.lists, c.entries, c.all
                )
            }
            Err(reason) => {
                let short = reason.split(';').next().unwrap_or(reason);
                format!("| {} | {} | | | | |\n", week.name, short.trim_start_matches("error: "))
            }
        };
        out.push_str(&line);
    }
    let worst = if worst > 0.0 { format!(", at most {worst:.2}") } else { String::new() };
    out + &format!("| all | | {lists} | {entries} | {}{worst} | |\n", ratio(entries, lists))
}

fn ratio(entries: usize, lists: usize) -> String {
    if lists == 0 { "–".to_owned() } else { format!("{:.2}", entries as f64 / lists as f64) }
}
