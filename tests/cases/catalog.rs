//! The built-in catalogue as a whole: every workload in every place, held against the published files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tagwall::catalog::*;
use tagwall::tags::{Cloud, Region, Regions, Snapshot};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/catalog")
}

/// The shared facts and files, where the environment says that there are some.
fn shared() -> Option<PathBuf> {
    std::env::var_os("TAGWALL_SHARED").map(PathBuf::from)
}

fn sample(option: &OptionSpec) -> Vec<OptionValue> {
    let text = |t: &str| OptionValue::Text(t.to_owned());
    match &option.kind {
        OptionKind::Bool => vec![OptionValue::Bool(false), OptionValue::Bool(true)],
        OptionKind::Port => vec![text("22"), text("2222")],
        OptionKind::Ports => vec![text("443,8000-8010"), text("*")],
        OptionKind::Priority => vec![text("100"), text("120")],
        OptionKind::Text => vec![text("sample")],
        OptionKind::Choice(values) => values.iter().map(|v| text(v)).collect(),
        OptionKind::List => {
            let hosts = option.name.ends_with("-hosts");
            let names = option.name.ends_with("accounts") || option.name.ends_with("registries");
            let ids = option.name.ends_with("-ids");
            let list = match () {
                () if hosts => ["one.example.org", "two.example.org"],
                () if names || ids => ["one", "two"],
                () => ["192.0.2.0/28", "198.51.100.7"],
            };
            vec![OptionValue::List(vec![]), OptionValue::List(list.map(str::to_owned).to_vec())]
        }
    }
}

/// The defaults, everything at its last sample value (on, given), then every option by itself at each of its values.
fn settings(workload: &Workload) -> Vec<BTreeMap<String, OptionValue>> {
    let mut all = vec![BTreeMap::new(), BTreeMap::new()];
    for option in workload.options() {
        for value in sample(option) {
            all.push(BTreeMap::from([(option.name.clone(), value.clone())]));
            all[1].insert(option.name.clone(), value);
        }
    }
    all
}

/// How many of the settings to try in a region: all of them where something is odd about its names, pair or tags.
fn thorough(region: &Region) -> usize {
    let odd = ["westeurope", "norwayeast", "italynorth", "eastus2", "eastus2stage", "newzealandnorth"];
    let all = region.cloud() != Cloud::Public || odd.contains(&region.location().as_str());
    if all { usize::MAX } else { 2 }
}

fn context<'a>(
    cloud: Cloud,
    region: &'a Region,
    options: &'a BTreeMap<String, OptionValue>,
    prefer: Prefer,
) -> Context<'a> {
    Context {
        cloud,
        region,
        regions: Regions::of(cloud),
        options,
        prefer,
        without: &[],
        with: &[],
        as_of: Catalog::version(),
    }
}

/// Calls `each` for every workload in every cloud where it exists, in every region and style.
fn everywhere(mut each: impl FnMut(&Workload, &Context<'_>, Resolved)) {
    for workload in Catalog::builtin().workloads() {
        let settings = settings(workload);
        for &cloud in workload.clouds() {
            for region in Regions::of(cloud).iter().filter(|r| !r.suffix().is_empty()) {
                for options in settings.iter().take(thorough(region)) {
                    for prefer in Prefer::ALL {
                        let context = context(cloud, region, options, prefer);
                        let resolved = workload.resolve(&context).unwrap_or_else(|errors| {
                            panic!("{} in {}: {errors:?}", workload.name(), region.location())
                        });
                        each(workload, &context, resolved);
                    }
                }
            }
        }
    }
}

#[test]
fn every_file_is_built_in() {
    let names: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            name.ends_with(".toml") && !["not-rows.toml", "versions.toml"].contains(&name.as_str())
        })
        .collect();
    let list = std::fs::read_to_string(directory().join("../../src/catalog/builtin.rs")).unwrap();
    let built_in: BTreeSet<String> = list
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix('"')?.strip_suffix("\",")?.to_owned() + ".toml"))
        .collect();
    assert_eq!(names, built_in);
    let workloads: BTreeSet<String> =
        Catalog::builtin().workloads().map(|w| w.name().to_owned() + ".toml").collect();
    assert!(workloads.is_subset(&names), "each workload stands in a file of its name");
}

