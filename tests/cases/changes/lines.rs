//! Changes of any text: what is done to its lines, whatever they mean.

use super::Change;

/// A kind of change, and what stands in place of the line.
pub(super) type Edit = (&'static str, String);

/// The first line of each form, and the last: digits and letters in quotes play no part in the form.
fn chosen(lines: &[&str]) -> Vec<usize> {
    let form = |line: &str| {
        let quoted = line.split('\'').step_by(2).collect::<Vec<_>>().join("'");
        quoted.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>()
    };
    let forms: Vec<String> = lines.iter().map(|line| form(line)).collect();
    let of = |index: usize, list: &[String]| list.iter().filter(|f| **f == forms[index]).count();
    (0..lines.len()).filter(|&i| of(i, &forms[..i]) == 0 || of(i, &forms[i + 1..]) == 0).collect()
}

/// Every line gone, there twice, before its neighbour, and as `edits` make it.
pub(super) fn each(file: &str, whole: &str, edits: &dyn Fn(&str) -> Vec<Edit>) -> Vec<Change> {
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let mut all = Vec::new();
    for at in chosen(&lines.iter().map(|line| line.trim_end_matches('\n')).collect::<Vec<_>>()) {
        let line = lines[at].trim_end_matches('\n');
        let mut add = |kind, text: &str| {
            let before: String = lines[..at].concat();
            let changed = format!("{before}{text}{}", lines[at + 1..].concat());
            all.push(Change::new(kind, format!("{file} line {}: {line} to {text}", at + 1), file, changed));
        };
        add("line dropped", "");
        add("line twice", &format!("{line}\n{line}\n"));
        if at + 1 < lines.len() && lines[at + 1] != lines[at] {
            let before: String = lines[..at].concat();
            let changed = format!("{before}{}{}{}", lines[at + 1], lines[at], lines[at + 2..].concat());
            all.push(Change::new(
                "lines exchanged",
                format!("{file} line {}: {line}", at + 1),
                file,
                changed,
            ));
        }
        for (kind, text) in edits(line) {
            let before: String = lines[..at].concat();
            let changed = format!("{before}{text}\n{}", lines[at + 1..].concat());
            all.push(Change::new(kind, format!("{file} line {}: {line} to {text}", at + 1), file, changed));
        }
    }
    all
}

/// Changes of a text as a whole.
pub(super) fn whole(file: &str, whole: &str) -> Vec<Change> {
    let add = |what: &str, changed: String| Change::new("text", format!("{file}: {what}"), file, changed);
    vec![
        add("empty", String::new()),
        add("half", whole.chars().take(whole.chars().count() / 2).collect()),
        add("twice", format!("{whole}{whole}")),
        add("byte order mark", format!("\u{feff}{whole}")),
        add("a character of no width", format!("\u{200b}{whole}")),
        add("null", whole.replacen('\n', "\0\n", 1)),
    ]
}

/// The other case of the first letter.
pub(super) fn recased(word: &str) -> String {
    let turn = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    word.chars().take(1).map(turn).chain(word.chars().skip(1)).collect()
}
