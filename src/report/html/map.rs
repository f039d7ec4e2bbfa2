//! The IPv4 addresses that are asked for, as a map: a square for each /8 in use, in which neighbours on the address line are
//! neighbours on the map (a Hilbert curve), 256 fields of a /16 each.

use std::fmt::Write;

use crate::addr::{AddrSet, Count, Interval, IntervalSet, Prefix};
use crate::policy::Remote;
use crate::report::Made;

/// Fields along a side of a square.
const SIDE: u32 = 16;

/// The most squares; with more the map says nothing.
const SQUARES: usize = 80;

/// All addresses that needs ask for by address.
pub(super) fn asked(made: &Made<'_>) -> AddrSet {
    let sets = made.policy.flows.iter().filter_map(|flow| match &flow.remote {
        Remote::Tag(tag) => Some(tag.set()),
        Remote::Addresses(set) => Some(set),
        _ => None,
    });
    AddrSet::union_of(sets)
}

/// What a field holds, in the order in which it shows: what is not asked for is of more account.
struct Layer {
    class: &'static str,
    word: &'static str,
    set: IntervalSet<u32>,
}

/// The map with its key and the table that says the same in words.
pub(super) fn addresses(made: &Made<'_>, out: &mut String) {
    let extra = AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses));
    let layers = [
        Layer { class: "extra", word: "admitted without being asked for", set: extra.v4 },
        Layer { class: "asked", word: "asked for", set: asked(made).v4 },
        Layer { class: "never", word: "never admitted", set: made.policy.precision.never.v4.clone() },
    ];
    let used: Vec<u8> = (0..=255)
        .filter(|&top| layers[..2].iter().any(|layer| !layer.set.is_clear_of(eighth(top))))
        .collect();
    if used.is_empty() || used.len() > SQUARES {
        return;
    }
    out.push_str("<h2>Where the IPv4 addresses lie</h2>\n<figure><figcaption>A square is a /8, a field in it a /16 with at least one such address.");
    for layer in layers.iter().filter(|layer| !layer.set.is_empty()) {
        write!(out, "<span class=\"key {}\"></span>{}", layer.class, layer.word)
            .expect("memory does not fail");
    }
    out.push_str("</figcaption>\n<div class=\"maps\">\n");
    used.iter().for_each(|&top| square(out, top, &layers));
    out.push_str("</div></figure>\n");
}

/// The addresses whose first octet is `top`.
fn eighth(top: u8) -> Interval<u32> {
    Prefix::new_relaxed(u32::from(top) << 24, 8).expect("a length of IPv4").interval()
}

fn square(out: &mut String, top: u8, layers: &[Layer; 3]) {
    let own = IntervalSet::from_intervals(vec![eighth(top)]);
    let counts: Vec<(Count, &str)> =
        layers.iter().map(|layer| (layer.set.intersection(&own).count(), layer.word)).collect();
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| !count.is_zero())
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let told = told.join(", ");
    write!(
        out,
        "<div><svg role=\"img\" viewBox=\"0 0 {SIDE} {SIDE}\" width=\"112\" height=\"112\"><title>{top}.0.0.0/8: {told}</title>\
         <rect class=\"frame\" width=\"{SIDE}\" height=\"{SIDE}\" stroke-width=\".1\"/>"
    )
    .expect("memory does not fail");
    let fields: Vec<Option<usize>> = (0..=255).map(|second| shown(top, second, layers)).collect();
    for (number, layer) in layers.iter().enumerate() {
        let mut path = String::new();
        for (second, _) in fields.iter().enumerate().filter(|(_, shown)| **shown == Some(number)) {
            let (x, y) = place(second as u32);
            write!(path, "M{x} {y}h1v1h-1z").expect("memory does not fail");
        }
        if !path.is_empty() {
            write!(out, "<path class=\"{}\" d=\"{path}\"/>", layer.class).expect("memory does not fail");
        }
    }
    writeln!(out, "</svg><p>{top}.0.0.0/8<br><span class=\"soft\">{told}</span></p></div>")
        .expect("memory does not fail");
}

/// The first layer that has some address of a /16.
fn shown(top: u8, second: u8, layers: &[Layer; 3]) -> Option<usize> {
    let first = u32::from(top) << 24 | u32::from(second) << 16;
    let field = Prefix::new_relaxed(first, 16).expect("a length of IPv4").interval();
    layers.iter().position(|layer| !layer.set.is_clear_of(field))
}

/// Where the Hilbert curve through the fields of a square is after so many steps.
fn place(step: u32) -> (u32, u32) {
    let (mut x, mut y, mut rest, mut size) = (0, 0, step, 1);
    while size < SIDE {
        let right = 1 & (rest / 2);
        let up = 1 & (rest ^ right);
        if up == 0 {
            if right == 1 {
                (x, y) = (size - 1 - x, size - 1 - y);
            }
            (x, y) = (y, x);
        }
        (x, y) = (x + size * right, y + size * up);
        rest /= 4;
        size *= 2;
    }
    (x, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_through_every_field_once_step_by_step() {
        let places: Vec<(u32, u32)> = (0..SIDE * SIDE).map(place).collect();
        let mut all = places.clone();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 256);
        for pair in places.windows(2) {
            assert_eq!(pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1), 1, "{pair:?}");
        }
    }
}
