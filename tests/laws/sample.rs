//! The sample snapshot holds to the laws of the real file, and to the promise of its addresses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::tags::{
    Cloud,
    sample::{CLOUDS, sample_json},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    change_number: u32,
    cloud: String,
    values: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    id: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Properties {
    change_number: u32,
    region: String,
    region_id: u32,
    platform: String,
    system_service: String,
    address_prefixes: Vec<String>,
    network_features: Option<Vec<String>>,
}

impl Entry {
    /// Parsed strictly: host bits and missing lengths are errors.
    fn prefixes(&self) -> Vec<IpPrefix> {
        let texts = self.properties.address_prefixes.iter();
        texts
            .map(|text| IpPrefix::parse(text, false).unwrap_or_else(|e| panic!("{}: {text}: {e}", self.name)))
            .collect()
    }

    fn set(&self) -> AddrSet {
        self.prefixes().into_iter().collect()
    }
}

fn sample(cloud: Cloud) -> File {
    serde_json::from_slice(&sample_json(cloud).unwrap()).expect("the sample has the published form")
}

fn sets(file: &File) -> HashMap<&str, AddrSet> {
    file.values.iter().map(|entry| (entry.name.as_str(), entry.set())).collect()
}

/// The blocks set aside for documentation (RFC 5737, 3849, 9637) and benchmarks (RFC 2544).
fn reserved() -> AddrSet {
    let blocks =
        ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "3fff::/20"];
    blocks.iter().map(|text| IpPrefix::parse(text, false).unwrap()).collect()
}

/// The committed table of a cloud: tag, then counts of IPv4 and IPv6 prefixes.
fn shape(cloud: Cloud) -> Vec<(String, usize, usize)> {
    let file = match cloud {
        Cloud::Public => "shape-public.csv",
        Cloud::UsGov => "shape-usgov.csv",
        Cloud::China => "shape-china.csv",
        Cloud::Germany => panic!("there is no sample of the former German cloud"),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample").join(file);
    let table = std::fs::read_to_string(path).expect("the table is there");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].to_owned(), cells[5].parse().unwrap(), cells[6].parse().unwrap())
    };
    lines.map(row).collect()
}

#[test]
fn has_the_published_form() {
    for cloud in CLOUDS {
        let file = sample(cloud);
        assert_eq!(file.cloud, cloud.file_code());
        assert!(file.change_number > 0);
        for Entry { name, id, properties } in &file.values {
            assert_eq!(name, id);
            assert_eq!(properties.platform, "Azure");
            assert!(properties.change_number <= file.change_number, "{name}");
        }
    }
}

