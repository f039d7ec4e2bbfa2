//! `tagwall refresh`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::json;

use super::hooks::Hooks;
use crate::cli::args::{OutputFormat, Refresh};
use crate::cli::commands::fetch::rules;
use crate::cli::commands::generate::{catalog_texts, extended, read_text};
use crate::cli::online::{Online, Waiting};
use crate::cli::{Failure, clock, output, select};
use crate::policy::PolicySource;
use crate::report::changes::Changes;
use crate::store::guard::{Rule, Thresholds};
use crate::store::publish::{Copied, Remote};
use crate::store::refresh::{Environment, Job, RefreshError, RefreshStatus, Refreshed, refresh};
use crate::store::sign::Signer;
use crate::store::site::{Sign, Site};
use crate::store::{Acquired, Entry, Keep, Status, Store, StoreError, Terms, acquire};
use crate::tags::{Cloud, Snapshot};

/// The code where a new generation changes rules, if it was asked for.
const CHANGED: u8 = 6;

/// What one run did, as JSON.
#[derive(Serialize)]
struct Summary {
    schema: u32,
    at: Timestamp,
    out: String,
    status: RefreshStatus,
    generation: u64,
    previous: Option<u64>,
    rules_changed: bool,
    data: Vec<Data>,
    environments: Vec<EnvironmentChange>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Data {
    cloud: &'static str,
    status: Option<Status>,
    digest: String,
    change_number: u64,
    date: String,
    from: String,
}

#[derive(Serialize)]
struct EnvironmentChange {
    name: String,
    rules_changed: usize,
    tags: Vec<String>,
}

/// What does not change between the runs of a watch.
struct Setup<'a> {
    args: &'a Refresh,
    store: Store,
    site: Site,
    online: Online,
    accepted: Vec<Rule>,
    hooks: Hooks,
    remotes: Vec<Remote>,
    signer: Option<Signer>,
}

pub(in crate::cli) fn run(args: &Refresh) -> Result<ExitCode, Failure> {
    let setup = Setup {
        args,
        store: select::store(&args.place)?,
        site: Site::new(&args.out),
        online: Online::new(&args.source)?,
        accepted: rules(&args.accept)?,
        hooks: Hooks::new(&args.hooks)?,
        remotes: args.publish.iter().map(|url| remote(url)).collect::<Result<_, _>>()?,
        signer: args.sign_key.as_deref().map(signer).transpose()?,
    };
    let mut waiting = Waiting::new()?;
    match &args.schedule.watch {
        None => {
            let changed = setup.once(&mut waiting)?;
            Ok(ExitCode::from(if changed && args.detailed_exitcode { CHANGED } else { 0 }))
        }
        Some(text) => {
            let cron = Cron::from_str(text)
                .map_err(|error| Failure::Input(format!("`{text}` is no cron expression: {error}")))?;
            setup.watch(&cron, &mut waiting)
        }
    }
}

