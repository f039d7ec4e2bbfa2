//! [`Shape`]: the committed table of a cloud's tags.

use std::collections::HashMap;

/// The tag whose prefixes lie over whole regions instead of being a service's own.
pub(super) const CLOUD: &str = "AzureCloud";

/// One tag of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) region: &'static str,
    pub(super) region_id: &'static str,
    pub(super) service: &'static str,
    /// Letters of the network features in the file's own order; `None` where the file says null.
    pub(super) features: Option<&'static str>,
    /// How many prefixes the tag has, IPv4 and IPv6.
    pub(super) count: [usize; 2],
    /// How many of its own prefixes (not those of its regional tags) are outside `AzureCloud`.
    pub(super) outside: [usize; 2],
    pub(super) role: Role,
}

/// Where a tag's prefixes come from. Numbers are places in [`Shape::rows`] and [`Shape::regions`].
pub(super) enum Role {
    /// `AzureCloud` itself.
    Cloud,
    /// `AzureCloud.<code>`: lies over its region's block.
    CloudRegion { region: usize },
    /// A service in one region, inside the global tag if there is one.
    Regional { region: usize, global: Option<usize> },
    /// A service everywhere.
    Global,
    /// A tag wholly inside another one.
    Within { parent: usize },
}

/// A cloud's tags in the order of the file, and its region codes in the order of their first use.
pub(super) struct Shape {
    pub(super) rows: Vec<Row>,
    pub(super) regions: Vec<&'static str>,
}

impl Shape {
    /// Reads a table of the form that `examples/sample_shape.rs` writes.
    ///
    /// # Panics
    /// If a line is not of that form. The tables are compiled in, and tests read every one of them.
    pub(super) fn parse(table: &'static str) -> Self {
        let lines: Vec<Line> =
            table.lines().filter(|line| !line.starts_with('#')).skip(1).map(Line::parse).collect();
        let places: HashMap<&str, usize> = lines.iter().enumerate().map(|(i, line)| (line.name, i)).collect();
        let mut regions = Regions::default();
        let rows = lines.iter().map(|line| line.row(&places, &mut regions)).collect();
        Shape { rows, regions: regions.codes }
    }

    /// The rows that a global tag gathers: each regional tag, with the place of the row.
    pub(super) fn regionals(&self) -> impl Iterator<Item = (usize, &Row, usize, Option<usize>)> {
        self.rows.iter().enumerate().filter_map(|(place, row)| match row.role {
            Role::Regional { region, global } => Some((place, row, region, global)),
            _ => None,
        })
    }
}

/// One line of the table, cut at its commas.
struct Line {
    name: &'static str,
    fields: [&'static str; 9],
}

impl Line {
    fn parse(line: &'static str) -> Self {
        let mut cells = line.split(',');
        let name = cells.next().unwrap_or_default();
        let fields = std::array::from_fn(|_| cells.next().expect("a line of the shape table has ten fields"));
        Line { name, fields }
    }

    fn row(&self, places: &HashMap<&str, usize>, regions: &mut Regions) -> Row {
        let [region, region_id, service, features, v4, v6, outside4, outside6, within] = self.fields;
        let number = |text: &str| text.parse().expect("a count in the shape table is a number");
        Row {
            name: self.name,
            region,
            region_id,
            service,
            features: (features != "-").then_some(features),
            count: [number(v4), number(v6)],
            outside: [number(outside4), number(outside6)],
            role: role(self.name, region, places.get(within).copied(), places, regions),
        }
    }
}

fn role(
    name: &str,
    code: &'static str,
    parent: Option<usize>,
    places: &HashMap<&str, usize>,
    regions: &mut Regions,
) -> Role {
    if let Some(parent) = parent {
        return Role::Within { parent };
    }
    let base = name.split_once('.').map_or(name, |(base, _)| base);
    match (base == CLOUD, code.is_empty()) {
        (true, true) => Role::Cloud,
        (true, false) => Role::CloudRegion { region: regions.place(code) },
        (false, true) => Role::Global,
        (false, false) => Role::Regional {
            region: regions.place(code),
            global: places.get(base).copied().filter(|_| base != name),
        },
    }
}

#[derive(Default)]
struct Regions {
    codes: Vec<&'static str>,
    places: HashMap<&'static str, usize>,
}

impl Regions {
    fn place(&mut self, code: &'static str) -> usize {
        *self.places.entry(code).or_insert_with(|| {
            self.codes.push(code);
            self.codes.len() - 1
        })
    }
}
