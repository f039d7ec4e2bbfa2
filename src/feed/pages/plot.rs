//! Small pictures of a tag over the stored weeks.

use std::fmt::{self, Display, Write};

use jiff::civil::Date;

use crate::text::joined;

/// A point: its week and its value.
pub(super) type Point = (Date, f64);

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 24.0;

/// A line through the values, from the bottom up from zero, so that a small change looks small. Said in words by `told`.
pub(super) fn line(points: &[Point], told: impl Display) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    if points.len() < 2 {
        return String::new();
    }
    let most = points.iter().map(|point| point.1).fold(1.0, f64::max);
    let x = |at: usize| LEFT + (WIDTH - LEFT - 8.0) * at as f64 / (points.len() - 1) as f64;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / most);
    let step = |(at, point): (usize, &Point)| {
        let (x, y) = (x(at), y(point.1));
        fmt::from_fn(move |f| write!(f, "{x:.1},{y:.1}"))
    };
    let zero = y(0.0);
    let right = WIDTH - 8.0;
    let mut out = String::new();
    write!(
        out,
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"><title>{told}</title>\
         <path class=\"line\" d=\"M{LEFT} {TOP}H{right}M{LEFT} {zero:.1}H{right}\"/>\
         <text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{most}</text><text x=\"{0}\" y=\"{2:.1}\" text-anchor=\"end\">0</text>\
         <text class=\"soft\" x=\"{LEFT}\" y=\"{3}\">{4}</text>\
         <text class=\"soft\" x=\"{right}\" y=\"{3}\" text-anchor=\"end\">{5}</text>\
         <polyline class=\"plot\" points=\"{6}\"/></svg>",
        LEFT - 6.0,
        TOP + 4.0,
        zero + 4.0,
        HEIGHT - 6.0,
        first.0,
        last.0,
        joined(points.iter().enumerate().map(step), " ")
    )
    .expect("memory does not fail");
    out
}
