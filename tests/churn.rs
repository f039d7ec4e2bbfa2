//! Weekly snapshots in a row: what changes in the files is what changed in the lists, and never everything.

#[path = "../examples/churn/policies.rs"]
mod policies;
#[path = "../examples/churn/replay.rs"]
mod replay;
mod support;

use tagwall::tags::Snapshot;

/// At Azure's own figures every list fits one IP group. Lists cut into pieces move more, which the example shows and
/// this test does not judge.
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
    let judged = policies::all().into_iter().filter(|(_, policy)| !policy.contains("ip-group-entries"));
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
