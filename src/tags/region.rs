//! [`Region`] and [`Regions`]: one table that maps location, display name, tag suffix and file code.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::name::Cloud;
use super::places::{EdgeZone, FormerRegion};
use crate::text::{did_you_mean, nearest, squeeze};

const TABLE: &str = include_str!("../../data/regions.csv");

/// One Azure region under all its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Region {
    cloud: Cloud,
    suffix: Arc<str>,
    code: Arc<str>,
    id: u32,
    display: Arc<str>,
    pair: Option<Arc<str>>,
}

impl Region {
    /// The cloud that the region belongs to.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The suffix of regional tags: `WestEurope` in `Storage.WestEurope`. Empty for the few regions that only
    /// `AzureCloud` has.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The `region` field of the published file, which is also the suffix of `AzureCloud`: `centralfrance` for
    /// France Central.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The `regionId` of the published file; unique within a cloud but for stage rings.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name shown to people: `West Europe`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The name in Azure Resource Manager and in host names: `westeurope`.
    pub fn location(&self) -> String {
        if self.suffix.is_empty() { self.code.to_string() } else { self.suffix.to_lowercase() }
    }

    /// The suffix of the paired region, where one is documented; the table has the sources.
    pub fn pair(&self) -> Option<&str> {
        self.pair.as_deref()
    }

    /// The name of this region's tag of `base`: `Storage.WestEurope`, but `AzureCloud.westeurope`.
    pub fn tag_name(&self, base: &str) -> String {
        let ending = if base.eq_ignore_ascii_case("AzureCloud") { &self.code } else { &self.suffix };
        format!("{base}.{ending}")
    }
}

/// The regions of one cloud, found under any of their names.
#[derive(Debug, Clone, Default)]
pub struct Regions {
    all: Vec<Arc<Region>>,
    by_name: HashMap<String, usize>,
    by_suffix: HashMap<Vec<u8>, usize>,
    by_code: HashMap<Vec<u8>, usize>,
}

impl Regions {
    /// The regions of `cloud` known when this version was built.
    pub fn of(cloud: Cloud) -> &'static Regions {
        static TABLES: LazyLock<HashMap<Cloud, Regions>> =
            LazyLock::new(|| Cloud::ALL.into_iter().map(|cloud| (cloud, read_table(cloud))).collect());
        &TABLES[&cloud]
    }

    /// Every region, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Region>> {
        self.all.iter()
    }

    /// Finds a region by location, display name, tag suffix or file code, ignoring case, spaces, `-`, `_` and
    /// brackets.
    ///
    /// ```
    /// use tagwall::tags::{Cloud, Regions};
    /// let table = Regions::of(Cloud::Public);
    /// for name in ["francecentral", "France Central", "FranceCentral", "centralfrance"] {
    ///     assert_eq!(table.find(name).unwrap().suffix(), "FranceCentral");
    /// }
    /// assert_eq!(table.find("eastus2").unwrap().suffix(), "EastUS2");
    /// assert!(table.find("usgovvirginia").is_none());
    /// ```
    pub fn find(&self, text: &str) -> Option<&Arc<Region>> {
        self.by_name.get(&squeeze(text)).map(|&at| &self.all[at])
    }

    /// Finds the region that the ending of a regional tag names: the suffix, or for `AzureCloud` the file code.
    /// `None` where the ending is no region, as in `AzureFrontDoor.Frontend`.
    pub fn of_tag(&self, base: &str, ending: &str) -> Option<&Arc<Region>> {
        let cloud_tag = base.eq_ignore_ascii_case("AzureCloud");
        let map = if cloud_tag { &self.by_code } else { &self.by_suffix };
        // Asked twice for each tag of a file, so the lower case is made without allocation where it is short.
        let mut short = [0; 32];
        let at = match short.get_mut(..ending.len()) {
            Some(lower) => {
                lower.copy_from_slice(ending.as_bytes());
                lower.make_ascii_lowercase();
                map.get(&*lower)
            }
            None => map.get(ending.to_ascii_lowercase().as_bytes()),
        };
        at.map(|&at| &self.all[at])
    }

    /// Adds a region that a snapshot holds and the table does not know. Its display name is that of a former region,
    /// else the suffix, or the code where only `AzureCloud` has it and the suffix is empty.
    pub(crate) fn add_unknown(&mut self, cloud: Cloud, suffix: &str, code: &str, id: u32) {
        let (suffix, code): (Arc<str>, Arc<str>) = (suffix.into(), code.into());
        let known = FormerRegion::find(cloud, if suffix.is_empty() { &code } else { &suffix });
        let display = match known {
            Some(former) => former.display.into(),
            None if suffix.is_empty() => code.clone(),
            None => suffix.clone(),
        };
        self.add(Region { cloud, display, suffix, code, id, pair: None });
    }

    fn add(&mut self, region: Region) {
        let at = self.all.len();
        // The first row wins a name, except that a region's own suffix beats another region's file code.
        if !region.suffix.is_empty() {
            self.by_name.insert(squeeze(&region.suffix), at);
            self.by_suffix.insert(region.suffix.to_ascii_lowercase().into(), at);
        }
        self.by_code.entry(region.code.to_ascii_lowercase().into()).or_insert(at);
        for name in [&region.display, &region.code] {
            self.by_name.entry(squeeze(name)).or_insert(at);
        }
        self.all.push(Arc::new(region));
    }

    /// Every name under which regions are found, for suggestions.
    pub fn locations(&self) -> impl Iterator<Item = String> + '_ {
        self.all.iter().map(|r| r.location())
    }
}

