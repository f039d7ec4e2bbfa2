//! The pages of environments.

use std::fmt::{self, Display};

use askama::Template;
use jiff::Timestamp;

use super::{Frame, Medium, page};
use crate::feed::answer::Answer;
use crate::feed::changes::{Subject, rules_summary};
use crate::feed::publication::{Environment, EnvironmentChange, Publication, PublishedFile, Used};
use crate::feed::world::World;
use crate::report::churn_of;
use crate::site::Record;

#[derive(Template)]
#[template(path = "environments.html")]
struct EnvironmentsPage<'w> {
    frame: Frame<'w>,
    generation: Option<&'w Record>,
    rows: Vec<Row<'w>>,
}

/// An environment as a row of the table.
struct Row<'w>(&'w Environment);

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage<'w> {
    frame: Frame<'w>,
    name: &'w str,
    environment: &'w Environment,
    report: Option<&'static str>,
    limits: Vec<Limit<'w>>,
    churn: String,
    changes: Vec<Change<'w>>,
    files: &'w [PublishedFile],
}

struct Limit<'w> {
    key: &'w str,
    of: &'w str,
    have: u64,
    most: u64,
    percent: u64,
}

struct Change<'w>(&'w EnvironmentChange);

impl World {
    /// Every environment.
    pub fn environments_page(&self, medium: Medium) -> Answer {
        let published = self.published();
        let rows = published.iter().flat_map(|p| p.environments().values()).map(Row).collect();
        let generation = published.map(Publication::record);
        page(&EnvironmentsPage { frame: Frame::new(self, medium, "Environments"), generation, rows })
    }

    /// One environment.
    pub fn environment_page(&self, name: &str, medium: Medium) -> Answer {
        let found = self.publication().and_then(|published| Ok((published, published.environment(name)?)));
        match found {
            Ok((published, environment)) => page(&self.environment_of(published, environment, medium)),
            Err(refusal) => *refusal,
        }
    }

    fn environment_of<'w>(
        &'w self,
        published: &'w Publication,
        environment: &'w Environment,
        medium: Medium,
    ) -> EnvironmentPage<'w> {
        let name = environment.name.as_str();
        let has = |wanted: &str| environment.files.iter().any(|file| file.name == wanted);
        let own = published.changes().iter().filter(|change| change.environment == name);
        EnvironmentPage {
            frame: Frame { atom: Some(Subject::Environment(name)), ..Frame::new(self, medium, name) },
            name,
            environment,
            report: ["report.html", "report.md"].into_iter().find(|name| has(name)),
            limits: limits(environment),
            churn: churn_of(&published.past(name)),
            changes: own.map(Change).collect(),
            files: &environment.files,
        }
    }
}

impl EnvironmentsPage<'_> {
    fn made(&self, record: &Record) -> impl Display {
        let (number, at) = (record.number, minute(record.published_at));
        fmt::from_fn(move |f| write!(f, "Generation {number}, published {at}."))
    }
}

impl EnvironmentPage<'_> {
    fn verdict(&self) -> impl Display {
        let (exact, gaps) = (self.environment.exact, self.environment.gaps);
        fmt::from_fn(move |f| {
            f.write_str(match exact {
                true => "Exact: no address is admitted that was not asked for.",
                false => "Addresses are admitted that were not asked for; the report prices them.",
            })?;
            match gaps {
                0 => write!(f, " Every need is expressed."),
                1 => write!(f, " 1 need is not expressed everywhere."),
                n => write!(f, " {n} needs are not expressed everywhere."),
            }
        })
    }

    fn made(&self) -> impl Display {
        let environment = self.environment;
        fmt::from_fn(move |f| {
            let (place, data) = (place(environment), &environment.snapshot);
            let short = data.sha256.get(..12).unwrap_or_default();
            write!(f, "{place}. Made from change number {} ({short}).", data.change_number)
        })
    }
}

impl Change<'_> {
    fn generation(&self) -> u64 {
        self.0.generation
    }

    fn at(&self) -> impl Display {
        minute(self.0.at)
    }

    fn text(&self) -> impl Display {
        rules_summary(self.0)
    }
}

impl Row<'_> {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn place(&self) -> impl Display {
        place(self.0)
    }

    fn precision(&self) -> &'static str {
        if self.0.exact { "exact" } else { "widened" }
    }

    fn gaps(&self) -> impl Display {
        let gaps = self.0.gaps;
        fmt::from_fn(move |f| match gaps {
            0 => f.write_str("nothing"),
            n => n.fmt(f),
        })
    }

    fn tightest(&self) -> impl Display {
        let tightest = self.0.limits.iter().max_by_key(|usage| percent(usage));
        fmt::from_fn(move |f| {
            tightest.map_or(Ok(()), |usage| write!(f, "{} {} %", usage.key, percent(usage)))
        })
    }
}

fn place(environment: &Environment) -> impl Display {
    fmt::from_fn(|f| write!(f, "{}, {}", environment.cloud, environment.region))
}

/// A moment as people read it.
fn minute(at: Timestamp) -> impl Display {
    at.strftime("%Y-%m-%d %H:%M UTC")
}

/// The limits, the tightest first.
fn limits(environment: &Environment) -> Vec<Limit<'_>> {
    let mut limits: Vec<Limit<'_>> = environment
        .limits
        .iter()
        .map(|usage| Limit {
            key: &usage.key,
            of: &usage.of,
            have: usage.have,
            most: usage.limit,
            percent: percent(usage),
        })
        .collect();
    limits.sort_by_key(|limit| std::cmp::Reverse(limit.percent));
    limits
}

fn percent(usage: &Used) -> u64 {
    (u128::from(usage.have) * 100 / u128::from(usage.limit.max(1))).try_into().unwrap_or(u64::MAX)
}
