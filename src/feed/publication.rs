//! [`Publication`]: the published generation with its environments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, GENERATION, HTML};
use super::body::Body;
use super::list;
use super::readable::Readable;
use super::trouble::{NoEnvironment, Trouble};
use crate::catalog::Date;
use crate::report::MANIFEST;
use crate::report::changes::Step;
use crate::site::{Record, Site, SiteError};
use crate::tags::Snapshot;
use crate::target::MediaType;
use crate::text::{did_you_mean, nearest, sha256_hex};

/// The published generation of a folder.
#[derive(Debug)]
pub struct Publication {
    site: Site,
    record: Record,
    environments: BTreeMap<String, Environment>,
    /// Environments whose description cannot be used, which are not handed out.
    broken: BTreeSet<String>,
    /// When the content of each file was first published, as far back as there are generations.
    first: BTreeMap<String, Timestamp>,
    changes: OnceLock<Vec<EnvironmentChange>>,
    read: Mutex<RecentFiles>,
    /// The environments that were asked about last, the newest at the end.
    readable: Mutex<Vec<Arc<Readable>>>,
}

/// Files that were asked for lately, so that they are neither read nor packed for each request.
#[derive(Debug, Default)]
struct RecentFiles {
    bodies: HashMap<String, Arc<Body>>,
    bytes: usize,
}

/// Of so many environments the rules are kept, ready to be asked.
const READABLE: usize = 8;

/// The most bytes of files that are kept, as they are.
const MOST_KEPT: usize = 16 << 20;

impl RecentFiles {
    fn add(&mut self, path: String, body: &Arc<Body>) {
        if self.bytes + body.bytes().len() > MOST_KEPT {
            *self = RecentFiles::default();
        }
        self.bytes += body.bytes().len();
        self.bodies.insert(path, body.clone());
    }
}

/// One environment, as its manifest describes it.
#[derive(Debug, Clone, Serialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Name of the cloud.
    pub cloud: String,
    /// Azure location.
    pub region: String,
    /// The data that it was made from.
    pub snapshot: Data,
    /// How much of each limit is used.
    pub limits: Vec<Used>,
    /// What could not be said, and is not covered otherwise.
    pub gaps: usize,
    /// Whether no address is let through that was not asked for.
    pub exact: bool,
    /// Its files.
    pub files: Vec<PublishedFile>,
}

/// The data behind an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Data {
    /// The file's own number; a label only.
    pub change_number: u64,
    /// Digest of the content.
    pub sha256: String,
}

/// A file of an environment.
#[derive(Debug, Clone, Serialize)]
pub struct PublishedFile {
    /// Its path below the environment.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What a generation changed in one environment.
#[derive(Debug, Clone, Serialize)]
pub struct EnvironmentChange {
    /// Name of the environment.
    pub environment: String,
    /// The generation that brought it.
    pub generation: u64,
    /// When that was published.
    pub at: Timestamp,
    /// Rules that came, went or changed.
    pub rules: Vec<ChangedRule>,
    /// Tags in use whose addresses changed.
    pub tags: Vec<String>,
}

/// A rule that came, went or changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangedRule {
    /// `added`, `removed` or `changed`.
    pub event: String,
    /// Where the rule is.
    pub target: String,
    /// The resource that it is in.
    pub resource: String,
    /// Its name.
    pub rule: String,
    /// The tags whose change is behind it.
    #[serde(default)]
    pub because: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    cloud: String,
    region: String,
    snapshot: Data,
    limits: Limits,
    precision: Precision,
    #[serde(default)]
    gaps: Vec<Gap>,
}

#[derive(Deserialize)]
struct Limits {
    usage: Vec<Used>,
}

/// How much of one limit is used, as a manifest says it, which another version of tagwall may have written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Name of the limit.
    pub key: String,
    /// The resource that is counted.
    pub of: String,
    /// How much it uses.
    pub have: u64,
    /// The figure that applies.
    pub limit: u64,
    /// The newest figure.
    pub current: u64,
    /// The figure of older subscriptions and tools.
    pub conservative: u64,
}

#[derive(Deserialize)]
struct Precision {
    exact: bool,
}

#[derive(Deserialize)]
struct Gap {
    #[serde(default)]
    covered_by: Vec<String>,
}

#[derive(Deserialize)]
struct Changed {
    name: String,
    rules: Vec<ChangedRule>,
    tags: Vec<ChangedTag>,
}

#[derive(Deserialize)]
struct ChangedTag {
    name: String,
}