fn read_table(cloud: Cloud) -> Regions {
    let mut table = Regions::default();
    for line in TABLE.lines().filter(|l| !l.starts_with('#')).skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let &[name, suffix, code, id, display, pair] = fields.as_slice() else {
            panic!("data/regions.csv: six fields expected: {line}");
        };
        if name == cloud.name() {
            table.add(Region {
                cloud,
                suffix: suffix.into(),
                code: code.into(),
                id: id.parse().expect("data/regions.csv: the id is a number"),
                display: display.into(),
                pair: (!pair.is_empty() && pair != "-").then(|| pair.into()),
            });
        }
    }
    table
}

/// Why `text` names no region of `cloud`: a region that is gone, an edge zone with the region to name in its place, or a
/// name like those of `regions`.
///
/// ```
/// use tagwall::tags::{Cloud, Regions, unknown_region};
/// let why = |text| unknown_region(Cloud::Public, Regions::of(Cloud::Public), text);
/// assert!(why("uknorth").contains("a former region"));
/// assert!(why("perth").contains("name its parent region australiaeast"));
/// assert!(why("westeurop").contains("did you mean westeurope"));
/// ```
pub fn unknown_region(cloud: Cloud, regions: &Regions, text: &str) -> String {
    if let Some(former) = FormerRegion::find(cloud, text) {
        return format!("`{text}` is a former region of the cloud {cloud}: {}", former.end);
    }
    if let Some(zone) = EdgeZone::find(cloud, text) {
        let parent = zone.parent;
        return format!(
            "`{text}` is an edge zone and has no service tags of its own: name its parent region {parent}"
        );
    }
    let names: Vec<String> = regions.locations().collect();
    let hint = did_you_mean(&nearest(text, names.iter().map(String::as_str)));
    format!("the cloud {cloud} has no region `{text}`{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_under_each_of_its_names() {
        for cloud in Cloud::ALL {
            let table = Regions::of(cloud);
            for region in table.iter().filter(|r| !r.suffix.is_empty()) {
                for name in [region.suffix(), region.display(), &region.location()] {
                    assert_eq!(table.find(name), Some(region), "{name}");
                }
                if let Some(pair) = region.pair() {
                    assert!(table.find(pair).is_some(), "{pair}");
                }
                assert_eq!(table.of_tag("Storage", region.suffix()), Some(region));
                assert!(table.of_tag("AzureCloud", region.code()).is_some());
            }
        }
    }

    #[test]
    fn code_and_suffix_are_told_apart() {
        let table = Regions::of(Cloud::Public);
        assert!(table.of_tag("Storage", "centralfrance").is_none());
        assert!(table.of_tag("AzureCloud", "FranceCentral").is_none());
        assert_eq!(table.of_tag("AzureCloud", "eastus2").unwrap().suffix(), "EastUS2");
        assert_eq!(table.find("norwayeast").unwrap().tag_name("AzureCloud"), "AzureCloud.norwaye");
        assert_eq!(table.find("brazilne").unwrap().tag_name("AzureCloud"), "AzureCloud.brazilne");
    }
}
