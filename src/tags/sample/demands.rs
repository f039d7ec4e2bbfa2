//! Which prefixes each site has to find room for, before any address is chosen.

use super::carve;
use super::draw::{Family, mix};
use super::shape::{Role, Row, Shape};

/// Room for one tag at one site.
pub(super) struct Ask {
    /// Which of the tag's prefixes this is. Sites serve first all firsts, then all seconds and so on, so that two
    /// prefixes of one tag are rarely neighbours that could be merged.
    pub(super) turn: usize,
    /// The row that gets the prefixes.
    pub(super) tag: usize,
    /// The global row that gets them too.
    pub(super) global: Option<usize>,
    pub(super) need: Need,
}

impl Ask {
    /// The widest row that gets the prefixes; two asks of one holder must not end up mergeable.
    pub(super) fn holder(&self) -> usize {
        self.global.unwrap_or(self.tag)
    }
}

/// What is asked for.
pub(super) enum Need {
    /// One prefix of this length, for tag and global alike.
    One(u8),
    /// This many prefixes for the tag, and for the global tag the one prefix around them.
    Stairs(usize),
}

/// The asks of every site of a cloud.
pub(super) struct Asks {
    /// One list per region of the shape, in its order.
    pub(super) regions: Vec<Vec<Ask>>,
    /// Inside `AzureCloud`, but in no region's part of it.
    pub(super) nowhere: Vec<Ask>,
    /// Outside `AzureCloud`.
    pub(super) outside: Vec<Ask>,
    /// How many prefixes `AzureCloud` has over `nowhere`.
    pub(super) nowhere_cover: usize,
}

/// Spreads the prefixes of all tags but the `AzureCloud` ones, and those cut from another tag, over the sites.
pub(super) fn collect(shape: &Shape, family: &Family) -> Asks {
    let mut asks = Asks {
        regions: shape.regions.iter().map(|_| Vec::new()).collect(),
        nowhere: Vec::new(),
        outside: Vec::new(),
        nowhere_cover: nowhere_cover(shape, family),
    };
    let mut globals = Globals::new(shape, family);
    for (tag, row, region, global) in shape.regionals() {
        if globals.coarsen(row, global, family) {
            let need = Need::Stairs(row.count[family.index]);
            asks.regions[region].push(Ask { turn: 0, tag, global, need });
        } else {
            asks.regional(tag, row, region, global, family);
        }
    }
    let sites = covered_regions(shape, family);
    for (tag, row) in shape.rows.iter().enumerate() {
        if matches!(row.role, Role::Global) {
            asks.global(tag, row, &globals, &sites, family);
        }
    }
    for site in asks.regions.iter_mut().chain([&mut asks.nowhere, &mut asks.outside]) {
        site.sort_by_key(|ask| ask.turn);
    }
    asks
}

impl Asks {
    fn regional(&mut self, tag: usize, row: &Row, region: usize, global: Option<usize>, family: &Family) {
        for turn in 0..row.count[family.index] {
            let outside = turn < row.outside[family.index];
            let shortest = if outside { family.shortest_outside } else { 0 };
            let length = family.length(row.name, turn).max(shortest);
            let site = if outside { &mut self.outside } else { &mut self.regions[region] };
            site.push(Ask { turn, tag, global, need: Need::One(length) });
        }
    }

    /// A global tag's own prefixes go round the regions, as real ones do: they are somewhere, just not in a
    /// regional tag.
    fn global(&mut self, tag: usize, row: &Row, globals: &Globals, sites: &[usize], family: &Family) {
        let rounds = sites.len() + usize::from(self.nowhere_cover > 0);
        let start = (mix(row.name, family.index as u64) % rounds.max(1) as u64) as usize;
        for turn in 0..globals.own[tag] {
            let outside = turn < row.outside[family.index];
            let shortest = if outside { family.shortest_outside } else { 0 };
            // Room comes last: without it, nothing could be cut from the prefix.
            let length = family.length(row.name, turn).max(shortest).min(family.bits - globals.room[tag]);
            let site = match sites.get((start + turn) % rounds.max(1)) {
                _ if outside => &mut self.outside,
                Some(&region) => &mut self.regions[region],
                None => &mut self.nowhere,
            };
            site.push(Ask { turn, tag, global: None, need: Need::One(length) });
        }
    }
}

/// What the global tags have beside their regional ones, by row.
struct Globals {
    /// Prefixes still to be saved by taking one wide prefix in place of a region's several.
    saving: Vec<usize>,
    /// Prefixes of the global tag that no regional tag has.
    own: Vec<usize>,
    /// Host bits that each of its prefixes needs, so that tags inside it can be cut finer.
    room: Vec<u8>,
}

impl Globals {
    fn new(shape: &Shape, family: &Family) -> Self {
        let mut regional = vec![0; shape.rows.len()];
        for (_, row, _, global) in shape.regionals() {
            if let Some(global) = global {
                regional[global] += row.count[family.index];
            }
        }
        let counts = || shape.rows.iter().map(|row| row.count[family.index]).zip(&regional);
        Globals {
            saving: counts().map(|(count, &parts)| parts.saturating_sub(count)).collect(),
            own: counts().map(|(count, &parts)| count.saturating_sub(parts)).collect(),
            room: carve::room(shape, family),
        }
    }

    /// Whether the global tag takes one wide prefix for this region; keeps the books if so.
    fn coarsen(&mut self, row: &Row, global: Option<usize>, family: &Family) -> bool {
        let Some(global) = global else { return false };
        let count = row.count[family.index];
        if self.saving[global] == 0 || count < 2 || row.outside[family.index] > 0 {
            return false;
        }
        // The last region may save more than is left to save; the global tag then gets that many of its own.
        let saved = count - 1;
        self.own[global] += saved.saturating_sub(self.saving[global]);
        self.saving[global] = self.saving[global].saturating_sub(saved);
        true
    }
}

fn nowhere_cover(shape: &Shape, family: &Family) -> usize {
    let sum = |cloud: fn(&Role) -> bool| -> usize {
        shape.rows.iter().filter(|row| cloud(&row.role)).map(|row| row.count[family.index]).sum()
    };
    let all = sum(|role| matches!(role, Role::Cloud));
    all.saturating_sub(sum(|role| matches!(role, Role::CloudRegion { .. })))
}

/// The regions that `AzureCloud` reaches in this family.
fn covered_regions(shape: &Shape, family: &Family) -> Vec<usize> {
    let covered = |row: &Row| match row.role {
        Role::CloudRegion { region } if row.count[family.index] > 0 => Some(region),
        _ => None,
    };
    shape.rows.iter().filter_map(covered).collect()
}
