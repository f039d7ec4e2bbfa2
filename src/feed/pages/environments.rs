//! The pages of environments.

use askama::Template;

use super::{Frame, Medium, page};
use crate::feed::answer::Answer;
use crate::feed::changes::rules_summary;
use crate::feed::publication::{Environment, Publication, PublishedFile, Used};
use crate::feed::world::World;
use crate::report::churn_of;

#[derive(Template)]
#[template(path = "environments.html")]
struct EnvironmentsPage {
    frame: Frame,
    generation: Option<String>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    place: String,
    precision: &'static str,
    gaps: String,
    tightest: String,
}

#[derive(Template)]
#[template(path = "environment.html")]
struct EnvironmentPage<'w> {
    frame: Frame,
    name: &'w str,
    verdict: String,
    made: String,
    report: Option<&'static str>,
    limits: Vec<Limit<'w>>,
    churn: String,
    changes: Vec<Change>,
    files: &'w [PublishedFile],
}

struct Limit<'w> {
    key: &'w str,
    of: &'w str,
    have: u64,
    most: u64,
    percent: u64,
}

struct Change {
    generation: u64,
    at: String,
    text: String,
}

impl World {
    /// Every environment.
    pub fn environments_page(&self, medium: Medium) -> Answer {
        let published = self.published();
        let rows = published.iter().flat_map(|p| p.environments().values()).map(row).collect();
        let generation = published.map(|p| {
            let record = p.record();
            format!(
                "Generation {}, published {}.",
                record.number,
                record.published_at.strftime("%Y-%m-%d %H:%M UTC")
            )
        });
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
        &self,
        published: &Publication,
        environment: &'w Environment,
        medium: Medium,
    ) -> EnvironmentPage<'w> {
        let mut frame = Frame::new(self, medium, &environment.name);
        frame.atom = Some(format!("v1/changes/environments/{}.atom", environment.name));
        let has = |wanted: &str| environment.files.iter().any(|file| file.name == wanted);
        let own = published.changes().iter().filter(|change| change.environment == environment.name);
        EnvironmentPage {
            frame,
            name: &environment.name,
            verdict: verdict(environment),
            made: format!(
                "{}, {}. Made from change number {} ({}).",
                environment.cloud,
                environment.region,
                environment.snapshot.change_number,
                environment.snapshot.sha256.get(..12).unwrap_or_default()
            ),
            report: ["report.html", "report.md"].into_iter().find(|name| has(name)),
            limits: limits(environment),
            churn: churn_of(&published.past(&environment.name)),
            changes: own
                .map(|change| Change {
                    generation: change.generation,
                    at: change.at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
                    text: rules_summary(change),
                })
                .collect(),
            files: &environment.files,
        }
    }
}

fn verdict(environment: &Environment) -> String {
    let precision = match environment.exact {
        true => "Exact: no address is admitted that was not asked for.",
        false => "Addresses are admitted that were not asked for; the report prices them.",
    };
    let gaps = match environment.gaps {
        0 => "Every need is expressed.".to_owned(),
        1 => "1 need is not expressed everywhere.".to_owned(),
        n => format!("{n} needs are not expressed everywhere."),
    };
    format!("{precision} {gaps}")
}

fn row(environment: &Environment) -> Row {
    let tightest = environment.limits.iter().max_by_key(|usage| percent(usage));
    Row {
        name: environment.name.clone(),
        place: format!("{}, {}", environment.cloud, environment.region),
        precision: if environment.exact { "exact" } else { "widened" },
        gaps: match environment.gaps {
            0 => "nothing".to_owned(),
            n => n.to_string(),
        },
        tightest: tightest.map(|usage| format!("{} {} %", usage.key, percent(usage))).unwrap_or_default(),
    }
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
