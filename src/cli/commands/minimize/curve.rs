//! The trade-off between number of prefixes and extra addresses, in four formats.

use std::io::{self, Write};

use serde::Serialize;

use crate::addr::{Count, CoverCurve, CurvePoint};
use crate::cli::args::CurveFormat;
use crate::cli::{Failure, output};

#[derive(Serialize)]
struct Curve {
    /// The fewest prefixes that can do.
    smallest: usize,
    /// The prefixes that hold the input without anything added.
    exact_count: usize,
    points: Vec<Point>,
}

/// A number of prefixes at which the cost improves.
#[derive(Serialize)]
struct Point {
    prefixes: usize,
    extra_addresses: Count,
    cost: Count,
}

pub(super) fn print(curve: &CoverCurve, format: CurveFormat, priced: bool) -> Result<(), Failure> {
    let point = |p: CurvePoint| Point { prefixes: p.prefixes, extra_addresses: p.extra, cost: p.cost };
    let data = Curve {
        smallest: curve.smallest(),
        exact_count: curve.lossless(),
        points: curve.points().map(point).collect(),
    };
    let mut out = output::stdout();
    let done = match format {
        CurveFormat::Text => text(&data, priced, &mut out),
        CurveFormat::Csv => csv(&data, &mut out),
        CurveFormat::Svg => svg(&data, priced, &mut out),
        CurveFormat::Json => serde_json::to_writer_pretty(&mut out, &data)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
    };
    done.and_then(|()| out.flush()).map_err(Failure::Output)
}

fn text(curve: &Curve, priced: bool, out: &mut dyn Write) -> io::Result<()> {
    let header = if priced {
        vec!["prefixes", "extra addresses", "price"]
    } else {
        vec!["prefixes", "extra addresses"]
    };
    let mut table = output::table(&header);
    for Point { prefixes, extra_addresses, cost } in &curve.points {
        let mut row = vec![prefixes.to_string(), extra_addresses.to_string()];
        row.extend(priced.then(|| cost.to_string()));
        table.add_row(row);
    }
    output::write_table(out, &table)
}

fn csv(curve: &Curve, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "prefixes,extra_addresses,cost")?;
    curve.points.iter().try_for_each(|p| writeln!(out, "{},{},{}", p.prefixes, p.extra_addresses, p.cost))
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 48.0;

/// Steps, since a cost holds until the next number at which it improves. The cost is drawn by its logarithm: it
/// spans many powers of ten.
fn svg(curve: &Curve, priced: bool, out: &mut dyn Write) -> io::Result<()> {
    let most = curve.points.last().map_or(1, |p| p.prefixes).max(1) as f64;
    let height = |cost: Count| (1.0 + cost.to_f64()).log10();
    let top = curve.points.first().map_or(1.0, |p| height(p.cost)).max(1.0);
    let x = |prefixes: usize| MARGIN + (WIDTH - 2.0 * MARGIN) * prefixes as f64 / most;
    let y = |cost: Count| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * height(cost) / top;
    let mut path = String::new();
    for (at, point) in curve.points.iter().enumerate() {
        let start = if at == 0 {
            format!("M{:.1} {:.1}", x(point.prefixes), y(point.cost))
        } else {
            format!("H{:.1}V{:.1}", x(point.prefixes), y(point.cost))
        };
        path.push_str(&start);
    }
    let what = if priced { "price of extra addresses" } else { "extra addresses" };
    let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">"#
    )?;
    writeln!(out, r#"<path d="M{MARGIN} {MARGIN}V{bottom}H{right}" fill="none" stroke="gray"/>"#)?;
    writeln!(out, r##"<path d="{path}" fill="none" stroke="#0067b8" stroke-width="1.5"/>"##)?;
    for power in 0..=top as u32 {
        let at = HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * f64::from(power) / top;
        let label = if power == 0 { "0".to_owned() } else { format!("10^{power}") };
        writeln!(out, r#"<text x="{}" y="{at:.1}" text-anchor="end">{label}</text>"#, MARGIN - 6.0)?;
    }
    writeln!(out, r#"<text x="{right}" y="{}" text-anchor="end">{most} prefixes</text>"#, bottom + 16.0)?;
    writeln!(out, r#"<text x="{MARGIN}" y="{}">{what}</text>"#, MARGIN - 16.0)?;
    writeln!(out, "</svg>")
}
