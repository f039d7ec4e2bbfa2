//! Which snapshot and cloud the flags mean.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::Failure;
use super::args::{Data, Place};
use crate::catalog::Catalog;
use crate::environment::{Environment, EnvironmentError, LIMITS};
use crate::store::{self, Kind, Store, StoredSnapshot};
use crate::tags::{Cloud, Region, Snapshot, Tag, sample, unknown_region};
use crate::text::{did_you_mean, nearest};

/// The snapshot that the flags name; `cloud` is that of a policy, where one is read.
pub(super) fn snapshot(data: &Data, cloud: Option<Cloud>) -> Result<Snapshot, Failure> {
    Ok(dated_snapshot(data, cloud)?.0)
}

/// The snapshot that the flags name, and its day where that is known.
pub(super) fn dated_snapshot(data: &Data, cloud: Option<Cloud>) -> Result<(Snapshot, Option<Date>), Failure> {
    let named = data.cloud.as_deref().map(find_cloud).transpose()?;
    let cloud = cloud.or(named);
    let (snapshot, day) = find_dated(&data.snapshot, &data.place, cloud)?;
    match named {
        Some(named) if named != snapshot.cloud() => Err(Failure::Input(format!(
            "{} is of the cloud {}, not of {named}",
            data.snapshot,
            snapshot.cloud()
        ))),
        _ => Ok((snapshot, day)),
    }
}

/// The snapshot called `name`: built in, in the store or in a file.
pub(super) fn find_snapshot(name: &str, place: &Place, cloud: Option<Cloud>) -> Result<Snapshot, Failure> {
    Ok(find_dated(name, place, cloud)?.0)
}

/// The snapshot called `name`, and its day: of publication, or of arrival in the store. The built-in sample and files
/// without a date in their name have none.
pub(super) fn find_dated(
    name: &str,
    place: &Place,
    cloud: Option<Cloud>,
) -> Result<(Snapshot, Option<Date>), Failure> {
    let wanted = match name {
        "sample" => return Ok((sample_of(cloud.unwrap_or(Cloud::Public))?, None)),
        "latest" => return latest(place, cloud.unwrap_or(Cloud::Public), Kind::File),
        "latest-api" => return latest(place, cloud.unwrap_or(Cloud::Public), Kind::Api),
        name => Wanted::read(name),
    };
    if let Some(wanted) = wanted {
        let store = store(place)?;
        match stored(&store, &wanted, name, cloud)? {
            Some(entry) => return Ok((store.load(&entry)?, Some(entry.day()))),
            None if !Path::new(name).exists() => return Err(not_stored(&store, name)),
            None => {}
        }
    }
    Ok((store::load_file(Path::new(name))?, store::date_in_name(name)))
}

/// The store that the flags name, or the user's own.
pub(super) fn store(place: &Place) -> Result<Store, Failure> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let root = place
        .store
        .clone()
        .or_else(|| folder("XDG_DATA_HOME").map(|d| d.join("tagwall/snapshots")))
        .or_else(|| folder("HOME").map(|d| d.join(".local/share/tagwall/snapshots")))
        .or_else(|| folder("LOCALAPPDATA").map(|d| d.join("tagwall/snapshots")));
    root.map(Store::new).ok_or_else(|| {
        Failure::Input("there is no home folder to keep snapshots in: give --store DIR".to_owned())
    })
}

/// Reads an environment, upon the user's own limits where it has none beside it.
pub(super) fn environment(path: &Path) -> Result<Environment, EnvironmentError> {
    Environment::read_upon(path, limits().as_deref())
}

/// The user's own file of limits, if there is one.
pub(super) fn limits() -> Option<PathBuf> {
    config_folder().map(|folder| folder.join(LIMITS)).filter(|path| path.is_file())
}

/// Where the user's own settings lie, if there is such a folder.
fn config_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .or_else(|| folder("APPDATA"))
        .map(|folder| folder.join("tagwall"))
}

fn latest(place: &Place, cloud: Cloud, kind: Kind) -> Result<(Snapshot, Option<Date>), Failure> {
    let store = store(place)?;
    let (good, damaged) = store.last_good(cloud, kind)?;
    damaged.iter().for_each(|text| super::output::say(&format!("warning: {text}")));
    match good {
        Some((entry, snapshot)) => Ok((snapshot, Some(entry.day()))),
        None => first(&store, cloud, kind),
    }
}

/// The first snapshot of an empty store: downloaded.
#[cfg(feature = "fetch")]
fn first(store: &Store, cloud: Cloud, kind: Kind) -> Result<(Snapshot, Option<Date>), Failure> {
    use clap::Parser;
    let mut source = super::args::SourceFromEnvironment::parse_from(["tagwall"]).source;
    if kind == Kind::Api {
        source.source = "api".to_owned();
    }
    let root = store.root().display();
    super::output::say(&format!("no snapshot of the cloud {cloud} is in {root} yet: getting one"));
    let online = super::online::Online::new(&source)?;
    let terms = store::Terms {
        thresholds: store::guard::Thresholds::default(),
        accepted: Vec::new(),
        now: super::clock::now(),
    };
    let got = online.fetch_into(store, cloud, &terms).map_err(|failure| match failure {
        Failure::Io(text) => Failure::Io(format!("{text}\n{}", other_ways())),
        other => other,
    })?;
    let day = Some(got.entry.day());
    match got.snapshot {
        Some(snapshot) => Ok((snapshot, day)),
        None => Ok((store.load(&got.entry)?, day)),
    }
}

