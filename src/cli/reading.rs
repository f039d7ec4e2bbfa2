//! What a command is told to read: files, folders, generations, what a policy makes, standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::Data;
use super::select;
use crate::addr::IpPrefix;
use crate::catalog::Date;
use crate::environment::Environment;
use crate::pipeline;
use crate::policy::Policy;
use crate::read::ReadError;
use crate::read::live::{Live, LiveSubnet, Place, Pointer, is_ours, read_live};
use crate::report::MANIFEST;
use crate::site::live::{live_of, network};
use crate::site::published::Published;
use crate::tags::{Cloud, Snapshot, Symbol};
use crate::target::FormatName;
use crate::text::to_utf8;

/// The most bytes that are read of one export.
const MOST: u64 = 256 << 20;

/// How deep folders are looked into.
const DEEPEST: usize = 6;

/// A file by the name that it is called in places.
type Named = (String, Vec<u8>);

/// The tags that a command needs: got when they are first asked for, once.
pub(super) struct Tags<'d> {
    data: &'d Data,
    snapshot: Option<(Snapshot, Option<Date>)>,
}

impl<'d> Tags<'d> {
    pub(super) fn new(data: &'d Data) -> Self {
        Tags { data, snapshot: None }
    }

    /// The tags and their day, those of the cloud of a policy where there is one.
    pub(super) fn dated(&mut self, cloud: Option<Cloud>) -> Result<(&Snapshot, Option<Date>), Failure> {
        let (snapshot, day) = match &mut self.snapshot {
            Some(known) => known,
            empty => empty.insert(select::dated_snapshot(self.data, cloud)?),
        };
        Ok((snapshot, *day))
    }

    /// Gets the tags if any file names one: files of addresses alone need none.
    pub(super) fn for_files(&mut self, files: &[&Live]) -> Result<(), Failure> {
        if self.snapshot.is_none() && files.iter().any(|live| names_tags(live)) {
            self.dated(None)?;
        }
        Ok(())
    }

    /// The tags, if they were got.
    pub(super) fn known(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref().map(|(snapshot, _)| snapshot)
    }
}

/// Whether any rule names something that may be a tag of the published file.
fn names_tags(live: &Live) -> bool {
    let of_groups = live
        .groups
        .iter()
        .flat_map(|g| &g.rules)
        .flat_map(|r| r.rule.sources.iter().chain(&r.rule.destinations));
    let of_tables = live.tables.iter().flat_map(|t| &t.routes).flat_map(|r| &r.prefixes);
    let collections = live.collection_groups.iter().flat_map(|g| &g.collections);
    let collections = collections.chain(live.firewalls.iter().flat_map(|f| &f.collections));
    let of_firewalls = collections.flat_map(|c| &c.collection.rules).flat_map(|rule| match rule {
        crate::read::resources::FirewallRule::Network(rule) => rule.destinations.as_slice(),
        _ => &[],
    });
    let of_admins = live.admin_rules.iter().flat_map(|r| r.rule.sources.iter().chain(&r.rule.destinations));
    let is_tag = |text: &String| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.parse::<IpPrefix>().is_err()
            && !text.contains(':')
            && Symbol::find(text).is_none()
            && !text.eq_ignore_ascii_case("any")
    };
    of_groups.chain(of_tables).chain(of_firewalls).chain(of_admins).any(is_tag)
}

/// Reads what one argument names: parts of it are separated by commas where no file has the whole name.
pub(super) fn load(what: &str, tags: &mut Tags<'_>) -> Result<Live, Failure> {
    let parts: Vec<&str> = if Path::new(what).exists() { vec![what] } else { what.split(',').collect() };
    load_all(&parts, tags)
}

/// Reads several arguments together: files of parameters are for the templates among them, rules for their groups.
pub(super) fn load_all(parts: &[&str], tags: &mut Tags<'_>) -> Result<Live, Failure> {
    let (mut live, mut files) = (Live::default(), Vec::new());
    for part in parts {
        if let Some(policy) = policy_of(part) {
            live.extend(made(Path::new(policy), tags)?);
        } else if *part == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes);
            read.map_err(|error| Failure::Io(format!("standard input: {error}")))?;
            files.push(("-".to_owned(), bytes));
        } else {
            let path = Path::new(part);
            if path.is_dir() {
                live.extend(folder(path, &mut files)?);
            } else {
                files.push((part.to_string(), bytes_of(path)?));
            }
        }
    }
    live.extend(read(&files)?);
    if live.is_empty() {
        let notes: Vec<String> = live.passed_over.iter().map(ToString::to_string).collect();
        let what = parts.join(", ");
        let notes = if notes.is_empty() { String::new() } else { format!("\n{}", notes.join("\n")) };
        return Err(Failure::Input(format!(
            "{what}: no group, route table, firewall or network was found{notes}"
        )));
    }
    Ok(live)
}

/// The policy that an argument means.
pub(super) fn policy_of(part: &str) -> Option<&str> {
    part.strip_prefix("policy:").or_else(|| part.ends_with(".toml").then_some(part))
}

fn read(files: &[Named]) -> Result<Live, Failure> {
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    read_live(&named).map_err(|errors| told(&errors))
}

fn told(errors: &[ReadError]) -> Failure {
    Failure::Input(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Input(format!("{name}: there is no such file")),
        _ => Failure::Io(format!("{name}: {error}")),
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::Input(format!("{name}: more than {} MiB", MOST >> 20)));
    }
    Ok(bytes)
}