impl Setup<'_> {
    /// Refreshes now and at each time of `cron`, until a signal comes. A run that fails is told of, and the next one
    /// may do better.
    fn watch(&self, cron: &Cron, waiting: &mut Waiting) -> Result<ExitCode, Failure> {
        loop {
            match self.once(waiting) {
                Err(failure @ Failure::Output(_)) => return Err(failure),
                Err(failure) => output::complain(&failure),
                Ok(_) => {}
            }
            let now = Timestamp::now().to_zoned(TimeZone::UTC);
            let next = cron
                .find_next_occurrence(&now, false)
                .map_err(|error| Failure::Input(format!("the cron expression never comes true: {error}")))?;
            let pause = next.timestamp().duration_since(now.timestamp()).unsigned_abs();
            let jitter = Duration::from_millis(fastrand::u64(0..=self.args.schedule.jitter * 1000));
            // The timer is made inside the runtime that it belongs to.
            if waiting.wait(async { tokio::time::sleep(pause + jitter).await }).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }

    /// One run. Says whether it changed any rule.
    fn once(&self, waiting: &mut Waiting) -> Result<bool, Failure> {
        // Policies are read in each run: a watch notices that they change.
        let environments: Vec<Environment> =
            self.args.policies.iter().map(|path| environment(path)).collect::<Result<_, _>>()?;
        let now = clock::now();
        let lock = self.site.lock()?;
        let clouds: BTreeSet<Cloud> = environments.iter().map(Environment::cloud).collect();
        let mut acquired = BTreeMap::new();
        for cloud in clouds {
            acquired.insert(cloud, self.data(cloud, &environments, now, waiting)?);
        }
        let digests = acquired.iter().map(|(&cloud, got)| (cloud, got.entry.digest.clone())).collect();
        let (site, environments) = (&self.site, environments.as_slice());
        let (keep, force) = (self.args.keep, self.args.force);
        let sign = self.signer.as_ref().map(|signer| {
            move |bytes: &[u8], number: u64| {
                let comment = format!("tagwall generation {number} of {now}");
                signer.sign(bytes, &comment).map_err(|error| error.to_string())
            }
        });
        let sign = sign.as_ref().map(|sign| sign as &Sign<'_>);
        let job = Job { site, environments, digests: &digests, now, keep, force, sign };
        let refreshed = refresh(&job, |cloud| self.load(&acquired[&cloud]))?;
        let copied = self.copy(&refreshed, waiting);
        drop(lock);
        let summary = self.summary(&refreshed, &acquired, now);
        self.print(&summary)?;
        self.tidy(now);
        let changed = refreshed.status == RefreshStatus::Published && refreshed.record.rules_changed;
        if changed {
            self.tell(&summary, &refreshed.changes, now, waiting)?;
        }
        copied.map(|()| changed)
    }

    /// Copies what is published here to the other places, each of which may still lack it from an earlier run.
    fn copy(&self, refreshed: &Refreshed, waiting: &mut Waiting) -> Result<(), Failure> {
        let mut failures = Vec::new();
        for remote in &self.remotes {
            match waiting.wait(remote.copy(&self.site, &refreshed.record))? {
                Ok(Copied::New | Copied::Known) => {}
                Err(error) => failures.push(error.to_string()),
            }
        }
        let text = || {
            format!(
                "generation {} is published here, but not there: {}",
                refreshed.record.number,
                failures.join("\n")
            )
        };
        if failures.is_empty() { Ok(()) } else { Err(Failure::Io(text())) }
    }

    /// The data of a cloud that the rules are made from: new, or the last good.
    fn data(
        &self,
        cloud: Cloud,
        environments: &[Environment],
        now: Timestamp,
        waiting: &mut Waiting,
    ) -> Result<Acquired, Failure> {
        let source = self.online.source(cloud)?;
        if self.args.no_fetch {
            let (good, damaged) = self.store.last_good(cloud, source.kind())?;
            let (entry, snapshot) = good.ok_or_else(|| {
                Failure::Input(format!(
                    "no snapshot of the cloud {cloud} is in {}",
                    self.store.root().display()
                ))
            })?;
            return Ok(Acquired { status: Status::Same, entry, snapshot: Some(snapshot), notes: damaged });
        }
        let own = || environments.iter().filter(|e| e.cloud() == cloud);
        let thresholds = own().map(Environment::thresholds).reduce(Thresholds::stricter).unwrap_or_default();
        let terms = Terms { thresholds, accepted: self.accepted.clone(), now };
        let used = |old: &Snapshot| -> BTreeSet<String> { own().flat_map(|e| e.tags_in_use(old)).collect() };
        let http = &self.online.http;
        let got = waiting.wait(acquire(&self.store, &source, http, cloud, &terms, used));
        self.online.quiet();
        Ok(got??)
    }

    fn load(&self, got: &Acquired) -> Result<Snapshot, RefreshError> {
        if let Some(snapshot) = &got.snapshot {
            return Ok(snapshot.clone());
        }
        self.store.load(&got.entry).map_err(|error| {
            if matches!(error, StoreError::Damaged { .. }) {
                // Without its data the entry is not the last good one any more, and the next run fetches it again.
                let _ = std::fs::remove_file(self.store.data_path(&got.entry));
            }
            RefreshError::Data(error.to_string())
        })
    }

    fn summary(
        &self,
        refreshed: &Refreshed,
        acquired: &BTreeMap<Cloud, Acquired>,
        now: Timestamp,
    ) -> Summary {
        let data_notes =
            acquired.iter().flat_map(|(cloud, got)| got.notes.iter().map(move |n| format!("{cloud}: {n}")));
        Summary {
            schema: 1,
            at: now,
            out: self.site.out().display().to_string(),
            status: refreshed.status,
            generation: refreshed.record.number,
            previous: refreshed.record.previous,
            rules_changed: refreshed.status == RefreshStatus::Published && refreshed.record.rules_changed,
            data: acquired.iter().map(|(cloud, got)| self.data_of(*cloud, got)).collect(),
            environments: refreshed.changes.iter().map(environment_change).collect(),
            notes: data_notes.chain(refreshed.notes.iter().cloned()).collect(),
        }
    }

    fn data_of(&self, cloud: Cloud, got: &Acquired) -> Data {
        let Entry { digest, change_number, from, .. } = got.entry.clone();
        let status = (!self.args.no_fetch).then_some(got.status);
        Data { cloud: cloud.name(), status, digest, change_number, date: got.entry.day().to_string(), from }
    }

    fn print(&self, summary: &Summary) -> Result<(), Failure> {
        use std::io::Write;
        let mut out = output::stdout();
        let written = match (self.args.format, &self.args.schedule.watch) {
            // Runs of a watch follow each other, so each has its line.
            (OutputFormat::Json, Some(_)) => serde_json::to_writer(&mut out, summary).map_err(Into::into),
            (OutputFormat::Json, None) => serde_json::to_writer_pretty(&mut out, summary).map_err(Into::into),
            (OutputFormat::Text, _) => write!(out, "{}", text(summary)),
        };
        written.and_then(|()| writeln!(out)).and_then(|()| out.flush()).map_err(Failure::Output)
    }

    /// Keeps the store from growing for ever.
    fn tidy(&self, now: Timestamp) {
        let keep = Keep { number: Some(self.args.keep_snapshots), age: None };
        let pruned = self.store.lock().and_then(|_lock| self.store.prune(keep, now));
        if let Err(error) = pruned {
            output::say(&format!("warning: old snapshots are not removed: {error}"));
        }
    }

    fn tell(
        &self,
        summary: &Summary,
        changes: &[Changes],
        now: Timestamp,
        waiting: &mut Waiting,
    ) -> Result<(), Failure> {
        let body = json!({"summary": summary, "changes": changes}).to_string();
        let failures = waiting.wait(self.hooks.run(&self.online.http, &body, now.as_second()));
        match failures {
            Ok(failures) if failures.is_empty() => Ok(()),
            Ok(failures) => Err(Failure::Io(format!(
                "generation {} is published, but {}",
                summary.generation,
                failures.join("\n")
            ))),
            Err(_) => Err(Failure::Io("published, but stopped by a signal before all were told".to_owned())),
        }
    }
}

/// The key that signs what is published.
fn signer(path: &Path) -> Result<Signer, Failure> {
    let password = std::env::var("TAGWALL_SIGN_PASSWORD").ok().filter(|text| !text.is_empty());
    Signer::new(&read_text(path)?, password)
        .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

/// A place to copy to, with the settings that the environment has for its kind.
fn remote(url: &str) -> Result<Remote, Failure> {
    let known = ["AZURE_", "AWS_", "GOOGLE_"];
    let options = std::env::vars().filter(|(name, _)| known.iter().any(|start| name.starts_with(start)));
    let options = options.map(|(name, value)| (name.to_lowercase(), value));
    Remote::new(url, options).map_err(|error| Failure::Input(error.to_string()))
}

fn environment_change(changes: &Changes) -> EnvironmentChange {
    let tag = |t: &crate::report::changes::TagChange| format!("{}: {}", t.name, t.delta.summary());
    EnvironmentChange {
        name: changes.name.clone(),
        rules_changed: changes.rules.len(),
        tags: changes.tags.iter().map(tag).collect(),
    }
}

fn text(summary: &Summary) -> String {
    let what = match summary.status {
        RefreshStatus::Unchanged => "nothing to do",
        RefreshStatus::RolledBack => "held back",
        RefreshStatus::Published if summary.rules_changed => "published, rules changed",
        RefreshStatus::Published => "published, no rule changed",
    };
    let mut text = format!("{}: generation {}: {what}", summary.out, summary.generation);
    for data in &summary.data {
        text += &format!("\n  {} number {} of {}", data.cloud, data.change_number, data.date);
    }
    for environment in &summary.environments {
        text += &format!("\n  {}: {} rules changed", environment.name, environment.rules_changed);
        environment.tags.iter().for_each(|tag| text += &format!("\n    {tag}"));
    }
    summary.notes.iter().for_each(|note| text += &format!("\n  {note}"));
    text
}

/// Reads a policy with the catalogue files that it names, which are found beside it.
fn environment(path: &Path) -> Result<Environment, Failure> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let source = PolicySource::read(&file, &text)?;
    let catalog_texts = catalog_texts(path, &source)?;
    let catalog = extended(&source, &catalog_texts)?;
    Ok(Environment { file, source, catalog, catalog_texts })
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Stage { error, .. } => Failure::Stage(error),
            RefreshError::SameName(..) => Failure::Input(error.to_string()),
            RefreshError::Site(error) => error.into(),
            RefreshError::Data(text) => Failure::Io(text),
        }
    }
}
