//! Weekly snapshots in a row: what changes in the files is what changed in the lists, and never everything.

#[path = "../examples/churn/policies.rs"]
mod policies;
#[path = "../examples/churn/replay.rs"]
mod replay;
mod support;

use std::path::Path;

use tagwall::tags::Snapshot;

fn snapshots(shared: &Path) -> Vec<(String, Snapshot)> {
    let files = support::real_files(shared);
    let public = files.iter().filter(|path| path.to_string_lossy().contains("_Public_20"));
    public
        .map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, Snapshot::parse(&support::unpack(path)).expect("the snapshot is whole"))
        })
        .collect()
}

/// Where a limit is full, a new prefix makes others join: one added, two removed for one. So this is judged in sum, and
/// by the weeks in which nothing may change.
#[test]
fn widened_lists_stay_put() {
    let Some(shared) = support::shared("churn") else { return };
    let snapshots = snapshots(&shared);
    let widened: Vec<_> =
        policies::all().into_iter().filter(|(_, policy)| policy.contains("max-extra")).collect();
    assert_eq!(widened.len(), 2);
    for (title, policy) in widened {
        let weeks = replay::replay(&policy, snapshots.iter().map(|(name, s)| (name.as_str(), s)));
        let counted: Vec<_> = weeks.iter().filter_map(|w| w.outcome.as_ref().ok()).collect();
        assert!(counted.len() >= 18, "{title}: too few weeks resolve");
        assert!(counted.iter().filter(|c| c.lists == 0).count() >= 2, "{title}");
        assert!(counted.iter().all(|c| c.lists > 0 || c.entries == 0), "{title}");
        let (lists, entries) = counted.iter().fold((0, 0), |(l, e), c| (l + c.lists, e + c.entries));
        assert!(entries * 10 <= lists * 13, "{title}: {entries} entries for {lists}");
    }
}

/// At Azure's own figures every list fits one IP group. Lists cut into pieces move more, which the example shows and
/// this test does not judge.
#[test]
fn entries_change_no_more_than_their_lists() {
    let Some(shared) = support::shared("churn") else { return };
    let snapshots = snapshots(&shared);
    let exact = |policy: &str| !policy.contains("ip-group-entries") && !policy.contains("max-extra");
    let judged = policies::all().into_iter().filter(|(_, policy)| exact(policy));
    for (title, policy) in judged {
        let weeks = replay::replay(&policy, snapshots.iter().map(|(name, s)| (name.as_str(), s)));
        let counted: Vec<_> =
            weeks.iter().filter_map(|w| Some((&w.name, w.outcome.as_ref().ok()?))).collect();
        assert!(counted.len() >= 4, "{title}: too few weeks resolve");
        for (name, change) in counted {
            assert!(change.entries * 10 <= change.lists * 12, "{title}, {name}: {change:?}");
            assert!(change.lists == 0 || change.tags <= change.lists, "{title}, {name}: {change:?}");
            assert!(change.entries <= change.all, "{title}, {name}: {change:?}");
        }
    }
}
