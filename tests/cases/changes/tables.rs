//! Tables in CSV.

use super::text::{self, with_lines};
use super::{Change, Neutral, Scene, same};

/// What a table passes by: nobody imports it, and none of it says anything else to who reads it.
const NEUTRAL: &[Neutral] = &[
    alike("line changed", "firewall.csv line", REMARK),
    alike("line changed", "nsg.csv line", REMARK),
    alike("blanks", "firewall.csv line", REMARK),
    alike("blanks", "nsg.csv line", REMARK),
    alike("column emptied", "description", REMARK),
    alike("cell longer", " description: ", REMARK),
    alike("cell emptied", " description: ", REMARK),
    alike("cell in other case", " description: ", REMARK),
    alike("cell with space", " description: ", REMARK),
    alike("cell to any", " description: ", REMARK),
    alike("cell with an item more", " description: ", REMARK),
    alike("cell with an empty item", " description: ", REMARK),
    alike("cell with a line more", " description: ", REMARK),
    neutral("cell longer", " name: ", RULE_NAME),
    neutral("cell in other case", " name: ", ANY_CASE),
    neutral("cell in other case", " protocols: ", ANY_CASE),
    neutral("cell in other case", " targetFqdns: ", ANY_CASE),
    neutral("cell in other case", " access: ", ANY_CASE),
    neutral("cell in other case", " direction: ", ANY_CASE),
    neutral("cell in other case", " source: ", ANY_CASE),
    neutral("cell in other case", " destinationAddresses: ", ANY_CASE),
    neutral(
        "number with a zero",
        " destinationPorts: ",
        "A port with a zero in front is the same port to who reads it.",
    ),
    alike("items reversed", "firewall.csv row", SET),
    alike("item twice", "firewall.csv row", SET),
    alike("lines exchanged", "ip-groups.csv line", SET),
    alike(
        "lines exchanged",
        "nsg.csv line",
        "Rules are tried by their priorities, not in order of the file.",
    ),
    alike("lines exchanged", "firewall.csv line", "All rules allow: it is the same which of them matches."),
    alike("line twice", "ip-groups.csv line", SET),
    neutral("number larger", "nsg.csv row", "No other rule has a priority that is passed."),
];

const REMARK: &str = "The description stands last and is there for people: no rule is made of it.";
const RULE_NAME: &str = "Rules are replaced as a whole, whatever they were called before.";
const ANY_CASE: &str = "Azure takes names, tags, ids and words in any case for the same.";
const SET: &str =
    "The items are a set: what matches one of them matches in any order, also where it stands twice.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

/// Neutral where the whole file says the same.
const fn alike(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: Some(same::table) }
}

#[test]
fn every_change_of_a_table_is_noticed() {
    let scenes = [super::policy(&["csv"]), super::classic(&["csv"])].map(|text| {
        let scene = Scene::new(&text);
        let changes = changes(&scene);
        (scene, changes)
    });
    Scene::judge("csv", NEUTRAL, &scenes);
}

fn changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".csv") {
        let content = scene.text(file);
        all.extend(text::changes(file, content));
        all.extend(column_changes(file, content));
        all.extend(cell_changes(file, content));
        let edits = vec![(file.to_owned(), None)];
        all.push(Change { kind: "file dropped", place: file.to_owned(), edits });
        let edits = vec![(file.to_owned(), None), (format!("x{file}"), Some(content.as_bytes().to_vec()))];
        all.push(Change { kind: "file renamed", place: file.to_owned(), edits });
    }
    let more = format!("{}changes-other,192.0.2.0/24\n", scene.text("ip-groups.csv"));
    all.push(Change::new("group that no rule names", "ip-groups.csv", "ip-groups.csv", more));
    all.push(Change::new("another file", "more.csv", "more.csv", "nsg,name\nx,y\n"));
    all
}