impl Publication {
    /// Reads the published generation; `None` where nothing is published yet. Says what cannot be used.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn read(site: &Site) -> Result<Option<(Self, Vec<Trouble>)>, SiteError> {
        let Some(record) = site.current()? else { return Ok(None) };
        let mut troubles = Vec::new();
        let (mut environments, mut broken) = (BTreeMap::new(), BTreeSet::new());
        for path in record.files.keys() {
            let Some(name) = path.strip_suffix(MANIFEST).and_then(|folder| folder.strip_suffix('/')) else {
                continue;
            };
            if name.contains('/') {
                continue;
            }
            match environment(site, &record, name, path) {
                Ok(found) => drop(environments.insert(name.to_owned(), found)),
                Err(why) => {
                    let (generation, path) = (record.number, path.clone());
                    troubles.push(Trouble::Environment { generation, path, why });
                    broken.insert(name.to_owned());
                }
            }
        }
        let first = first_published(site, &record);
        let site = site.clone();
        Ok(Some((
            Publication {
                site,
                record,
                environments,
                broken,
                first,
                changes: OnceLock::new(),
                read: Mutex::default(),
                readable: Mutex::default(),
            },
            troubles,
        )))
    }

    /// What the generation is.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The environments by name.
    pub fn environments(&self) -> &BTreeMap<String, Environment> {
        &self.environments
    }

    /// An environment, or the answer where there is none of this name.
    ///
    /// # Errors
    /// An answer of status 404 with the nearest names; 503 where it is damaged.
    pub fn environment(&self, name: &str) -> Result<&Environment, Box<Answer>> {
        self.environments.get(name).ok_or_else(|| {
            if self.broken.contains(name) {
                let text = format_args!("{name} is published, but damaged; keep what you have");
                return Box::new(Answer::unavailable(text, 300));
            }
            let near = nearest(name, self.environments.keys().map(String::as_str));
            let text = format_args!("there is no environment `{name}`{}", did_you_mean(&near));
            Box::new(Answer::unknown(text))
        })
    }

    /// The digest and time of a file, for questions that need no bytes.
    fn known(&self, path: &str) -> Option<(&str, Option<Timestamp>)> {
        let sha256 = self.record.files.get(path)?;
        Some((sha256, self.first.get(path).copied()))
    }

    /// A file of an environment, exactly as it was published.
    pub fn file(&self, environment: &str, file: &str) -> Answer {
        if let Err(unknown) = self.environment(environment) {
            return *unknown;
        }
        let path = path_of(environment, file);
        let Some((sha256, modified)) = self.known(&path) else {
            return self.unknown_file(environment, file);
        };
        let number = self.record.number;
        let good = |body: Arc<Body>| {
            let media = media(file);
            let mut answer = Answer::good(media, body).with(GENERATION, number);
            if media == HTML {
                answer = answer.with("content-security-policy", FILE_POLICY);
            }
            Answer { modified, ..answer }
        };
        let kept = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().bodies.get(&path).cloned();
        if let Some(body) = known {
            return good(body);
        }
        let bytes = match self.bytes_at(&path) {
            Ok(bytes) => bytes,
            Err(refusal) => return *refusal,
        };
        if bytes.is_empty() && ["lists/", "edl/"].iter().any(|folder| file.starts_with(folder)) {
            return list::empty(&path);
        }
        let body = Arc::new(Body::known(Bytes::from(bytes), sha256.to_owned()));
        kept().add(path, &body);
        good(body)
    }

    fn unknown_file(&self, environment: &str, file: &str) -> Answer {
        let names = self.environments[environment].files.iter().map(|file| file.name.as_str());
        let near = nearest(file, names);
        Answer::unknown(format_args!(
            "the environment {environment} has no file `{file}`{}",
            did_you_mean(&near)
        ))
    }

    /// The bytes of a file of an environment, as they were published.
    fn bytes_of(&self, environment: &str, file: &str) -> Result<Vec<u8>, Box<Answer>> {
        self.bytes_at(&path_of(environment, file))
    }

    fn bytes_at(&self, path: &str) -> Result<Vec<u8>, Box<Answer>> {
        let number = self.record.number;
        let Some(bytes) = self.site.read(number, path) else {
            let text = format_args!("{path} of generation {number} cannot be read now");
            return Err(Box::new(Answer::unavailable(text, 30)));
        };
        if self.record.files.get(path) == Some(&sha256_hex(&bytes)) {
            return Ok(bytes);
        }
        Err(Box::new(Answer::unavailable(
            format_args!(
                "{path} of generation {number} was changed after it was published; it is not handed out"
            ),
            300,
        )))
    }

    /// The rules of an environment, ready to be asked; `snapshot` has the tags of its cloud, whose facts hold on `day`. Those
    /// that were asked last are kept.
    pub(super) fn readable(
        &self,
        name: &str,
        snapshot: &Snapshot,
        day: Option<Date>,
    ) -> Result<Arc<Readable>, Box<Answer>> {
        let kept = || self.readable.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().iter().find(|known| known.is_of(name, snapshot)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for file in &self.environment(name)?.files {
            files.insert(&file.name, self.bytes_of(name, &file.name)?);
        }
        let own = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let readable = Readable::read(name, &own, snapshot, day)
            .map_err(|why| Box::new(Answer::unavailable(format_args!("{name}: {why}"), 300)))?;
        let readable = Arc::new(readable);
        let mut known = kept();
        known.retain(|known| !known.is_of(name, snapshot));
        if known.len() == READABLE {
            known.remove(0);
        }
        known.push(readable.clone());
        Ok(readable)
    }

    /// What the generation keeps of an environment's rules for the next, or as much of it as `T` holds; `None` if it is not
    /// as it was published.
    pub(super) fn kept<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = format!(".state/{name}.json");
        let bytes = self.site.read(self.record.number, &path)?;
        (self.record.files.get(&path) == Some(&sha256_hex(&bytes))).then_some(())?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The generations of an environment that are remembered, the oldest first.
    pub fn past(&self, name: &str) -> Vec<Step> {
        #[derive(Deserialize)]
        struct Kept {
            #[serde(default)]
            past: Vec<Step>,
        }
        self.kept(name).map_or_else(Vec::new, |kept: Kept| kept.past)
    }

    /// What the kept generations changed, newest first.
    pub fn changes(&self) -> &[EnvironmentChange] {
        self.changes.get_or_init(|| {
            let numbers =
                self.site.numbers().into_iter().rev().filter(|&number| number <= self.record.number);
            numbers.flat_map(|number| self.changes_of(number)).collect()
        })
    }

    fn changes_of(&self, number: u64) -> Vec<EnvironmentChange> {
        let read = || {
            let record = self.site.record(number).ok()?;
            let bytes = self.site.read(number, "changes.json")?;
            // Only what was published is told.
            (record.files.get("changes.json") == Some(&sha256_hex(&bytes))).then_some(())?;
            Some((record.published_at, serde_json::from_slice::<Vec<Changed>>(&bytes).ok()?))
        };
        let Some((at, changed)) = read() else { return Vec::new() };
        changed
            .into_iter()
            .filter(|changed| !changed.rules.is_empty())
            .map(|changed| EnvironmentChange {
                environment: changed.name,
                generation: number,
                at,
                rules: changed.rules,
                tags: changed.tags.into_iter().map(|tag| tag.name).collect(),
            })
            .collect()
    }
}