#[test]
fn every_workload_resolves_everywhere() {
    let mut count = 0;
    everywhere(|workload, context, resolved| {
        count += 1;
        let place = format!("{} in {}", workload.name(), context.region.location());
        let all = || resolved.rows.iter().chain(&resolved.replaced);
        let ids: BTreeSet<&str> = all().map(|r| r.id.as_str()).collect();
        assert_eq!(ids.len(), all().count(), "{place}: ids are unique");
        for row in all() {
            assert!(!row.source.is_empty() && !row.purpose.is_empty(), "{place}: {}", row.id);
            assert!(row.covered_by.iter().all(|id| ids.contains(id.as_str())), "{place}: {}", row.id);
        }
        let taken: BTreeSet<&str> = all().map(|r| r.row.as_str()).collect();
        for row in workload.rows().iter().filter(|r| !taken.contains(r.id())) {
            let skipped = resolved.skipped.iter().find(|s| s.id == row.id());
            assert!(
                skipped.is_some_and(|s| !s.why.to_string().is_empty()),
                "{place}: {} is accounted for",
                row.id()
            );
        }
    });
    assert!(count > 5_000, "{count}");
}

#[test]
fn required_needs_are_met_in_either_style() {
    // Tags must reach whatever hosts reach: a required row is taken, replaced or covered in every style.
    everywhere(|workload, context, resolved| {
        let taken: BTreeSet<&str> =
            resolved.rows.iter().chain(&resolved.replaced).map(|r| r.row.as_str()).collect();
        for row in workload.rows().iter().filter(|r| r.required() && !taken.contains(r.id())) {
            let skipped = resolved.skipped.iter().find(|s| s.id == row.id()).unwrap();
            let fine = matches!(
                skipped.why.reason(),
                SkipReason::Condition | SkipReason::NotHere | SkipReason::OptionMissing | SkipReason::Date
            );
            assert!(fine, "{} in {}: {skipped:?}", workload.name(), context.region.location());
        }
    });
}

#[test]
fn workloads_say_where_they_exist() {
    let options = BTreeMap::new();
    for workload in Catalog::builtin().workloads() {
        for cloud in Cloud::ALL.into_iter().filter(|c| !workload.clouds().contains(c)) {
            let region = Regions::of(cloud).iter().next().unwrap();
            let errors = workload.resolve(&context(cloud, region, &options, Prefer::Auto)).unwrap_err();
            assert!(errors[0].to_string().contains("does not exist in cloud"), "{errors:?}");
        }
    }
    let region = Regions::of(Cloud::Public).find("brazilne").unwrap();
    let workload = Catalog::builtin().workload("aml-compute").unwrap();
    let errors = workload.resolve(&context(Cloud::Public, region, &options, Prefer::Auto)).unwrap_err();
    assert!(errors[0].to_string().contains("no service tags but AzureCloud"), "{errors:?}");
}

