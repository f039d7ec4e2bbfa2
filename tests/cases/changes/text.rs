//! Changes of any text of lines: what is done to them, whatever they mean.

use super::Change;

/// The lines of a text by their place, but of many that look the same only the first two and the last.
pub(super) fn places(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let shapes: Vec<String> = lines.iter().map(|line| shape(line)).collect();
    let keep = |index: &usize| {
        let same = |list: &[String]| list.iter().filter(|s| **s == shapes[*index]).count();
        same(&shapes[..*index]) < 2 || same(&shapes[index + 1..]) == 0
    };
    (0..lines.len()).filter(keep).map(|index| (index, lines[index])).collect()
}

/// What lines have in common that differ in what they hold.
fn shape(line: &str) -> String {
    match line.split_once(" = ") {
        Some((key, value)) => format!("{key} = {}", value.chars().next().unwrap_or(' ')),
        None => line.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { c }).take(12).collect(),
    }
}

/// `text` with other lines at a place, any number of them.
pub(super) fn with_lines(text: &str, place: usize, lines: &[String]) -> String {
    let mut out = String::with_capacity(text.len() + 80);
    for (index, line) in text.lines().enumerate() {
        if index == place {
            lines.iter().for_each(|line| {
                out.push_str(line);
                out.push('\n');
            });
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// All changes of lines that need no knowledge of what they say.
pub(super) fn changes(file: &str, text: &str) -> Vec<Change> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    let mut add = |kind: &'static str, place: &str, changed: String| {
        if changed != text {
            all.push(Change::new(kind, format!("{file} {place}"), file, changed));
        }
    };
    for (index, line) in places(text) {
        let place = format!("line {}: {line}", index + 1);
        let own = line.to_owned();
        let kind = |kind| if line.trim().is_empty() { "blank line" } else { kind };
        add(kind("line dropped"), &place, with_lines(text, index, &[]));
        add(kind("line twice"), &place, with_lines(text, index, &[own.clone(), own.clone()]));
        if let Some(next) = lines.get(index + 1).filter(|next| **next != line) {
            let first = with_lines(text, index, &[(*next).to_owned()]);
            add(
                kind("lines exchanged"),
                &format!("{place} with {next}"),
                with_lines(&first, index + 1, std::slice::from_ref(&own)),
            );
        }
        for (what, changed) in [
            ("space behind", format!("{line} ")),
            ("carriage return behind", format!("{line}\r")),
            ("blank line before", format!("\n{line}")),
        ] {
            add(kind("blanks"), &format!("{place}: {what}"), with_lines(text, index, &[changed]));
        }
        for (what, changed) in [
            ("semicolon behind", format!("{line};")),
            ("backslash behind", format!("{line}\\")),
            ("letter behind", format!("{line}x")),
            ("in other case", swapped(line)),
            ("behind `//`", format!("// {line}")),
            ("behind `#`", format!("# {line}")),
            ("no-break space before", format!("\u{a0}{line}")),
        ] {
            add(kind("line changed"), &format!("{place}: {what}"), with_lines(text, index, &[changed]));
        }
    }
    for (what, changed) in [
        ("byte order mark", format!("\u{feff}{text}")),
        ("twice", format!("{text}{text}")),
        (
            "half",
            text[..(0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)].to_owned(),
        ),
        ("empty", String::new()),
        ("no last line end", text.trim_end().to_owned()),
        ("blank line at the end", format!("{text}\n")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("zero byte", format!("{text}\0")),
        ("remark at the end", format!("{text}# remark\n")),
    ] {
        add("text", what, changed);
    }
    all
}

/// The text with the case of each letter turned.
pub(super) fn swapped(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}
