//! The summary of a batch for whoever reviews it.

use std::collections::BTreeMap;

use super::entry::{MadeEnvironment, Status};
use super::index::{Data, Index};
use crate::report::document::{self, Block, Column, Line, Table};

/// So many rows of a table are shown; the rest is counted.
const MOST_ROWS: usize = 20;
/// So many names stand in a cell.
const MOST_NAMES: usize = 5;

impl Index {
    /// The summary, as Markdown: failures first, then what changed because of what, then what will soon need room.
    pub fn summary(&self) -> String {
        let title = format!("{} environments: {}", self.counts.environments, self.headline());
        let mut blocks = vec![Block::Heading(1, title.into())];
        blocks.extend(Block::bullets(self.data.iter().map(|(cloud, data)| data_line(cloud, data))));
        let parts = [self.failures(), self.reasons(), self.files(), self.headroom(), self.rest()];
        blocks.extend(parts.into_iter().flatten());
        document::markdown(&blocks)
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

    fn failures(&self) -> Vec<Block> {
        let mut groups: BTreeMap<(u8, String), Vec<&MadeEnvironment>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Failed) {
            let first = entry.error.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
            groups.entry((entry.exit_code, general(first, entry))).or_default().push(entry);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
        let rows = groups.iter().map(|((code, why), entries)| {
            let places = entries.iter().map(|e| format!("{} ({})", e.name, e.from));
            [Line::from(code), Line::of(why), listed(places).into()]
        });
        let columns = ["code", "why", "environments"].map(Column::words);
        part("Failed: what was published before is still there", columns, rows)
    }

    /// Which tags and other causes changed what.
    fn reasons(&self) -> Vec<Block> {
        let mut causes: BTreeMap<(&str, &str), Vec<&MadeEnvironment>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Changed) {
            let cloud = entry.made.as_ref().map_or("", |made| made.cloud.as_str());
            if entry.because.is_empty() {
                causes.entry((cloud, "no cause that is known")).or_default().push(entry);
            }
            for cause in &entry.because {
                causes.entry((cloud, cause)).or_default().push(entry);
            }
        }
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
        let rows = causes.iter().map(|((cloud, cause), entries)| {
            let mark = self.data.get(*cloud).and_then(|data| data.tags.get(*cause));
            let prefixes = match mark {
                Some(mark) => match mark.prefixes_before {
                    Some(before) => Line::from(format_args!("{before} → {}", mark.prefixes)),
                    None => mark.prefixes.into(),
                },
                None => Line::new(),
            };
            [(*cause).into(), prefixes, names(entries).into()]
        });
        part("Changed, because of", ["cause", "prefixes", "environments"].map(Column::words), rows)
    }

    /// Which files are to be deployed.
    fn files(&self) -> Vec<Block> {
        let mut files: BTreeMap<&str, Vec<&MadeEnvironment>> = BTreeMap::new();
        for entry in self.environments.iter().filter(|e| e.status == Status::Changed) {
            entry.changed.iter().for_each(|file| files.entry(file).or_default().push(entry));
        }
        let rows = files.iter().map(|(file, entries)| [Line::from(file), names(entries).into()]);
        part("Files to deploy", ["file", "environments"].map(Column::words), rows)
    }

    fn headroom(&self) -> Vec<Block> {
        let made = self
            .environments
            .iter()
            .filter_map(|entry| Some((entry, entry.made.as_ref()?.headroom.as_ref()?)));
        let mut near: Vec<_> = made.collect();
        near.sort_by_key(|(entry, room)| (room.percent, entry.name.as_str()));
        near.truncate(10);
        let rows = near.iter().map(|(entry, room)| {
            [
                Line::from(&entry.name),
                format_args!("{} of {}", room.limit, room.of).into(),
                format_args!("{} of {}", room.have, room.most).into(),
                format_args!("{} %", room.percent).into(),
            ]
        });
        part("Least room left", ["environment", "limit", "used", "left"].map(Column::words), rows)
    }

    fn rest(&self) -> Vec<Block> {
        let wide: Vec<&MadeEnvironment> =
            self.environments.iter().filter(|e| e.made.as_ref().is_some_and(|made| !made.exact)).collect();
        let gaps: Vec<&MadeEnvironment> =
            self.environments.iter().filter(|e| e.made.as_ref().is_some_and(|made| made.gaps > 0)).collect();
        let said: usize = self.environments.iter().map(|e| e.notes.len()).sum();
        let mut lines: Vec<Line> = Vec::new();
        if !wide.is_empty() {
            lines.push(format_args!("admit addresses that were not asked for: {}", names(&wide)).into());
        }
        if !gaps.is_empty() {
            lines.push(format_args!("have needs that some target cannot say: {}", names(&gaps)).into());
        }
        if !self.gone.is_empty() {
            let gone = listed(self.gone.iter().cloned());
            let line =
                format_args!("no policy has these any more, and their folders are left: {gone}").into();
            lines.push(line);
        }
        if said > 0 {
            lines.push(format_args!("{said} notes of single environments are in index.json").into());
        }
        let list = Block::bullets(lines);
        list.into_iter().flat_map(|list| [Block::Heading(2, "To know".into()), list]).collect()
    }
}

/// The data of a cloud, now and before.
fn data_line(cloud: &str, data: &Data) -> Line {
    let short = |digest: &str| digest.get(..12).unwrap_or_default().to_owned();
    let line = Line::from(format_args!(
        "service tags of the cloud {cloud}: number {} ({})",
        data.change_number,
        short(&data.sha256)
    ));
    match &data.before {
        Some(before) if before.sha256 != data.sha256 => {
            line.text(format_args!(", before {} ({})", before.change_number, short(&before.sha256)))
        }
        Some(_) => line.text(", as before"),
        None => line,
    }
}

/// A message without what only one environment has in it, so that the same fault of many is one row.
fn general(message: &str, entry: &MadeEnvironment) -> String {
    let message = message.trim_start_matches("error: ");
    // "row 17, column `region`: …"
    let rest = message
        .strip_prefix("row ")
        .map_or(message, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.trim_start_matches([',', ' ', ':']).replace(&entry.name, "NAME")
}

fn names(entries: &[&MadeEnvironment]) -> String {
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

/// A heading, the first rows of a table, and how many more there are; nothing where there are none.
fn part<const N: usize>(
    heading: &str,
    columns: [Column; N],
    rows: impl ExactSizeIterator<Item = [Line; N]>,
) -> Vec<Block> {
    let more = rows.len().saturating_sub(MOST_ROWS);
    let table = Table::new(columns).with(rows.take(MOST_ROWS));
    if table.is_empty() {
        return Vec::new();
    }
    let more = (more > 0).then(|| Block::paragraph(format_args!("and {more} more rows: see index.json")));
    [Block::Heading(2, heading.into()), Block::Table(table)].into_iter().chain(more).collect()
}
