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

use super::hooks::{Event, Hooks};
use super::rollback::REPORTS;
use crate::cli::args::{OutputFormat, Refresh};
use crate::cli::commands::fetch::rules;
use crate::cli::online::{Online, Waiting, check_proxies};
use crate::cli::status::Status as RunStatus;
use crate::cli::{Failure, clock, output, select};
use crate::environment::{Environment, read_text};
use crate::feed;
use crate::report::changes::Changes;
use crate::site::publish::{Copied, Remote};
use crate::site::refresh::{Job, RefreshError, RefreshStatus, Refreshed, refresh};
use crate::site::sign::Signer;
use crate::site::{Sign, Site};
use crate::store::guard::{Dated, Guard, Rule, Thresholds};
use crate::store::{Acquired, Keep, Status, Store, StoreError, StoredSnapshot, Supply, Terms};
use crate::tags::{Cloud, Snapshot};
use crate::text::joined;

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
    /// The generation that was rolled back, and is not published again until something changes.
    held_back: Option<u64>,
    /// How many removed address blocks are let through for a while yet.
    held_prefixes: usize,
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

/// What changes in one environment, in short.
#[derive(Serialize)]
struct EnvironmentChange {
    name: String,
    /// Rules that came, went or changed.
    rules_changed: usize,
    /// The same of lists.
    lists_changed: usize,
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
    /// Who else is told how a run ended.
    listener: &'a dyn Fn(feed::RunStatus),
}

pub(in crate::cli) fn run(args: &Refresh) -> Result<ExitCode, Failure> {
    run_telling(args, &|_| ())
}

/// The same; `listener` is told how each run ended, which the published folder cannot tell on a disk that is full.
pub(in crate::cli) fn run_telling(
    args: &Refresh,
    listener: &dyn Fn(feed::RunStatus),
) -> Result<ExitCode, Failure> {
    let setup = Setup {
        listener,
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
            let changed = setup.told(&mut waiting)?;
            if !args.check_live.is_empty()
                && super::check::drifts(&args.policies, &args.check_live, &args.place)?
            {
                return Ok(ExitCode::from(4));
            }
            Ok(ExitCode::from(if changed && args.detailed_exitcode { CHANGED } else { 0 }))
        }
        Some(text) => {
            let cron = check_schedule(text)?;
            setup.watch(&cron, &mut waiting)
        }
    }
}

/// The times that a cron expression names.
pub(in crate::cli) fn check_schedule(text: &str) -> Result<Cron, Failure> {
    Cron::from_str(text).map_err(|error| Failure::Input(format!("`{text}` is no cron expression: {error}")))
}