/// A folder: generations by what they publish, others by the files in them, which are added to `files`.
fn folder(path: &Path, files: &mut Vec<Named>) -> Result<Live, Failure> {
    let mut live = Live::default();
    let mut found = Found::default();
    found.walk(path, 0)?;
    for published in &found.published {
        live.extend(generation(published, path)?);
    }
    found.files.sort();
    for path in found.files {
        let (name, bytes) = (path.display().to_string(), bytes_of(&path)?);
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let text = || String::from_utf8(to_utf8(&bytes).into_owned()).is_ok_and(|text| is_ours(&name, &text));
        if is_json || text() {
            files.push((name, bytes));
        }
    }
    Ok(live)
}

/// Endings of files that may hold rules.
const ENDINGS: [&str; 5] = ["json", "tf", "bicep", "sh", "csv"];

/// What lies in a folder.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// Generations, also below other folders, as `generate --out` leaves them.
    published: Vec<Published>,
}

impl Found {
    fn walk(&mut self, folder: &Path, depth: usize) -> Result<(), Failure> {
        let is_published =
            [MANIFEST, "current", "generation.json"].iter().any(|name| folder.join(name).exists());
        if is_published && let Ok(published) = Published::read(folder) {
            self.published.push(published);
            return Ok(());
        }
        let failed = |error: std::io::Error| Failure::Io(format!("{}: {error}", folder.display()));
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !hidden && depth < DEEPEST {
                folders.push(path);
            } else if kind.is_file() && !hidden {
                let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
                if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
                    self.files.push(path);
                }
            }
        }
        folders.sort();
        folders.iter().try_for_each(|folder| self.walk(folder, depth + 1))
    }
}

/// The rules of a published folder. Files are called by the folder as it was named.
fn generation(published: &Published, named: &Path) -> Result<Live, Failure> {
    let mut live = Live::default();
    let real = named.canonicalize().unwrap_or_default();
    for environment in published.environments() {
        let called = |name: &str| {
            let file = environment.folder.join(name);
            file.strip_prefix(&real)
                .map_or_else(|_| file.clone(), |rest| named.join(rest))
                .display()
                .to_string()
        };
        live.extend(live_of(environment.name, &environment.files, &called).map_err(|errors| told(&errors))?);
    }
    Ok(live)
}

/// What `generate` would make of a policy now, as templates.
fn made(path: &Path, tags: &mut Tags<'_>) -> Result<Live, Failure> {
    let environment = select::environment(path)?;
    let (snapshot, day) = tags.dated(Some(environment.cloud()))?;
    let environment = environment.at(day)?;
    Ok(made_of(&environment, snapshot, &path.display().to_string())?.0)
}

/// What an environment makes with these tags, as templates, with its network; and what its policy was resolved to.
pub(super) fn made_of(
    environment: &Environment,
    snapshot: &Snapshot,
    name: &str,
) -> Result<(Live, Policy), Failure> {
    let mut source = environment.source().clone();
    source.intent.output.formats = vec![FormatName::Arm];
    let generation = pipeline::generate(&source, environment.catalog(), snapshot, None)?;
    let files: Vec<Named> = generation
        .files
        .iter()
        .filter(|file| file.format == Some(FormatName::Arm))
        .map(|file| (format!("policy:{name}/{}", file.name), file.bytes.clone()))
        .collect();
    let mut live = read(&files)?;
    // Templates make them where their resource group is; that of the firewall's policy may be elsewhere.
    for group in &mut live.ip_groups {
        group.location = Some(generation.policy.region.location());
    }
    live.extend(network_of(&generation.policy));
    let manifest = generation.files.iter().find(|file| file.name == MANIFEST);
    associate(&mut live, manifest.map_or(&[], |file| &file.bytes));
    Ok((live, generation.policy))
}

/// The rules that an environment made of earlier tags, without a proof that they are right.
pub(super) fn made_then(environment: &Environment, snapshot: &Snapshot, name: &str) -> Result<Live, Failure> {
    let mut source = environment.source().clone();
    source.intent.output.formats = vec![FormatName::Arm];
    let files = pipeline::unproven(&source, environment.catalog(), snapshot)?;
    let files = files.into_iter().filter(|file| file.format == Some(FormatName::Arm));
    read(&files.map(|file| (format!("policy:{name}/{}", file.name), file.bytes)).collect::<Vec<_>>())
}

/// Puts on subnets what a manifest says is on them.
fn associate(live: &mut Live, manifest: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(manifest) else { return };
    for association in manifest["associations"].as_array().into_iter().flatten() {
        let own = live.subnets.iter_mut().find(|subnet| association["subnet"] == subnet.name.as_str());
        if let Some(subnet) = own {
            subnet.group = association["nsg"].as_str().map(str::to_owned);
            subnet.table = association["route_table"].as_str().map(str::to_owned);
        }
    }
}

/// The network of a policy as others have theirs.
pub(super) fn network_of(policy: &Policy) -> Live {
    let mut own = network(&policy.name, &policy.network.space);
    let beside = policy.network.virtual_network().difference(&policy.network.space);
    own.peers = beside.prefixes().map(|prefix| prefix.to_string()).collect();
    own.location = Some(policy.region.location());
    let mut live = Live { networks: vec![own], ..Live::default() };
    live.subnets = policy
        .network
        .subnets
        .iter()
        .map(|(name, subnet)| LiveSubnet {
            name: name.clone(),
            network: Some(policy.name.clone()),
            prefixes: subnet.prefixes.prefixes().map(|prefix| prefix.to_string()).collect(),
            endpoints: subnet.endpoints.iter().map(|endpoint| endpoint.service.clone()).collect(),
            place: Place { file: policy.name.as_str().into(), line: 1, pointer: Pointer::default() },
            ..LiveSubnet::default()
        })
        .collect();
    live
}