fn newest(shared: &std::path::Path, cloud: Cloud) -> Snapshot {
    let directory = shared.join("data/service-tags");
    let name = if cloud == Cloud::Germany { "AzureGermany" } else { cloud.file_code() };
    let prefix = format!("ServiceTags_{name}_");
    let newest = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&prefix) && name.ends_with(".json.xz"))
        .max()
        .unwrap();
    let packed = std::fs::read(directory.join(&newest)).unwrap();
    let mut json = Vec::new();
    std::io::Read::read_to_end(&mut liblzma::read::XzDecoder::new(packed.as_slice()), &mut json).unwrap();
    Snapshot::parse(&json).unwrap_or_else(|error| panic!("{newest}: {error}"))
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn tags_exist_or_are_known_to_be_absent() {
    let Some(shared) = shared() else { return };
    let snapshots: BTreeMap<Cloud, Snapshot> =
        Cloud::ALL.into_iter().map(|cloud| (cloud, newest(&shared, cloud))).collect();
    let catalog = Catalog::builtin();
    let mut wrong = BTreeSet::new();
    everywhere(|workload, context, resolved| {
        let snapshot = &snapshots[&context.cloud];
        for row in resolved.rows.iter().chain(&resolved.replaced) {
            let RemoteSpec::Tag(name) = row.need.remote() else { continue };
            match snapshot.tag(name) {
                Some(tag) if tag.name().as_str() != name => {
                    wrong.insert(format!("{}: {name} is spelt {}", context.cloud, tag.name()));
                }
                Some(_) => {}
                None => match catalog.absent(context.cloud, name) {
                    None => drop(wrong.insert(format!("{}: no {name} ({})", context.cloud, workload.name()))),
                    Some(absent) => {
                        if let Some(cover) = absent.cover_of(name).filter(|c| snapshot.tag(c).is_none()) {
                            wrong.insert(format!(
                                "{}: {name} is covered by {cover}, which is absent",
                                context.cloud
                            ));
                        }
                    }
                },
            }
        }
        for rule in &resolved.managed {
            for remote in [&rule.source, &rule.destination] {
                if let ManagedSide::Spec(RemoteSpec::Tag(name)) = remote
                    && snapshot.tag(name).is_none()
                    && catalog.outside(context.cloud, name).is_none()
                {
                    wrong.insert(format!("{}: no {name} ({})", context.cloud, rule.id));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Words such as `aml-o1` or `hd-5` in the first cell of a table's line.
fn row_ids(facts: &str) -> BTreeSet<String> {
    let families = ["aml", "tr", "py", "r", "vs", "rs", "dk", "hf", "ub", "vm", "hd", "db"];
    let is_id = |word: &str| {
        let Some((family, rest)) = word.split_once('-') else { return false };
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = rest.len() - digits.len();
        families.contains(&family)
            && letters < 2
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
    };
    facts
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .map(str::trim)
        .filter(|word| is_id(word))
        .map(str::to_owned)
        .collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_row_of_the_facts_is_here() {
    let Some(shared) = shared() else { return };
    let facts = std::fs::read_to_string(shared.join("azure/workloads.md")).unwrap();
    let wanted = row_ids(&facts);
    assert!(wanted.len() > 70, "{wanted:?}");
    let mut known: BTreeSet<String> = BTreeSet::new();
    for workload in Catalog::builtin().workloads() {
        known.extend(workload.rows().iter().map(|r| r.id().to_owned()));
        known.extend(workload.managed().iter().map(|m| m.id.clone()));
    }
    let text = std::fs::read_to_string(directory().join("not-rows.toml")).unwrap();
    let excused: toml::Table = text.parse().unwrap();
    let mut excused_ids = BTreeSet::new();
    for entry in excused["not-row"].as_array().unwrap() {
        assert!(!entry["why"].as_str().unwrap().is_empty());
        excused_ids.insert(entry["id"].as_str().unwrap().to_owned());
    }
    let missing: Vec<_> =
        wanted.iter().filter(|id| !known.contains(*id) && !excused_ids.contains(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let both: Vec<_> = excused_ids.intersection(&known).collect();
    assert!(both.is_empty(), "excused and present: {both:?}");
}

#[test]
fn the_examples_of_the_readme_load() {
    let readme = std::fs::read_to_string(directory().join("README.md")).unwrap();
    let examples: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let workload = format!("{}\n{}", examples[0], examples[1]);
    let files =
        [("labs.toml".to_owned(), workload), ("own.toml".to_owned(), examples.last().unwrap().to_string())];
    let catalog = Catalog::builtin().extended(&files).unwrap_or_else(|error| panic!("{error}"));
    assert!(catalog.workload("labs").unwrap().row("lab-1").is_some());
    let own = catalog.workload("aml-compute").unwrap().row("aml-o1").unwrap();
    assert_eq!(own.flows().next().unwrap().1, "443");
}