impl Setup<'_> {
    /// Refreshes now and at each time of `cron`, until a signal comes. A run that fails is told of, and the next one
    /// may do better.
    fn watch(&self, cron: &Cron, waiting: &mut Waiting) -> Result<ExitCode, Failure> {
        loop {
            match self.told(waiting) {
                Err(failure @ Failure::Output(_)) => return Err(failure),
                Err(failure) => output::complain(&failure),
                Ok(_) => {}
            }
            let now = Timestamp::now().to_zoned(TimeZone::UTC);
            let next = cron
                .find_next_occurrence(&now, false)
                .map_err(|error| Failure::Input(format!("the cron expression never comes true: {error}")))?;
            let pause = next.timestamp().duration_since(now.timestamp()).unsigned_abs();
            let jitter =
                Duration::from_millis(fastrand::u64(0..=self.args.schedule.jitter.saturating_mul(1000)));
            // The timer is made inside the runtime that it belongs to.
            if waiting.wait(async { tokio::time::sleep(pause + jitter).await }).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }

    /// One run, with its end told in the published folder.
    fn told(&self, waiting: &mut Waiting) -> Result<bool, Failure> {
        let done = self.once(waiting);
        // What another run is at work on, it tells of; and a folder that was never made gets none for a failure.
        if let Err(failure) = &done
            && !matches!(failure, Failure::Busy(_))
        {
            let status = RunStatus::failed("refresh", failure, &self.site, clock::now());
            if self.site.out().exists() {
                status.write(&self.site);
            }
            (self.listener)(status.as_read());
        }
        done
    }

    /// One run. Says whether it changed any rule.
    fn once(&self, waiting: &mut Waiting) -> Result<bool, Failure> {
        // Policies are read in each run: a watch notices that they change.
        let environments: Vec<Environment> =
            self.args.policies.iter().map(|path| select::environment(path)).collect::<Result<_, _>>()?;
        let now = clock::now();
        let lock = self.site.lock()?;
        let clouds: BTreeSet<Cloud> = environments.iter().map(Environment::cloud).collect();
        let mut acquired = BTreeMap::new();
        for cloud in clouds {
            acquired.insert(cloud, self.data(cloud, &environments, now, waiting)?);
        }
        let day = |cloud| self.args.facts.as_of.unwrap_or_else(|| acquired[&cloud].entry.day());
        let environments: Vec<Environment> = environments
            .into_iter()
            .map(|environment| {
                let day = day(environment.cloud());
                environment.at(Some(day))
            })
            .collect::<Result<_, _>>()?;
        let digests = acquired.iter().map(|(&cloud, got)| (cloud, got.entry.digest.clone())).collect();
        let (site, environments) = (&self.site, environments.as_slice());
        let (keep, force) = (self.args.keep, self.args.force);
        let sign = self.signer.as_ref().map(|signer| {
            move |bytes: &[u8], number: u64| {
                let comment = format!("tagwall generation {number} of {now}");
                signer.sign(bytes, &comment)
            }
        });
        let sign = sign.as_ref().map(|sign| sign as &Sign<'_>);
        let job = Job { site, environments, digests: &digests, now, keep, force, sign };
        let refreshed = refresh(&job, |cloud| self.load(&acquired[&cloud]))?;
        if refreshed.status == RefreshStatus::Published {
            REPORTS.iter().for_each(|name| self.site.remove_notice(name));
        }
        let copied = self.copy(&refreshed, waiting);
        let summary = self.summary(&refreshed, &acquired, now);
        let status = RunStatus::good("refresh", word(summary.status), summary.generation, now)
            .holding(summary.held_back, summary.held_prefixes);
        status.write(&self.site);
        (self.listener)(status.as_read());
        drop(lock);
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
        let own = || environments.iter().filter(|e| e.cloud() == cloud);
        let thresholds = own().map(Environment::thresholds).reduce(Thresholds::stricter).unwrap_or_default();
        let terms = Terms { thresholds, accepted: self.accepted.clone(), now };
        let used = |old: &Snapshot| -> BTreeSet<String> { own().flat_map(|e| e.tags_in_use(old)).collect() };
        if self.args.no_fetch {
            let (good, damaged) = self.store.last_good(cloud, source.kind())?;
            // Older data would be published again, with nobody there to read a warning.
            if !damaged.is_empty() {
                let text = "nothing is made from older data: run without --no-fetch, which gets it anew";
                return Err(Failure::Io(format!("{}\n{text}", joined(&damaged, "\n"))));
            }
            let (entry, snapshot) = good.ok_or_else(|| {
                Failure::Input(format!(
                    "no snapshot of the cloud {cloud} is in {}",
                    self.store.root().display()
                ))
            })?;
            let got = Acquired { status: Status::Same, entry, snapshot: Some(snapshot), notes: Vec::new() };
            self.against_published(cloud, &got, None, &terms, used)?;
            return Ok(got);
        }
        let (supply, http) = (Supply { store: &self.store, source: &source }, &self.online.http);
        let known = self.store.current(cloud, source.kind())?.map(|entry| entry.digest);
        let got = waiting.wait(supply.acquire(http, cloud, &terms, used));
        self.online.quiet();
        let got = got??;
        self.against_published(cloud, &got, known, &terms, used)?;
        Ok(got)
    }

    /// Holds the tags in use against those of the data that is published, where the new data was not held against that
    /// when it came: a plain `fetch`, or a refresh with other policies, does not know what is used here.
    fn against_published(
        &self,
        cloud: Cloud,
        got: &Acquired,
        known: Option<String>,
        terms: &Terms,
        used: impl Fn(&Snapshot) -> BTreeSet<String>,
    ) -> Result<(), Failure> {
        let published = self.site.current().ok().flatten();
        let published = published.and_then(|record| record.snapshots.get(cloud.name()).cloned());
        let Some(digest) = published.filter(|digest| *digest != got.entry.digest) else { return Ok(()) };
        if got.status == Status::New && known.as_ref() == Some(&digest) {
            return Ok(());
        }
        let entries = self.store.entries(cloud, got.entry.kind)?;
        // What is not in the store any more is no measure; nor is what cannot be read.
        let old = entries.iter().find(|entry| entry.digest == digest);
        let Some((old, snapshot)) = old.and_then(|entry| Some((entry, self.store.load(entry).ok()?))) else {
            return Ok(());
        };
        let new = self.load(got)?;
        let used: BTreeSet<String> = used(&snapshot).into_iter().chain(used(&new)).collect();
        let looked_at = got.entry.accepted.iter().filter_map(|name| Rule::find(name));
        let accepted: Vec<Rule> = terms.accepted.iter().copied().chain(looked_at).collect();
        let guard = Guard {
            thresholds: &terms.thresholds,
            accepted: &accepted,
            used: &used,
            earlier: None,
            published: false,
        };
        let dated = |snapshot, entry: &StoredSnapshot| Dated { snapshot, date: entry.date(), seen: None };
        let verdict = guard.judge_used(dated(&snapshot, old), dated(&new, &got.entry));
        if verdict.is_accepted() {
            return Ok(());
        }
        let reasons: String = verdict.reasons().iter().map(|reason| format!("\n  {reason}")).collect();
        Err(Failure::Refused(format!(
            "the data {} of the cloud {cloud} is in the store, but not published: against that of {}, which is \
             published,{reasons}",
            got.entry.short(),
            old.day()
        )))
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
            held_back: refreshed.held_back,
            held_prefixes: refreshed.held_prefixes,
            data: acquired.iter().map(|(cloud, got)| self.data_of(*cloud, got)).collect(),
            environments: refreshed.changes.iter().map(environment_change).collect(),
            notes: data_notes.chain(refreshed.notes.iter().cloned()).collect(),
        }
    }

    fn data_of(&self, cloud: Cloud, got: &Acquired) -> Data {
        let StoredSnapshot { digest, change_number, from, .. } = got.entry.clone();
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
        let body = json!({"event": "published", "summary": summary, "changes": changes}).to_string();
        let event = Event {
            name: "published",
            out: self.site.out(),
            generation: summary.generation,
            body: &body,
            now: now.as_second(),
        };
        let failures = waiting.wait(self.hooks.run(&self.online.http, &event));
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
    if !url.starts_with("file:") {
        check_proxies()?;
    }
    Remote::new(url, options).map_err(|error| Failure::Input(error.to_string()))
}

fn word(status: RefreshStatus) -> &'static str {
    match status {
        RefreshStatus::Unchanged => "unchanged",
        RefreshStatus::RolledBack => "rolled-back",
        RefreshStatus::Published => "published",
    }
}