/// The path of a file of an environment in a generation.
fn path_of(environment: &str, file: &str) -> String {
    format!("{environment}/{file}")
}

fn environment(site: &Site, record: &Record, name: &str, path: &str) -> Result<Environment, NoEnvironment> {
    let bytes = site.read(record.number, path).ok_or(NoEnvironment::Unreadable)?;
    if record.files.get(path) != Some(&sha256_hex(&bytes)) {
        return Err(NoEnvironment::Changed);
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)?;
    if manifest.name != name {
        return Err(NoEnvironment::Other(manifest.name));
    }
    let below = |file| str::strip_prefix(file, name).and_then(|rest| rest.strip_prefix('/'));
    let below = record.files.iter().filter_map(|(file, sum)| Some((below(file)?, sum)));
    Ok(Environment {
        name: manifest.name,
        cloud: manifest.cloud,
        region: manifest.region,
        snapshot: manifest.snapshot,
        limits: manifest.limits.usage,
        gaps: manifest.gaps.iter().filter(|gap| gap.covered_by.is_empty()).count(),
        exact: manifest.precision.exact,
        files: below
            .map(|(name, sum)| PublishedFile { name: name.to_owned(), sha256: sum.clone() })
            .collect(),
    })
}

/// For each file of a generation, when the same content was first published without another in between.
fn first_published(site: &Site, record: &Record) -> BTreeMap<String, Timestamp> {
    let mut first: BTreeMap<String, Timestamp> =
        record.files.keys().map(|file| (file.clone(), record.published_at)).collect();
    let mut same: Vec<&String> = record.files.keys().collect();
    let mut previous = record.previous;
    while let Some(earlier) = previous.and_then(|number| site.record(number).ok()) {
        same.retain(|file| earlier.files.get(*file) == record.files.get(*file));
        for file in &same {
            first.insert((*file).clone(), earlier.published_at);
        }
        if same.is_empty() || earlier.previous >= Some(earlier.number) {
            break;
        }
        previous = earlier.previous;
    }
    first
}

/// `Content-Type` of a published file: a generation keeps no more of it than its name.
/// The policy of pages that are published as files. Which styles they take they say themselves, by digest, and two policies
/// hold together: one here that named styles would have to know those of every version of the program.
const FILE_POLICY: &str = "script-src 'none'; connect-src 'none'; img-src 'none'; font-src 'none'; media-src 'none'; \
                           object-src 'none'; frame-src 'none'; worker-src 'none'; manifest-src 'none'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

fn media(file: &str) -> &'static str {
    let media = match file.rsplit('.').next() {
        Some("json") => MediaType::Json,
        Some("html") => MediaType::Html,
        Some("md") => MediaType::Markdown,
        Some("csv") => MediaType::Csv,
        _ => MediaType::Text,
    };
    media.header()
}
