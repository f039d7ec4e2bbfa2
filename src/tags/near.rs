//! Names like one that is not known.

use std::sync::Arc;

use super::snapshot::{Snapshot, Tag};

impl Snapshot {
    /// The names nearest to `name`, best first, for a message about an unknown tag.
    ///
    /// Names are held against each other part by part, the service and the ending: a long common ending makes no other
    /// service near, and a name without an ending is near to names without one.
    ///
    /// ```
    /// use tagwall::tags::{Cloud, Snapshot, sample};
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// assert_eq!(snapshot.nearest("Storrage"), ["Storage"]);
    /// assert_eq!(snapshot.nearest("Storrage.WestEurop"), ["Storage.WestEurope"]);
    /// assert!(snapshot.nearest("GenevaActions").is_empty());
    /// # Ok::<(), tagwall::tags::SnapshotError>(())
    /// ```
    pub fn nearest(&self, name: &str) -> Vec<String> {
        let lower = name.to_lowercase();
        let (base, ending) = lower.split_once('.').map_or((lower.as_str(), None), |(b, e)| (b, Some(e)));
        let near = |tag: &Arc<Tag>| {
            let other = tag.name().as_str().to_lowercase();
            let (other_base, other_ending) =
                other.split_once('.').map_or((other.as_str(), None), |(b, e)| (b, Some(e)));
            let endings = match (ending, other_ending) {
                (None, None) => 1.0,
                (Some(a), Some(b)) => strsim::normalized_damerau_levenshtein(a, b),
                _ => return None,
            };
            let bases = likeness(base, other_base);
            (bases >= 0.75 && endings >= 0.6).then(|| (bases + endings, tag.name().to_string()))
        };
        let mut found: Vec<(f64, String)> = self.tags().iter().filter_map(near).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.into_iter().take(3).map(|(_, name)| name).collect()
    }
}

/// How much two names of services are alike, from 0 to 1. `Azure` before either is no likeness, and a long common
/// beginning is.
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (a.strip_prefix("azure").unwrap_or(a), b.strip_prefix("azure").unwrap_or(b));
    strsim::normalized_damerau_levenshtein(a, b).max(strsim::jaro_winkler(a, b) - 0.15)
}
