//! Which snapshot and cloud the flags mean.

use std::path::Path;

use super::Failure;
use super::args::Data;
use crate::store;
use crate::tags::{Cloud, Region, Snapshot, Tag, sample};
use crate::text::{did_you_mean, nearest};

/// The snapshot that the flags name; `cloud` is that of a policy, where one is read.
pub(super) fn snapshot(data: &Data, cloud: Option<Cloud>) -> Result<Snapshot, Failure> {
    let named = data.cloud.as_deref().map(find_cloud).transpose()?;
    let cloud = cloud.or(named);
    let snapshot = match data.snapshot.as_str() {
        "sample" => sample_of(cloud.unwrap_or(Cloud::Public))?,
        "latest" => {
            return Err(Failure::Input(
                "no snapshot is named: give --snapshot FILE with a downloaded service-tags file, or --snapshot sample".to_owned(),
            ));
        }
        file => store::load_file(Path::new(file))?,
    };
    match named {
        Some(named) if named != snapshot.cloud() => Err(Failure::Input(format!(
            "{} is of the cloud {}, not of {named}",
            data.snapshot,
            snapshot.cloud()
        ))),
        _ => Ok(snapshot),
    }
}

fn sample_of(cloud: Cloud) -> Result<Snapshot, Failure> {
    let json = sample::sample_json(cloud)
        .ok_or_else(|| Failure::Input(format!("there is no built-in sample of the cloud {cloud}")))?;
    Ok(Snapshot::parse(&json)?)
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
    snapshot.regions().find(text).map(AsRef::as_ref).ok_or_else(|| {
        let names: Vec<String> = snapshot.regions().locations().collect();
        let hint = did_you_mean(&nearest(text, names.iter().map(String::as_str)));
        Failure::Input(format!("the cloud {} has no region `{text}`{hint}", snapshot.cloud()))
    })
}

/// Finds a tag, or says which are near.
pub(super) fn find_tag<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s Tag, String> {
    let by_region = || {
        let (base, ending) = name.split_once('.')?;
        snapshot.tag(&snapshot.regions().find(ending)?.tag_name(base))
    };
    snapshot
        .tag(name)
        .or_else(by_region)
        .map(AsRef::as_ref)
        .ok_or_else(|| format!("the snapshot has no tag `{name}`{}", did_you_mean(&snapshot.nearest(name))))
}
