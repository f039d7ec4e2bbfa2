//! Weekly snapshots in a row: what changes in the files is what changed in the lists, and never everything.

#[path = "../examples/churn/policies.rs"]
mod policies;
#[path = "../examples/churn/replay.rs"]
mod replay;
mod support;

use tagwall::tags::Snapshot;

/// The weeks that the replay takes in, so that the test stays short: those that lie near each other, and steps over
/// months.
#[test]
fn entries_change_no_more_than_their_lists() {
    let Some(shared) = support::shared("churn") else { return };
    let files = support::real_files(&shared);
    let snapshots: Vec<(String, Snapshot)> = files
        .iter()
        .filter(|path| path.to_string_lossy().contains("_Public_20"))
        .map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, Snapshot::parse(&support::unpack(path)).expect("the snapshot is whole"))
        })
        .collect();
    for (title, policy) in policies::all() {
        let weeks = replay::replay(&policy, snapshots.iter().map(|(name, s)| (name.as_str(), s)));
        let counted: Vec<_> =
            weeks.iter().filter_map(|w| Some((&w.name, w.outcome.as_ref().ok()?))).collect();
        assert!(counted.len() >= 4, "{title}: too few weeks resolve");
        for (name, change) in counted {
            assert!(change.tags == 0 || change.all > 0, "{title}, {name}: {change:?}");
            // Groups a fiftieth of Azure's size overflow every other week, and half a group moves at each split.
            let split_often = title.contains("at most 100");
            let most = if split_often { change.all / 2 } else { change.lists * 12 / 10 };
            assert!(change.entries <= most, "{title}, {name}: {change:?}");
        }
    }
}
