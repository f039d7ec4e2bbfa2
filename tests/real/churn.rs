//! Weekly snapshots in a row: what changes in the files is what changed in the lists, and never everything.

#[path = "../../examples/churn/document.rs"]
mod document;
#[path = "../../examples/churn/policies.rs"]
mod policies;
#[path = "../../examples/churn/replay.rs"]
mod replay;

use crate::support;
use std::path::Path;

use tagwall::tags::Snapshot;

/// At Azure's own figures every list fits one IP group, and a change costs no more than a fifth beyond what it is. Lists
/// cut into pieces move more, which is shown and not judged. Where lists are widened and a limit is full, a new prefix
/// makes others join: one added, two removed for one. So this is judged in sum, and by the weeks in which nothing may
/// change. `docs/churn.md` is what the replay gives.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn entries_change_no_more_than_their_lists() {
    let Some(shared) = support::shared("churn") else { return };
    let snapshots: Vec<(String, Snapshot)> = support::real_files(&shared)
        .iter()
        .filter_map(|path| {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            let date = name.strip_prefix("ServiceTags_Public_")?.strip_suffix(".json.xz")?.to_owned();
            Some((date, Snapshot::parse(&support::unpack(path)).expect("the snapshot is whole")))
        })
        .collect();
    let replays = policies::all().map(|(title, policy)| {
        let weeks = replay::replay(&policy, snapshots.iter().map(|(name, s)| (name.as_str(), s)));
        let widened = policy.contains("max-extra");
        let exact = !widened && !policy.contains("ip-group-entries");
        let counted: Vec<_> =
            weeks.iter().filter_map(|w| Some((&w.name, w.outcome.as_ref().ok()?))).collect();
        assert!(counted.len() >= if widened { 18 } else { 4 }, "{title}: too few weeks resolve");
        for (name, change) in &counted {
            assert!(!exact || change.entries * 10 <= change.lists * 12, "{title}, {name}: {change:?}");
            assert!(change.lists > 0 || change.entries == 0, "{title}, {name}: {change:?}");
            assert!(change.lists == 0 || change.tags <= change.lists, "{title}, {name}: {change:?}");
            assert!(change.entries <= change.all, "{title}, {name}: {change:?}");
        }
        let sum =
            |of: fn(&replay::Change) -> usize| counted.iter().map(|(_, change)| of(change)).sum::<usize>();
        let (lists, entries) = (sum(|c| c.lists), sum(|c| c.entries));
        assert!(!widened || entries * 10 <= lists * 13, "{title}: {entries} entries for {lists}");
        (title, weeks)
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/churn.md");
    support::golden(&path, document::document(&replays).as_bytes());
}