#[cfg(not(feature = "fetch"))]
fn first(store: &Store, cloud: Cloud, _: Kind) -> Result<(Snapshot, Option<Date>), Failure> {
    let root = store.root().display();
    Err(Failure::Input(format!("no snapshot of the cloud {cloud} is in {root}: {}", other_ways())))
}

/// What can be done where nothing can be downloaded.
fn other_ways() -> &'static str {
    "without a network, name a downloaded file with --snapshot FILE, keep it with `tagwall snapshots add FILE`, or use \
     --snapshot sample"
}

/// A snapshot of the store by one of its marks.
enum Wanted {
    Date(Date),
    Number(u64),
    Digest(String),
}

impl Wanted {
    fn read(name: &str) -> Option<Wanted> {
        let compact = name.len() == 8 && name.starts_with("20");
        let date = name.parse().ok().filter(|_| name.len() == 10).or_else(|| {
            let named = if compact { name } else { "" };
            Date::strptime("%Y%m%d", named).ok()
        });
        let hex = name.len() >= 6 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = name.parse().ok().filter(|_| name.len() < 6);
        date.map(Wanted::Date)
            .or(number.map(Wanted::Number))
            .or_else(|| hex.then(|| Wanted::Digest(name.to_owned())))
    }

    fn fits(&self, entry: &StoredSnapshot) -> bool {
        match self {
            Wanted::Date(date) => entry.dates.contains(date),
            Wanted::Number(number) => entry.change_number == *number,
            Wanted::Digest(start) => entry.digest.starts_with(start.as_str()),
        }
    }
}

/// The one entry that fits; published files before what the API gave, which is only found by its digest.
fn stored(
    store: &Store,
    wanted: &Wanted,
    name: &str,
    cloud: Option<Cloud>,
) -> Result<Option<StoredSnapshot>, Failure> {
    // A digest says the cloud by itself; a date or number alone is that of the public cloud.
    let by_digest = matches!(wanted, Wanted::Digest(_));
    let cloud = cloud.or((!by_digest).then_some(Cloud::Public));
    let fits = |e: &StoredSnapshot| {
        wanted.fits(e)
            && (by_digest || e.kind == Kind::File)
            && cloud.is_none_or(|c| Cloud::find(&e.cloud) == Some(c))
    };
    let mut found: Vec<StoredSnapshot> = store.list()?.entries.into_iter().filter(fits).collect();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let each: Vec<String> = found.iter().map(|e| format!("{} {}", e.day(), e.short())).collect();
            let text = format!("{name} is not one snapshot but {}: {}", found.len(), each.join(", "));
            Err(Failure::Input(format!("{text}; name one by its digest")))
        }
    }
}

fn not_stored(store: &Store, name: &str) -> Failure {
    Failure::Input(format!(
        "there is no file {name}, and {} has no snapshot of that date, number or digest; `tagwall snapshots` lists \
         what it has",
        store.root().display()
    ))
}

fn sample_of(cloud: Cloud) -> Result<Snapshot, Failure> {
    let json = sample::sample_json(cloud)
        .ok_or_else(|| Failure::Input(format!("there is no built-in sample of the cloud {cloud}")))?;
    Ok(Snapshot::parse(&json)?)
}

/// The catalogue with the facts of the day that is asked for, else of that of the data, else its own.
pub(super) fn at(catalog: Catalog, asked: Option<Date>, of_data: Option<Date>) -> Catalog {
    match asked.or(of_data) {
        Some(day) => catalog.at(day),
        None => catalog,
    }
}

/// Finds a cloud by name.
pub(super) fn find_cloud(text: &str) -> Result<Cloud, Failure> {
    Cloud::find(text).ok_or_else(|| {
        let hint = did_you_mean(&nearest(text, Cloud::ALL.map(Cloud::name)));
        Failure::Input(format!("there is no cloud `{text}`{hint}; known are public, usgov, china, germany"))
    })
}

/// Finds a region of a snapshot by any of its names.
pub(super) fn find_region<'s>(snapshot: &'s Snapshot, text: &str) -> Result<&'s Region, Failure> {
    snapshot
        .regions()
        .find(text)
        .map(AsRef::as_ref)
        .ok_or_else(|| Failure::Input(unknown_region(snapshot.cloud(), snapshot.regions(), text)))
}

/// The snapshot has no such tag.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot has no tag `{name}`{hint}")]
pub(super) struct NoTag {
    name: String,
    /// Why, where that is known, or which are near.
    hint: String,
}

/// Finds a tag, or says which are near.
pub(super) fn find_tag<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s Tag, NoTag> {
    let by_region = || {
        let (base, ending) = name.split_once('.')?;
        snapshot.tag(&snapshot.regions().find(ending)?.tag_name(base))
    };
    snapshot.tag(name).or_else(by_region).map(AsRef::as_ref).ok_or_else(|| {
        let why = Catalog::builtin().why_absent(snapshot.cloud(), name).map(|why| format!(": {why}"));
        let hint = why.unwrap_or_else(|| did_you_mean(&snapshot.nearest(name)));
        NoTag { name: name.to_owned(), hint }
    })
}
