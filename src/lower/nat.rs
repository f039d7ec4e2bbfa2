//! DNAT collections of an earlier generation: nobody asks for them here, so they stay as they are.

use std::fmt;

use crate::plan::{NatCollection, PlanParts, Previous, RuleCollectionGroup};

/// Puts the earlier DNAT collections back into their groups, and notes those that cannot be.
pub(super) fn keep(groups: &mut [RuleCollectionGroup], previous: &Previous, plan: &mut PlanParts) {
    for nat in &previous.nat {
        let what =
            fmt::from_fn(|f| write!(f, "NAT collection {} of rule collection group {}", nat.name, nat.group));
        let Some(group) = groups.iter_mut().find(|group| group.name == nat.group) else {
            plan.notes.push(format!(
                "{what} is in no file: nothing else is needed in its group; deploying deletes nothing, so that it stays \
                 in force until the group is deleted"
            ));
            continue;
        };
        match conflict(group, nat) {
            None => group.nat.push(nat.clone()),
            Some(taken) => plan.notes.push(format!(
                "{what} is not carried on, since {taken} is taken in the group; deploying replaces the group and \
                 DELETES the collection: give it another one first"
            )),
        }
    }
    plan.notes.extend(previous.nat_lost.iter().cloned());
}

/// How many bytes the DNAT collections add to the group that has most of them.
pub(super) fn most_bytes(previous: &Previous) -> usize {
    let of = |group: &str| -> usize {
        previous.nat.iter().filter(|nat| nat.group == group).map(|nat| nat.json.len() + 1).sum()
    };
    previous.nat.iter().map(|nat| of(&nat.group)).max().unwrap_or(0)
}

/// What both a group and a collection would have.
#[derive(Debug, thiserror::Error)]
enum Taken<'g> {
    #[error("priority {0}")]
    Priority(u32),
    #[error("the name {0}")]
    Name(&'g str),
}

/// What both the group and the collection would have.
fn conflict<'g>(group: &'g RuleCollectionGroup, nat: &NatCollection) -> Option<Taken<'g>> {
    let own = group.collections.iter().map(|c| (&c.name, c.priority));
    let kept = group.nat.iter().map(|c| (&c.name, c.priority));
    own.chain(kept).find_map(|(name, priority)| {
        if priority == nat.priority {
            Some(Taken::Priority(priority))
        } else {
            name.eq_ignore_ascii_case(&nat.name).then_some(Taken::Name(name))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_for_the_group_that_has_most() {
        let nat = |group: &str, bytes: usize| NatCollection {
            group: group.to_owned(),
            name: format!("nat-{bytes}"),
            priority: 100,
            json: "x".repeat(bytes),
        };
        let most = |nat: Vec<NatCollection>| most_bytes(&Previous { nat, ..Previous::default() });
        assert_eq!(most(Vec::new()), 0);
        // Each with its comma.
        assert_eq!(most(vec![nat("a", 10), nat("a", 20)]), 32);
        assert_eq!(most(vec![nat("a", 10), nat("b", 25), nat("a", 20), nat("c", 30)]), 32);
    }
}
