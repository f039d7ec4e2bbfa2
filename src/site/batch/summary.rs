//! The summary of a batch for whoever reviews it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::entry::{Entry, Status};
use super::index::Index;
use crate::text::visible;

/// So many rows of a table are shown; the rest is counted.
const MOST_ROWS: usize = 20;
/// So many names stand in a cell.
const MOST_NAMES: usize = 5;

impl Index {
    /// The summary, as Markdown: failures first, then what changed because of what, then what will soon need room.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let counts = &self.counts;
        let _ = writeln!(text, "# {} environments: {}\n", counts.environments, self.headline());
        for (cloud, data) in &self.data {
            let short = data.sha256.get(..12).unwrap_or_default();
            let before = match &data.before {
                Some(before) if before.sha256 != data.sha256 => {
                    format!(
                        ", before {} ({})",
                        before.change_number,
                        before.sha256.get(..12).unwrap_or_default()
                    )
                }
                Some(_) => ", as before".to_owned(),
                None => String::new(),
            };
            let _ = writeln!(
                text,
                "- service tags of the cloud {cloud}: number {} ({short}){before}",
                data.change_number
            );
        }
        self.failures(&mut text);
        self.reasons(&mut text);
        self.files(&mut text);
        self.headroom(&mut text);
        self.rest(&mut text);
        text
    }

    /// How many ended how, in words.
    pub fn headline(&self) -> String {
        let c = &self.counts;
        let words = [
            (c.failed, "failed"),
            (c.changed, "changed"),
            (c.new, "new"),
            (c.refreshed, "with the same rules from newer inputs"),
            (c.unchanged, "unchanged"),
        ];
        let words: Vec<String> =
            words.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
    }

    fn failures(&self, text: &mut String) {
        let mut groups: BTreeMap<(u8, String), Vec<&Entry>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Failed) {
            let first = entry.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
            groups.entry((entry.exit_code, general(first, entry))).or_default().push(entry);
        }
        if groups.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n## Failed: what was published before is still there\n");
        let _ = writeln!(text, "| code | why | environments |\n|---|---|---|");
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
        let rows = groups.iter().map(|((code, why), entries)| {
            let places = entries.iter().map(|e| format!("{} ({})", e.name, e.from));
            format!("| {code} | {} | {} |", cell(why), cell(&listed(places)))
        });
        table(text, rows);
    }

    /// Which tags and other causes changed what.
    fn reasons(&self, text: &mut String) {
        let mut causes: BTreeMap<(&str, &str), Vec<&Entry>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Changed) {
            let cloud = entry.made.as_ref().map_or("", |made| made.cloud.as_str());
            if entry.because.is_empty() {
                causes.entry((cloud, "no cause that is known")).or_default().push(entry);
            }
            for cause in &entry.because {
                causes.entry((cloud, cause)).or_default().push(entry);
            }
        }
        if causes.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n## Changed, because of\n");
        let _ = writeln!(text, "| cause | prefixes | environments |\n|---|---|---|");
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
        let rows = causes.iter().map(|((cloud, cause), entries)| {
            let mark = self.data.get(*cloud).and_then(|data| data.tags.get(*cause));
            let prefixes = match mark {
                Some(mark) => match mark.prefixes_before {
                    Some(before) => format!("{before} → {}", mark.prefixes),
                    None => mark.prefixes.to_string(),
                },
                None => String::new(),
            };
            format!("| {} | {prefixes} | {} |", cell(cause), cell(&names(entries)))
        });
        table(text, rows);
    }

    /// Which files are to be deployed.
    fn files(&self, text: &mut String) {
        let mut files: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Changed) {
            entry.changed.iter().for_each(|file| files.entry(file).or_default().push(entry));
        }
        if files.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n## Files to deploy\n\n| file | environments |\n|---|---|");
        table(
            text,
            files.iter().map(|(file, entries)| format!("| {} | {} |", cell(file), cell(&names(entries)))),
        );
    }

    fn headroom(&self, text: &mut String) {
        let made = self
            .environments
            .iter()
            .filter_map(|entry| Some((entry, entry.made.as_ref()?.headroom.as_ref()?)));
        let mut near: Vec<_> = made.collect();
        near.sort_by_key(|(entry, room)| (room.percent, entry.name.as_str()));
        near.truncate(10);
        if near.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "\n## Least room left\n\n| environment | limit | used | left |\n|---|---|---|---|"
        );
        for (entry, room) in near {
            let of = cell(&room.of);
            let _ = writeln!(
                text,
                "| {} | {} of {of} | {} of {} | {} % |",
                cell(&entry.name),
                cell(&room.limit),
                room.have,
                room.most,
                room.percent
            );
        }
    }

    fn rest(&self, text: &mut String) {
        let wide: Vec<&Entry> =
            self.environments.iter().filter(|e| e.made.as_ref().is_some_and(|made| !made.exact)).collect();
        let gaps: Vec<&Entry> =
            self.environments.iter().filter(|e| e.made.as_ref().is_some_and(|made| made.gaps > 0)).collect();
        let said: usize = self.environments.iter().map(|e| e.notes.len()).sum();
        let mut lines = Vec::new();
        if !wide.is_empty() {
            lines.push(format!("- admit addresses that were not asked for: {}", names(&wide)));
        }
        if !gaps.is_empty() {
            lines.push(format!("- have needs that some target cannot say: {}", names(&gaps)));
        }
        if !self.gone.is_empty() {
            let gone = listed(self.gone.iter().cloned());
            lines.push(format!("- no policy has these any more, and their folders are left: {gone}"));
        }
        if said > 0 {
            lines.push(format!("- {said} notes of single environments are in index.json"));
        }
        if !lines.is_empty() {
            let _ = writeln!(text, "\n## To know\n\n{}", lines.join("\n"));
        }
    }
}

/// A message without what only one environment has in it, so that the same fault of many is one row.
fn general(message: &str, entry: &Entry) -> String {
    let message = message.trim_start_matches("error: ");
    // "row 17, column `region`: …"
    let rest = message
        .strip_prefix("row ")
        .map_or(message, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.trim_start_matches([',', ' ', ':']).replace(&entry.name, "NAME")
}

fn names(entries: &[&Entry]) -> String {
    listed(entries.iter().map(|entry| entry.name.clone()))
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let count = names.len();
    let shown: Vec<String> = names.take(MOST_NAMES).collect();
    let more = count - shown.len();
    match more {
        0 => format!("{count}: {}", shown.join(", ")),
        more => format!("{count}: {} and {more} more", shown.join(", ")),
    }
}

fn table(text: &mut String, rows: impl ExactSizeIterator<Item = String>) {
    let more = rows.len().saturating_sub(MOST_ROWS);
    for row in rows.take(MOST_ROWS) {
        let _ = writeln!(text, "{row}");
    }
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more rows: see index.json");
    }
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    visible(text).replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}
