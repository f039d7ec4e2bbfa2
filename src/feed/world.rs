//! [`World`]: all that can be answered, as one value.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::cloud::{CloudError, CloudFeed};
use super::publication::Publication;
use super::rules::RuleIndex;
use super::status::RunStatus;
use super::trouble::Trouble;
use crate::site::{Site, SiteError};
use crate::store::{Kind, Store, StoreError, plain};
use crate::tags::{Cloud, Snapshot};

/// Where the data is.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The stored snapshots.
    pub store: Store,
    /// The folder that a refresh publishes to.
    pub site: Option<Site>,
    /// Clouds that are left out where the list is not empty and does not name them.
    pub clouds: Vec<Cloud>,
    /// How many weeks of a cloud are told of.
    pub weeks: usize,
}

/// What is looked at to see whether there is something new: cheap to take, and equal where nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    generation: Option<u64>,
    current: Vec<Option<String>>,
    status: Option<Vec<u8>>,
}

/// Everything that can be answered. All of it is from one moment; new data is another value.
#[derive(Debug, Clone)]
pub struct World {
    clouds: Arc<BTreeMap<Cloud, CloudFeed>>,
    published: Option<Arc<Publication>>,
    rules: Arc<RuleIndex>,
    status: Option<RunStatus>,
    troubles: Arc<Vec<Trouble>>,
}

/// Why there is nothing to answer from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The published folder refused.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Data that is there cannot be read.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// There is no data at all.
    #[error(
        "nothing is in {root}, and nothing is published: get data with `tagwall fetch`, or publish with `tagwall refresh`",
        root = .0.display()
    )]
    Nothing(PathBuf),
}

impl Mark {
    /// What the sources look like now.
    pub fn of(sources: &Sources) -> Self {
        let current = |cloud: &Cloud| {
            let path = sources.store.root().join(cloud.name()).join(Kind::File.name()).join("current");
            plain::read_text(&path).ok()
        };
        Mark {
            generation: sources.site.as_ref().and_then(|site| site.current_number().ok().flatten()),
            current: Cloud::ALL.iter().map(current).collect(),
            status: sources.site.as_ref().and_then(RunStatus::bytes),
        }
    }

    /// Whether only the note on the last run differs.
    pub fn has_same_data(&self, other: &Mark) -> bool {
        (self.generation, &self.current) == (other.generation, &other.current)
    }
}

impl World {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`WorldError`]; whoever has an earlier value keeps answering from that.
    pub fn load(sources: &Sources) -> Result<Self, WorldError> {
        let mut troubles = Vec::new();
        let published = match &sources.site {
            Some(site) => Publication::read(site)?,
            None => None,
        };
        let published = published.map(|(publication, more)| {
            troubles.extend(more);
            publication
        });
        let clouds = clouds(sources, published.as_ref(), &mut troubles)?;
        if clouds.is_empty() && published.is_none() {
            return Err(WorldError::Nothing(sources.store.root().to_path_buf()));
        }
        let data = |cloud: Cloud| -> Option<&Snapshot> { clouds.get(&cloud).map(CloudFeed::snapshot) };
        let (rules, more) = published.as_ref().map(|p| RuleIndex::new(p, data)).unwrap_or_default();
        troubles.extend(more);
        Ok(World {
            rules: Arc::new(rules),
            clouds: Arc::new(clouds),
            published: published.map(Arc::new),
            status: sources.site.as_ref().and_then(RunStatus::read),
            troubles: Arc::new(troubles),
        })
    }

    /// The same with what is said of the last run now.
    pub fn with_status(&self, sources: &Sources) -> Self {
        World { status: sources.site.as_ref().and_then(RunStatus::read), ..self.clone() }
    }

    /// The same with how a run ended that the folder may not tell of, as on a disk that is full; the newer one counts.
    pub fn told(mut self, status: &RunStatus) -> Self {
        if self.status.as_ref().is_none_or(|known| known.at < status.at) {
            self.status = Some(status.clone());
        }
        self
    }

    /// A world of one cloud without anything published; for the built-in sample and for tests.
    pub fn of(feed: CloudFeed) -> Self {
        World {
            clouds: Arc::new(BTreeMap::from([(feed.snapshot().cloud(), feed)])),
            published: None,
            rules: Arc::default(),
            status: None,
            troubles: Arc::default(),
        }
    }

    /// The clouds, in order.
    pub fn clouds(&self) -> impl Iterator<Item = (Cloud, &CloudFeed)> {
        self.clouds.iter().map(|(cloud, feed)| (*cloud, feed))
    }

    /// The tags of one cloud.
    pub fn cloud(&self, cloud: Cloud) -> Option<&CloudFeed> {
        self.clouds.get(&cloud)
    }

    /// The cloud that is meant where none is named: the public one, or else the first.
    pub fn usual(&self) -> Option<Cloud> {
        let first = || self.clouds.keys().next().copied();
        self.clouds.contains_key(&Cloud::Public).then_some(Cloud::Public).or_else(first)
    }

    /// The published generation.
    pub fn published(&self) -> Option<&Publication> {
        self.published.as_deref()
    }

    /// The rules of the published environments.
    pub fn rules(&self) -> &RuleIndex {
        &self.rules
    }

    /// Whether an environment is in a cloud.
    pub fn is_in(&self, environment: &str, cloud: Cloud) -> bool {
        let found = self.published().and_then(|published| published.environments().get(environment));
        found.is_some_and(|environment| environment.cloud == cloud.name())
    }

    /// How the last refresh ended, where one told of it.
    pub fn status(&self) -> Option<&RunStatus> {
        self.status.as_ref()
    }

    /// What of the data could not be used.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }
}

/// The clouds that are stored: the data that is published, where one is.
fn clouds(
    sources: &Sources,
    published: Option<&Publication>,
    troubles: &mut Vec<Trouble>,
) -> Result<BTreeMap<Cloud, CloudFeed>, WorldError> {
    let mut clouds = BTreeMap::new();
    for cloud in Cloud::ALL {
        if !sources.clouds.is_empty() && !sources.clouds.contains(&cloud) {
            continue;
        }
        let wanted = published.and_then(|p| p.record().snapshots.get(cloud.name())).map(String::as_str);
        if wanted.is_none() && sources.store.entries(cloud, Kind::File)?.is_empty() {
            continue;
        }
        let (feed, more) = CloudFeed::load(&sources.store, cloud, wanted, sources.weeks)?;
        troubles.extend(more);
        clouds.insert(cloud, feed);
    }
    Ok(clouds)
}