fn environment_change(changes: &Changes) -> EnvironmentChange {
    let tag = |t: &crate::report::changes::TagChange| format!("{}: {}", t.name, t.delta.summary());
    EnvironmentChange {
        name: changes.name.clone(),
        rules_changed: changes.counts().0,
        lists_changed: changes.counts().1,
        tags: changes.tags.iter().map(tag).collect(),
    }
}

fn text(summary: &Summary) -> String {
    let what = match summary.status {
        RefreshStatus::Unchanged => "nothing to do",
        RefreshStatus::RolledBack => "published still; a later one is held back",
        RefreshStatus::Published if summary.rules_changed => "published, rules changed",
        RefreshStatus::Published => "published, no rule changed",
    };
    let mut text = format!("{}: generation {}: {what}", summary.out, summary.generation);
    for data in &summary.data {
        text += &format!("\n  {} number {} of {}", data.cloud, data.change_number, data.date);
    }
    for environment in &summary.environments {
        text += &environment.text();
    }
    summary.notes.iter().for_each(|note| text += &format!("\n  {note}"));
    text
}

impl EnvironmentChange {
    fn text(&self) -> String {
        let EnvironmentChange { name, rules_changed, lists_changed, tags } = self;
        let lists = match lists_changed {
            0 => String::new(),
            1 => ", 1 list changed".to_owned(),
            n => format!(", {n} lists changed"),
        };
        let rules = if *rules_changed == 1 { "1 rule".to_owned() } else { format!("{rules_changed} rules") };
        let tags: String = tags.iter().map(|tag| format!("\n    {tag}")).collect();
        format!("\n  {name}: {rules} changed{lists}{tags}")
    }
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Stage { error, .. } => Failure::Stage(*error),
            RefreshError::SameName(..) | RefreshError::OwnName(..) => Failure::Input(error.to_string()),
            RefreshError::Held(_) => Failure::Io(error.to_string()),
            RefreshError::Site(error) => error.into(),
            RefreshError::Data(text) => Failure::Io(text),
        }
    }
}
