//! Makes a shape table of the sample snapshot from a real service-tags file.
//!
//! ```text
//! cargo run --release --example sample_shape -- ServiceTags_Public_20260622.json 10 data/sample/shape-public.csv
//! ```
//!
//! The second argument is the scale: one prefix of the sample stands for that many real ones. The table holds names,
//! regions, services, features and counts; no address of the file gets into it. Without the third it goes to the
//! standard output.
//!
//! How the counts come about, for each family by itself:
//!
//! | tag | prefixes in the table |
//! |---|---|
//! | regional, or global without regional tags | real ÷ scale, at least 1 if there are any |
//! | global, finer than or as fine as its regional tags | those of its regional tags, and (real − theirs) ÷ scale more, at least 1 if it really holds more addresses |
//! | global, coarser than its regional tags | real ÷ scale, but at least one for each region |
//!
//! A tag counts as *within* another global tag if every one of its addresses is; the smallest such tag is named.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};

use serde::Deserialize;
use tagwall::addr::{Address, Count, IntervalSet, IpPrefix, Prefix};

const CLOUD: &str = "AzureCloud";

#[derive(Deserialize)]
struct File {
    cloud: String,
    values: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    region: String,
    region_id: u32,
    system_service: String,
    address_prefixes: Vec<String>,
    network_features: Option<Vec<String>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(scale)) = (args.next(), args.next()) else {
        return Err("usage: sample_shape SERVICE-TAGS.json SCALE [TABLE.csv]".into());
    };
    let scale: usize = scale.parse()?;
    let file: File = serde_json::from_slice(&fs::read(path)?)?;
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    for entry in &file.values {
        let (four, six) = split(&entry.properties.address_prefixes)?;
        v4.push(four);
        v6.push(six);
    }
    let tree = Tree::new(&file.values);
    let v4 = Part::measure(&v4, &tree, scale);
    let v6 = Part::measure(&v6, &tree, scale);
    match args.next() {
        Some(table) => write_table(&mut io::BufWriter::new(fs::File::create(table)?), &file, scale, &v4, &v6),
        None => write_table(&mut io::BufWriter::new(io::stdout().lock()), &file, scale, &v4, &v6),
    }
}

/// The prefixes of one tag, IPv4 and IPv6.
type Both = (Vec<Prefix<u32>>, Vec<Prefix<u128>>);

fn split(texts: &[String]) -> Result<Both, Box<dyn Error>> {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for text in texts {
        match IpPrefix::parse(text, false)? {
            IpPrefix::V4(prefix) => four.push(prefix),
            IpPrefix::V6(prefix) => six.push(prefix),
        }
    }
    Ok((four, six))
}

/// Who belongs to whom, by place in the file.
struct Tree {
    /// The global tag of a regional one.
    global: Vec<Option<usize>>,
    /// The `AzureCloud` tag that should hold it: the region's if it has one.
    cloud: Vec<Option<usize>>,
    /// Global tags that are services, the only ones looked at for nesting.
    services: Vec<usize>,
}

impl Tree {
    fn new(entries: &[Entry]) -> Self {
        let places: HashMap<&str, usize> =
            entries.iter().enumerate().map(|(i, entry)| (entry.name.as_str(), i)).collect();
        let global = |entry: &Entry| match entry.name.split_once('.') {
            Some((base, _)) if !entry.properties.region.is_empty() => places.get(base).copied(),
            _ => None,
        };
        let cloud = |entry: &Entry| {
            let regional = format!("{CLOUD}.{}", entry.properties.region);
            places.get(regional.as_str()).or_else(|| places.get(CLOUD)).copied()
        };
        let service = |&i: &usize| entries[i].properties.region.is_empty() && entries[i].name != CLOUD;
        Tree {
            global: entries.iter().map(global).collect(),
            cloud: entries.iter().map(cloud).collect(),
            services: (0..entries.len()).filter(service).collect(),
        }
    }
}

/// What the table says of every tag in one family.
struct Part {
    count: Vec<usize>,
    outside: Vec<usize>,
    /// For each tag the global tags that hold all of it, with their size.
    within: Vec<Vec<(usize, Count)>>,
}

impl Part {
    fn measure<A: Address>(lists: &[Vec<Prefix<A>>], tree: &Tree, scale: usize) -> Self {
        let sets: Vec<IntervalSet<A>> = lists
            .iter()
            .map(|list| IntervalSet::from_intervals(list.iter().map(|p| p.interval()).collect()))
            .collect();
        let real: Vec<usize> = lists.iter().map(Vec::len).collect();
        let outside: Vec<usize> =
            (0..lists.len()).map(|i| outside(&lists[i], tree.cloud[i], &sets)).collect();
        let mut parts: Vec<Regionals<A>> = lists.iter().map(|_| Regionals::default()).collect();
        for (i, global) in tree.global.iter().enumerate() {
            if let Some(global) = *global {
                parts[global].add(real[i], outside[i], scaled(real[i], scale), &sets[i]);
            }
        }
        let own = |i: usize| parts[i].own(real[i], &sets[i], scale);
        Part {
            count: (0..real.len()).map(|i| parts[i].count(real[i], own(i), scale)).collect(),
            outside: (0..real.len())
                .map(|i| share(own(i), parts[i].outside_beside(outside[i]), parts[i].beside(real[i])))
                .collect(),
            within: (0..real.len()).map(|i| within(i, &sets, tree)).collect(),
        }
    }
}

