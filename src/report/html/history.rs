//! Pictures of the generations before: what each of them changed.

use std::fmt::Write;

use crate::report::Made;
use crate::report::changes::Step;

const LEFT: f64 = 64.0;
const WIDTH: f64 = 640.0;
const MIDDLE: f64 = 96.0;
const HALF: f64 = 72.0;

/// What each generation brought and took away, around zero.
pub(super) fn churn(made: &Made<'_>, out: &mut String) {
    let steps = made.told.map_or(&[][..], |told| &told.summary.past);
    let picture = churn_of(steps);
    if !picture.is_empty() {
        out.push_str("<h2>What the weeks changed</h2>\n");
        out.push_str(&picture);
    }
}

/// The picture of some steps, the oldest first, as a figure; nothing where fewer than two follow the first, which has
/// nothing before it.
pub fn churn_of(steps: &[Step]) -> String {
    let changed = steps.get(1..).unwrap_or_default();
    let (Some(first), Some(last)) = (changed.first(), changed.last()) else { return String::new() };
    if changed.len() < 2 {
        return String::new();
    }
    let top = changed.iter().map(|step| step.gained).max().unwrap_or_default();
    let low = changed.iter().map(|step| step.lost).max().unwrap_or_default();
    let (gained, lost): (usize, usize) =
        changed.iter().fold((0, 0), |(gained, lost), step| (gained + step.gained, lost + step.lost));
    let mut out = String::new();
    write_picture(&mut out, changed, top.max(low).max(1)).expect("memory does not fail");
    format!(
        "<figure><figcaption>Entries of rules and lists that each generation brought (above the line) and took away (below).\
         </figcaption>\n<svg role=\"img\" viewBox=\"0 0 720 208\" width=\"720\" height=\"208\"><title>{} generations from {} to {}: \
         {gained} entries came, {lost} went; the most at once {top} and {low}.</title>\n{out}</svg></figure>\n",
        changed.len(),
        first.day,
        last.day
    )
}

fn write_picture(out: &mut String, steps: &[Step], most: usize) -> std::fmt::Result {
    let pitch = WIDTH / steps.len() as f64;
    let (bar, height) = ((pitch * 0.8).min(40.0), |count: usize| HALF * count as f64 / most as f64);
    for (at, step) in steps.iter().enumerate() {
        let x = LEFT + pitch * at as f64 + (pitch - bar) / 2.0;
        let (up, down) = (height(step.gained), height(step.lost));
        let told = format!("{}: {} came, {} went", step.day, step.gained, step.lost);
        writeln!(
            out,
            "<g><title>{told}</title><rect class=\"hit\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{:.1}\"/>\
             <rect class=\"asked\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{up:.1}\"/>\
             <rect class=\"extra\" x=\"{x:.1}\" y=\"{MIDDLE}\" width=\"{bar:.1}\" height=\"{down:.1}\"/></g>",
            MIDDLE - HALF,
            2.0 * HALF,
            MIDDLE - up
        )?;
    }
    let right = LEFT + WIDTH;
    writeln!(out, "<path class=\"rule\" d=\"M{LEFT} {MIDDLE}H{right}\"/>")?;
    for (y, word) in
        [(MIDDLE - HALF, format!("+{most}")), (MIDDLE, "0".to_owned()), (MIDDLE + HALF, format!("-{most}"))]
    {
        writeln!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {y}H{right}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{word}</text>",
            LEFT - 8.0,
            y + 4.0
        )?;
    }
    let ends =
        [steps.first().map(|step| (LEFT, "start", step)), steps.last().map(|step| (right, "end", step))];
    for (x, anchor, step) in ends.into_iter().flatten() {
        writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            MIDDLE + HALF + 24.0,
            step.day
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn step(day: &str, gained: usize, lost: usize) -> Step {
        let day = day.parse().unwrap();
        Step { day, change_number: 1, rules: 1, lists: 0, gained, lost, used: BTreeMap::new() }
    }

    #[test]
    fn bars_stand_above_and_below_the_line() {
        let steps = [step("2026-01-05", 900, 900), step("2026-01-12", 10, 0), step("2026-01-19", 5, 2)];
        let picture = churn_of(&steps);
        // What stood before the first is not known, so it is no churn.
        assert!(
            picture.contains("2 generations from 2026-01-12 to 2026-01-19: 15 entries came, 2 went"),
            "{picture}"
        );
        assert!(picture.contains("2026-01-12: 10 came, 0 went") && !picture.contains("900"), "{picture}");
        let (up, down) = (format!("height=\"{:.1}\"", HALF / 2.0), format!("height=\"{:.1}\"", HALF / 5.0));
        assert!(picture.contains(&up) && picture.contains(&down), "{picture}");
        assert_eq!(churn_of(&steps[..2]), "");
        assert_eq!(churn_of(&[]), "");
    }
}
