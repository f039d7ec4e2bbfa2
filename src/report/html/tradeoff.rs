//! Pictures of what a shorter list costs: extra addresses by number of prefixes, with the point that was taken.

use std::fmt::Write;

use crate::addr::{AddrSet, Count, CoverCurve, CoverRequest, CurvePoint};
use crate::plan::Extra;
use crate::report::Made;
use crate::target::Target;
use crate::text::markup;

/// The most lists that have a picture, those with the most extra addresses.
const PICTURES: usize = 6;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 540.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 196.0;

/// A picture for each list that was widened. Routes have none: what one of them costs hangs on those of other hops.
pub(super) fn curves(made: &Made<'_>, out: &mut String) {
    let lists = made.plan.extras.iter().filter(|extra| extra.target != Target::RouteTable);
    let mut lists: Vec<(&Extra, Curve)> =
        lists.filter_map(|extra| Some((extra, Curve::of(made, extra)?))).collect();
    lists.sort_by_key(|(extra, _)| std::cmp::Reverse(extra.addresses.count()));
    lists.truncate(PICTURES);
    if lists.is_empty() {
        return;
    }
    out.push_str(
        "<h2>What shorter lists cost</h2>\n<p>Each line is the fewest extra addresses with so many prefixes; the point is what \
         was taken.</p>\n",
    );
    lists.iter().for_each(|(extra, curve)| curve.picture(extra, out));
}

/// The trade-off of one list around the point that was taken.
struct Curve {
    points: Vec<CurvePoint>,
    taken: (usize, Count),
    exact: usize,
}

impl Curve {
    /// `None` where there is nothing to choose.
    fn of(made: &Made<'_>, extra: &Extra) -> Option<Curve> {
        let asked = made.policy.listed(extra.flows.first()?)?;
        // Families are lists of their own.
        let asked = if extra.addresses.v4.is_empty() {
            AddrSet { v6: asked.v6, ..AddrSet::default() }
        } else {
            AddrSet { v4: asked.v4, ..AddrSet::default() }
        };
        let never = made.policy.never_extra().difference(&asked);
        let taken = asked.union(&extra.addresses).prefixes().count();
        let exact = asked.prefixes().count();
        let most = exact.min(3 * taken + 8);
        let curve = CoverCurve::new(CoverRequest::new(&asked).never(&never), Some(most)).ok()?;
        let points: Vec<CurvePoint> = curve.points().collect();
        (points.len() > 1).then_some(Curve { points, taken: (taken, extra.addresses.count()), exact })
    }

    /// The choices beside the one that was taken: with fewer prefixes, and with more.
    fn neighbours(&self) -> (Option<&CurvePoint>, Option<&CurvePoint>) {
        let after = self.points.partition_point(|point| point.prefixes <= self.taken.0);
        let before = self.points.partition_point(|point| point.prefixes < self.taken.0);
        (before.checked_sub(1).map(|at| &self.points[at]), self.points.get(after))
    }

    /// In words: what was taken, and what one step to either side would be.
    fn told(&self) -> String {
        let (prefixes, extra) = self.taken;
        let mut told = format!("{prefixes} prefixes with {extra} extra addresses were taken.");
        let (fewer, more) = self.neighbours();
        for (word, point) in [("fewer", fewer), ("more", more)] {
            match point {
                Some(point) => {
                    write!(told, " The next with {word}: {} with {}.", point.prefixes, point.extra)
                }
                None => write!(told, " There is none with {word}."),
            }
            .expect("memory does not fail");
        }
        if self.exact > self.points.last().map_or(0, |point| point.prefixes) {
            write!(told, " Exact: {}.", self.exact).expect("memory does not fail");
        }
        told
    }

    fn picture(&self, extra: &Extra, out: &mut String) {
        let name = format!("{} – {}", extra.target.title(), extra.remote);
        let (name, told) = (markup(&name), markup(&self.told()));
        write!(
            out,
            "<figure><figcaption><strong>{name}</strong>: {told}</figcaption>\n<svg role=\"img\" viewBox=\"0 0 560 236\" \
             width=\"560\" height=\"236\"><title>{name}: {told}</title>\n"
        )
        .expect("memory does not fail");
        let all = self.points.iter().map(|point| (point.prefixes, point.extra)).chain([self.taken]);
        let (mut least, mut most, mut top) = (usize::MAX, 0, Count::ZERO);
        for (prefixes, extra) in all {
            (least, most, top) = (least.min(prefixes), most.max(prefixes), top.max(extra));
        }
        let scale = Scale { least, most: most.max(least + 1), decades: decade(top).ceil().max(1.0) };
        scale.axes(out);
        let mut path = String::new();
        for (at, point) in self.points.iter().enumerate() {
            let (x, y) = (scale.x(point.prefixes), scale.y(point.extra));
            // So many prefixes are of no more use until the next point.
            if at == 0 { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") }
                .expect("memory does not fail");
        }
        let (x, y) = (scale.x(self.taken.0), scale.y(self.taken.1));
        writeln!(
            out,
            "<path class=\"line\" d=\"{path}\"/><path class=\"rule\" stroke-dasharray=\"3 3\" d=\"M{x:.1} {TOP}V{BOTTOM}\"/>\
             <circle class=\"extra\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/></svg></figure>"
        )
        .expect("memory does not fail");
    }
}

/// Powers of ten, and one more so that 0 has a place.
fn decade(count: Count) -> f64 {
    let value: f64 = count.to_string().parse().expect("a decimal number");
    if value < 1.0 { 0.0 } else { 1.0 + value.log10() }
}

struct Scale {
    least: usize,
    most: usize,
    decades: f64,
}

impl Scale {
    fn x(&self, prefixes: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * (prefixes - self.least) as f64 / (self.most - self.least) as f64
    }

    fn y(&self, extra: Count) -> f64 {
        BOTTOM - (BOTTOM - TOP) * decade(extra) / self.decades
    }

    fn axes(&self, out: &mut String) {
        let decades = self.decades as u32;
        // Long scales, as IPv6 has, get a word for some of the steps only.
        let every = decades.div_ceil(7).max(1);
        for step in (0..=decades).filter(|step| step % every == 0) {
            let y = BOTTOM - (BOTTOM - TOP) * f64::from(step) / self.decades;
            let word = match step {
                0 => "0".to_owned(),
                1..=6 => 10_u32.pow(step - 1).to_string(),
                _ => format!("1e{}", step - 1),
            };
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{word}</text>",
                LEFT - 8.0,
                y + 4.0
            )
            .expect("memory does not fail");
        }
        for (x, anchor, prefixes) in [(LEFT, "start", self.least), (RIGHT, "end", self.most)] {
            writeln!(
                out,
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{prefixes} prefixes</text>",
                BOTTOM + 18.0
            )
            .expect("memory does not fail");
        }
        writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"{}\">extra addresses upwards, ten times as many each step</text>",
            BOTTOM + 36.0
        )
        .expect("memory does not fail");
    }
}