/// The sum of a global tag's regional tags.
#[derive(Default)]
struct Regionals<A> {
    tags: usize,
    real: usize,
    scaled: usize,
    outside: usize,
    set: Vec<IntervalSet<A>>,
}

impl<A: Address> Regionals<A> {
    fn add(&mut self, real: usize, outside: usize, scaled: usize, set: &IntervalSet<A>) {
        self.tags += usize::from(real > 0);
        self.real += real;
        self.scaled += scaled;
        self.outside += outside;
        self.set.push(set.clone());
    }

    /// How many of the global tag's `real` prefixes are none of its regional tags'.
    fn beside(&self, real: usize) -> usize {
        real.saturating_sub(self.real)
    }

    /// How many prefixes of its own the global tag gets.
    fn own(&self, real: usize, global: &IntervalSet<A>, scale: usize) -> usize {
        let intervals = self.set.iter().flat_map(|set| set.intervals()).copied().collect();
        if *global == IntervalSet::from_intervals(intervals) {
            return 0;
        }
        scaled(self.beside(real), scale).max(1)
    }

    /// How many of its `outside` prefixes are none of its regional tags'.
    fn outside_beside(&self, outside: usize) -> usize {
        outside.saturating_sub(self.outside)
    }

    fn count(&self, real: usize, own: usize, scale: usize) -> usize {
        if self.real <= real { self.scaled + own } else { scaled(real, scale).max(self.tags + own) }
    }
}

/// A count on the sample's scale, rounded; what is there does not vanish.
fn scaled(real: usize, scale: usize) -> usize {
    if real == 0 { 0 } else { ((real + scale / 2) / scale).max(1) }
}

/// How many of `count` sample prefixes are outside if `outside` of `real` are. As far as `count` allows, some are if
/// some really are, and some are not if some really are not.
fn share(count: usize, outside: usize, real: usize) -> usize {
    match count {
        0 => 0,
        _ if outside == 0 => 0,
        _ if outside >= real => count,
        1 => usize::from(2 * outside >= real),
        _ => ((count * outside + real / 2) / real).clamp(1, count - 1),
    }
}

fn outside<A: Address>(list: &[Prefix<A>], cloud: Option<usize>, sets: &[IntervalSet<A>]) -> usize {
    let inside =
        |prefix: &&Prefix<A>| cloud.is_some_and(|cloud| sets[cloud].contains_interval(prefix.interval()));
    list.len() - list.iter().filter(inside).count()
}

fn within<A: Address>(tag: usize, sets: &[IntervalSet<A>], tree: &Tree) -> Vec<(usize, Count)> {
    if !tree.services.contains(&tag) {
        return Vec::new();
    }
    let larger =
        |&other: &usize| other != tag && sets[tag].is_subset(&sets[other]) && sets[tag] != sets[other];
    let holds = |&other: &usize| larger(&other) || (sets[tag].is_empty() && other != tag);
    tree.services.iter().copied().filter(holds).map(|other| (other, sets[other].count())).collect()
}

fn write_table(
    out: &mut impl Write,
    file: &File,
    scale: usize,
    v4: &Part,
    v6: &Part,
) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "# Shape of the sample snapshot, cloud {}: 1 prefix for {scale} real ones. No real",
        file.cloud
    )?;
    writeln!(out, "# address is in it. Columns, origin and how to make it again: README.md beside it.")?;
    writeln!(out, "name,region,regionId,systemService,features,v4,v6,outside4,outside6,within")?;
    for (i, entry) in file.values.iter().enumerate() {
        let Properties { region, region_id, system_service, network_features, .. } = &entry.properties;
        let features = letters(network_features.as_deref())?;
        let within = parent(i, v4, v6).map_or("", |parent| file.values[parent].name.as_str());
        // What is within another tag is where that one is.
        let outside = if within.is_empty() { [v4.outside[i], v6.outside[i]] } else { [0, 0] };
        writeln!(
            out,
            "{},{region},{region_id},{system_service},{features},{},{},{},{},{within}",
            entry.name, v4.count[i], v6.count[i], outside[0], outside[1],
        )?;
    }
    out.flush()?;
    Ok(())
}

/// The smallest global tag that holds this one in both families.
fn parent(tag: usize, v4: &Part, v6: &Part) -> Option<usize> {
    let both = v4.within[tag].iter().filter(|(other, _)| v6.within[tag].iter().any(|(six, _)| six == other));
    both.min_by_key(|(other, size)| (*size, *other)).map(|&(other, _)| other)
}

fn letters(features: Option<&[String]>) -> Result<String, Box<dyn Error>> {
    let Some(features) = features else { return Ok("-".to_owned()) };
    let letter = |feature: &String| match feature.as_str() {
        "API" => Ok('A'),
        "NSG" => Ok('N'),
        "UDR" => Ok('U'),
        "FW" => Ok('F'),
        "VSE" => Ok('V'),
        other => Err(format!("the network feature {other:?} is not known").into()),
    };
    features.iter().map(letter).collect()
}