/// The cells of each line; no table of the scene has line ends in cells.
fn cells(content: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(content.as_bytes());
    reader.records().map(|r| r.expect("tables are well formed").iter().map(str::to_owned).collect()).collect()
}

fn written(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().for_each(|row| writer.write_record(row).expect("rows are of one length"));
    writer.into_inner().expect("memory takes it")
}

/// Changes of columns, each in all rows.
fn column_changes(file: &str, content: &str) -> Vec<Change> {
    let rows = cells(content);
    let mut all = Vec::new();
    let mut add = |kind: &'static str, column: &str, change: &dyn Fn(usize, &mut Vec<String>)| {
        let mut changed = rows.clone();
        changed.iter_mut().enumerate().for_each(|(index, row)| change(index, row));
        if changed != rows {
            all.push(Change::new(kind, format!("{file} {column}"), file, written(&changed)));
        }
    };
    for (at, column) in rows[0].iter().enumerate() {
        add("column dropped", column, &|_, row| drop(row.remove(at)));
        add("column twice", column, &|_, row| row.push(row[at].clone()));
        add("column first", column, &|_, row| row[..=at].rotate_right(1));
        add("column in other case", column, &|i, row| {
            if i == 0 {
                row[at] = text::swapped(&row[at]);
            }
        });
        add("column renamed", column, &|i, row| {
            if i == 0 {
                row[at].push('x');
            }
        });
        add("column emptied", column, &|i, row| {
            if i > 0 {
                row[at].clear();
            }
        });
    }
    add("column more", "empty", &|_, row| row.push(String::new()));
    add("column more", "sourceApplicationSecurityGroups", &|i, row| {
        row.push(if i == 0 { "sourceApplicationSecurityGroups" } else { "asg" }.to_owned());
    });
    all
}

/// Changes of single cells, in the first two rows and the last.
fn cell_changes(file: &str, content: &str) -> Vec<Change> {
    let rows = cells(content);
    let mut all = Vec::new();
    let some = [1, 2, rows.len() - 1];
    for (index, row) in rows.iter().enumerate().filter(|(index, _)| some.contains(index)) {
        for (at, cell) in row.iter().enumerate() {
            let place = format!("{file} row {} {}: {cell}", index + 1, rows[0][at]);
            for (kind, other) in values(cell) {
                let mut changed = rows.clone();
                changed[index][at].clone_from(&other);
                if other != *cell {
                    all.push(Change::new(kind, format!("{place} to {other}"), file, written(&changed)));
                }
            }
            let line = content.lines().nth(index).expect("rows are lines");
            if !line.contains('"') && !cell.is_empty() {
                let mut raw = row.clone();
                raw[at] = format!("\"{cell}\"");
                let changed = with_lines(content, index, &[raw.join(",")]);
                all.push(Change::new("cell in quotes", place, file, changed));
            }
        }
    }
    all
}

fn values(cell: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("cell longer", format!("{cell}x")),
        ("cell emptied", String::new()),
        ("cell in other case", text::swapped(cell)),
        ("cell with space", format!(" {cell}")),
        ("cell to any", "*".to_owned()),
        ("cell with an item more", format!("{cell};192.0.2.0/24")),
        ("cell with an empty item", format!("{cell};")),
        ("cell to a formula", format!("={cell}")),
        ("cell behind a mark", format!("'{cell}")),
        ("cell with a line more", format!("{cell}\n{cell}")),
    ];
    if let Ok(number) = cell.parse::<i64>() {
        all.push(("number larger", (number + 1).to_string()));
        all.push(("number with a zero", format!("0{number}")));
        all.push(("number with a sign", format!("+{number}")));
        all.push(("number with a fraction", format!("{number}.0")));
    }
    if let Some((first, rest)) = cell.split_once(';') {
        all.push(("item dropped", rest.to_owned()));
        all.push(("item twice", format!("{first};{cell}")));
        all.push(("items reversed", cell.split(';').rev().collect::<Vec<_>>().join(";")));
    }
    all
}