#[test]
fn text_is_laid_out_like_the_published_file() {
    for cloud in CLOUDS {
        let bytes = sample_json(cloud).unwrap();
        // serde_json's pretty form is the published one: two spaces, one array item a line, no newline at the end.
        // A map in key order would lose the order of the keys, so the file is compared by its lines' beginnings.
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let ours = String::from_utf8(bytes).unwrap();
        let theirs = serde_json::to_string_pretty(&value).unwrap();
        let lines = |text: &str| -> Vec<String> {
            let mut lines: Vec<String> =
                text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(lines(&ours), lines(&theirs));
        let head = "{\n  \"changeNumber\": 7,\n  \"cloud\": \"";
        assert!(ours.starts_with(head));
        let keys = [
            "changeNumber",
            "region",
            "regionId",
            "platform",
            "systemService",
            "addressPrefixes",
            "networkFeatures",
        ];
        let places: Vec<usize> =
            keys.iter().map(|key| ours[head.len()..].find(&format!("\"{key}\"")).unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[test]
fn repeats_to_the_byte() {
    for cloud in CLOUDS {
        assert_eq!(sample_json(cloud), sample_json(cloud));
    }
}

#[test]
fn names_are_unique_whatever_their_case() {
    for cloud in CLOUDS {
        let file = sample(cloud);
        let names: HashSet<String> =
            file.values.iter().map(|entry| entry.name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), file.values.len());
    }
}

#[test]
fn holds_reserved_addresses_only() {
    let reserved = reserved();
    for cloud in CLOUDS {
        for entry in sample(cloud).values {
            for prefix in entry.prefixes() {
                assert!(AddrSet::from(prefix).is_subset(&reserved), "{}: {prefix}", entry.name);
            }
        }
    }
}

#[test]
fn prefixes_are_ascending_and_disjoint() {
    for cloud in CLOUDS {
        for entry in sample(cloud).values {
            let prefixes = entry.prefixes();
            assert!(prefixes.is_sorted(), "{}", entry.name);
            // The texts are the canonical ones, and as many addresses as the prefixes have between them.
            let texts: Vec<String> = prefixes.iter().map(IpPrefix::to_string).collect();
            assert_eq!(texts, entry.properties.address_prefixes);
            for pair in prefixes.windows(2) {
                assert!(
                    AddrSet::from(pair[0]).is_disjoint(&AddrSet::from(pair[1])),
                    "{}: {pair:?}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn counts_are_those_of_the_shape() {
    for cloud in CLOUDS {
        let counts: Vec<(String, usize, usize)> = sample(cloud)
            .values
            .iter()
            .map(|entry| {
                let (v4, v6): (Vec<_>, Vec<_>) =
                    entry.prefixes().into_iter().partition(|prefix| prefix.is_v4());
                (entry.name.clone(), v4.len(), v6.len())
            })
            .collect();
        assert_eq!(counts, shape(cloud));
        assert!(counts.iter().all(|(_, v4, v6)| v4 + v6 > 0), "no tag is empty");
    }
}

#[test]
fn regional_tags_are_inside_their_global_tag() {
    for cloud in CLOUDS {
        let file = sample(cloud);
        let sets = sets(&file);
        let mut larger = HashSet::new();
        for entry in &file.values {
            let Some((base, _)) = entry.name.split_once('.') else { continue };
            let Some(global) = sets.get(base) else { continue };
            // Holds for `AzureCloud.<code>` and for the parts of a tag that are not regions, too.
            assert!(sets[entry.name.as_str()].is_subset(global), "{}", entry.name);
            larger.insert(base);
        }
        assert!(larger.contains("AzureCloud") && larger.contains("Storage"));
    }
}

#[test]
fn global_tags_can_be_larger_and_coarser_than_their_regional_ones() {
    let file = sample(Cloud::Public);
    let sets = sets(&file);
    let regional = |name: &str| -> Vec<&Entry> {
        let start = format!("{name}.");
        file.values.iter().filter(|entry| entry.name.starts_with(&start)).collect()
    };
    for name in ["Storage", "AzureKeyVault", "BatchNodeManagement"] {
        let union = AddrSet::union_of(regional(name).iter().map(|entry| &sets[entry.name.as_str()]));
        assert!(union.is_subset(&sets[name]) && union != sets[name], "{name}");
    }
    let storage = file.values.iter().find(|entry| entry.name == "Storage").unwrap();
    let parts: usize = regional("Storage").iter().map(|entry| entry.prefixes().len()).sum();
    assert!(storage.prefixes().len() < parts, "Storage is coarser");
}

#[test]
fn azure_cloud_holds_most_but_not_all() {
    for cloud in CLOUDS {
        let file = sample(cloud);
        let sets = sets(&file);
        let (mut inside, mut all) = (0, 0);
        for entry in file.values.iter().filter(|entry| !entry.name.starts_with("AzureCloud")) {
            let Properties { region, .. } = &entry.properties;
            let name =
                if region.is_empty() { "AzureCloud".to_owned() } else { format!("AzureCloud.{region}") };
            for prefix in entry.prefixes() {
                all += 1;
                inside += usize::from(AddrSet::from(prefix).is_subset(&sets[name.as_str()]));
            }
        }
        assert!(inside < all && 100 * inside > 95 * all, "{}: {inside} of {all}", cloud.file_code());
        assert!(sets["EOPExternalPublishedIPs"].is_disjoint(&sets["AzureCloud"]));
    }
}

#[test]
fn regions_do_not_overlap() {
    for cloud in CLOUDS {
        let mut regions: BTreeMap<String, AddrSet> = BTreeMap::new();
        for entry in sample(cloud).values {
            if entry.name.starts_with("AzureCloud.") {
                regions.insert(entry.properties.region.clone(), entry.set());
            }
        }
        let sum: u128 = regions.values().map(|set| set.count().to_u128().unwrap()).sum();
        let union = AddrSet::union_of(regions.values());
        assert_eq!(union.count().to_u128(), Some(sum));
    }
}

#[test]
fn services_are_disjoint_unless_one_is_inside_the_other() {
    for cloud in CLOUDS {
        let file = sample(cloud);
        let sets = sets(&file);
        let services: Vec<&str> = file
            .values
            .iter()
            .filter(|entry| entry.properties.region.is_empty() && entry.name != "AzureCloud")
            .map(|entry| entry.name.as_str())
            .collect();
        for (i, &a) in services.iter().enumerate() {
            for &b in &services[i + 1..] {
                let nested = sets[a].is_subset(&sets[b]) || sets[b].is_subset(&sets[a]);
                assert!(nested || sets[a].is_disjoint(&sets[b]), "{a} and {b}");
            }
        }
        assert!(sets["AzureMonitor.Core"].is_subset(&sets["AzureMonitor"]));
    }
}

#[test]
fn only_azure_cloud_can_be_minimised() {
    for cloud in CLOUDS {
        for entry in sample(cloud).values {
            let (given, fewest) = (entry.prefixes().len(), entry.set().prefixes().count());
            match entry.name.as_str() {
                "AzureCloud" => assert!(3 * fewest < given, "{given} to {fewest}"),
                name if name.starts_with("AzureCloud.") => {}
                name => assert_eq!(given, fewest, "{name}"),
            }
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn is_named_like_the_newest_published_file() -> Result<(), Box<dyn Error>> {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else { return Ok(()) };
    for cloud in CLOUDS {
        let path = newest(&Path::new(&shared).join("data/service-tags"), cloud)?;
        let mut json = Vec::new();
        std::io::copy(&mut liblzma::read::XzDecoder::new(std::fs::File::open(&path)?), &mut json)?;
        let real: File = serde_json::from_slice(&json)?;
        let ours = sample(cloud);
        assert_eq!(ours.values.len(), real.values.len(), "{}", path.display());
        for (ours, real) in ours.values.iter().zip(&real.values) {
            assert_eq!(ours.name, real.name);
            let fields = |p: &Properties| {
                (p.region.clone(), p.region_id, p.system_service.clone(), p.network_features.clone())
            };
            assert_eq!(fields(&ours.properties), fields(&real.properties), "{}", ours.name);
        }
    }
    Ok(())
}

/// The file names end in the date, so the last name is the newest file.
fn newest(folder: &Path, cloud: Cloud) -> Result<PathBuf, Box<dyn Error>> {
    let start = format!("ServiceTags_{}_", cloud.file_code());
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    names.retain(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&start))
    });
    names.into_iter().max().ok_or_else(|| format!("no {start}* in {}", folder.display()).into())
}
