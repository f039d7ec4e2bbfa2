//! Places that are no region of today: regions that are gone, and edge zones.

use std::sync::LazyLock;

use super::name::Cloud;
use crate::text::squeeze;

const FORMER: &str = include_str!("../../data/former-regions.csv");
const ZONES: &str = include_str!("../../data/edge-zones.csv");

/// A region that published files held once, and hold no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerRegion {
    /// The cloud that it belonged to.
    pub cloud: Cloud,
    /// The suffix of its tags; empty where only `AzureCloud` had it.
    pub suffix: &'static str,
    /// The `region` field of the files.
    pub code: &'static str,
    /// The `regionId` of the files; 0 where they had none.
    pub id: u32,
    /// The name shown to people.
    pub display: &'static str,
    /// What is known of its end.
    pub end: &'static str,
}

impl FormerRegion {
    /// Every former region, in the order of the table.
    pub fn all() -> &'static [FormerRegion] {
        static ALL: LazyLock<Vec<FormerRegion>> = LazyLock::new(|| {
            rows(FORMER)
                .map(|fields: [&'static str; 6]| {
                    let [cloud, suffix, code, id, display, end] = fields;
                    let cloud = Cloud::find(cloud).expect("data/former-regions.csv: a cloud");
                    let id = id.parse().expect("data/former-regions.csv: the id is a number");
                    FormerRegion { cloud, suffix, code, id, display, end }
                })
                .collect()
        });
        &ALL
    }

    /// Finds a former region of `cloud` by suffix, code or display name, as [`Regions::find`](super::Regions::find) does.
    ///
    /// ```
    /// use tagwall::tags::{Cloud, FormerRegion};
    /// assert_eq!(FormerRegion::find(Cloud::UsGov, "US Gov Iowa").unwrap().suffix, "USGovIowa");
    /// assert!(FormerRegion::find(Cloud::Public, "westeurope").is_none());
    /// ```
    pub fn find(cloud: Cloud, text: &str) -> Option<&'static FormerRegion> {
        let wanted = squeeze(text);
        Self::all().iter().find(|former| {
            let names = [former.suffix, former.code, former.display];
            former.cloud == cloud && names.iter().any(|name| !name.is_empty() && squeeze(name) == wanted)
        })
    }
}

/// An edge zone or extended zone: a small place of Azure that hangs on a region and has no service tags of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeZone {
    /// Its name, as `az … --edge-zone` takes it.
    pub name: &'static str,
    /// The cloud.
    pub cloud: Cloud,
    /// Location of the region that it hangs on, whose tags hold for it.
    pub parent: &'static str,
}

impl EdgeZone {
    /// Every edge zone that is known, in the order of the table.
    pub fn all() -> &'static [EdgeZone] {
        static ALL: LazyLock<Vec<EdgeZone>> = LazyLock::new(|| {
            rows(ZONES)
                .map(|[name, cloud, parent]| {
                    let cloud = Cloud::find(cloud).expect("data/edge-zones.csv: a cloud");
                    EdgeZone { name, cloud, parent }
                })
                .collect()
        });
        &ALL
    }

    /// Finds a zone of `cloud` by its name, ignoring case, spaces, `-` and `_`.
    pub fn find(cloud: Cloud, text: &str) -> Option<&'static EdgeZone> {
        let wanted = squeeze(text);
        Self::all().iter().find(|zone| zone.cloud == cloud && zone.name == wanted)
    }
}

/// The rows below the heading, comments left out.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        fields.try_into().unwrap_or_else(|_| panic!("{N} fields expected: {line}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::region::Regions;
    use super::*;

    #[test]
    fn former_regions_and_zones_are_no_regions_of_today() {
        for former in FormerRegion::all() {
            let table = Regions::of(former.cloud);
            for name in [former.suffix, former.code].into_iter().filter(|name| !name.is_empty()) {
                assert!(table.find(name).is_none(), "{name}");
                assert_eq!(FormerRegion::find(former.cloud, name), Some(former));
            }
            assert!(!former.end.is_empty());
        }
        for zone in EdgeZone::all() {
            assert!(Regions::of(zone.cloud).find(zone.name).is_none(), "{}", zone.name);
            assert!(Regions::of(zone.cloud).find(zone.parent).is_some(), "{}", zone.parent);
        }
    }
}
