//! What workloads need from the network: data, not code.
//!
//! The catalogue is made of TOML files (`data/catalog/` in the source, whose README explains the form), checked
//! when they are loaded. A [`Workload`] is a list of [`Row`]s with places such as `{Region}` and conditions such as
//! `public-ip`; [`Workload::resolve`] fills in the places and judges the conditions for one cloud, region and set
//! of options. Nothing here looks a tag up in a snapshot: a [`RemoteSpec`] is still a name.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tagwall::catalog::{Catalog, Context, OptionValue, Prefer};
//! use tagwall::tags::{Cloud, Regions};
//!
//! let regions = Regions::of(Cloud::Public);
//! let options = BTreeMap::from([("public-ip".to_owned(), OptionValue::Bool(true))]);
//! let resolved = Catalog::builtin().workload("aml-compute").unwrap().resolve(&Context {
//!     cloud: Cloud::Public,
//!     region: regions.find("West Europe").unwrap(),
//!     regions,
//!     options: &options,
//!     prefer: Prefer::Auto,
//!     without: &[],
//!     with: &[],
//!     as_of: Catalog::builtin().as_of(),
//! });
//! let rows = resolved.unwrap().rows;
//! let batch = rows.iter().find(|row| row.id == "aml-o3").unwrap();
//! assert_eq!(batch.need.to_string(), "BatchNodeManagement.WestEurope");
//! assert!(rows.iter().any(|row| row.id == "aml-i1"), "with a public address the service calls the node");
//! ```

mod absent_why;
mod alias;
mod builtin;
mod check;
mod dated;
mod fields;
mod file_problem;
mod fill_error;
mod form_problem;
mod fqdn;
mod fqdn_tags;
mod load;
mod managed;
mod name_problem;
mod option;
mod outside;
mod read;
mod read_option;
mod remote;
mod resolve;
mod resolved;
mod schema;
mod service_endpoints;
mod skipped;
mod template;
mod versions;
mod when;
mod workload;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

pub use absent_why::AbsentWhy;
pub use alias::{AbsentTag, Alias};
pub use check::Check;
pub use dated::{Away, Date, DatedFact, Dates, Turn};
pub use fields::{CatalogProblem, Place};
pub use fill_error::FillError;
pub use fqdn::{Fqdn, FqdnError};
pub use fqdn_tags::{FqdnTag, HostBehind};
pub use managed::{ManagedName, ManagedRoute, ManagedRow, ManagedRule, ManagedSide, is_kept_by_service};
pub use option::{OptionKind, OptionSpec, OptionValue, Prefer, WrongValue};
pub use outside::OutsideTag;
pub use remote::{RemoteError, RemoteSpec};
pub use resolved::{Context, EndpointPolicy, ResolveError, Resolved, ResolvedRow, RowNeed};
pub use schema::schema;
pub use service_endpoints::{EndpointRegions, ServiceEndpoint, UnknownEndpoint};
pub use skipped::{SkipReason, SkipWhy, Skipped};
pub use versions::{Version, VersionChange};
pub use when::Condition;
pub use workload::{EndpointPolicySpec, Precondition, Risk, RouteHop, Row, Workload};

use crate::packet::Ports;
use crate::tags::{Cloud, FormerRegion, Region, Regions};
use crate::text::{Joined, nearest};

/// The workloads that are known, with the spellings and gaps that documents and clouds have.
#[derive(Debug, Clone)]
pub struct Catalog {
    parts: load::Parts,
    workloads: BTreeMap<String, Workload>,
    as_of: Option<Date>,
}

impl Catalog {
    /// The catalogue that this version was built with.
    pub fn builtin() -> &'static Catalog {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            let files = builtin::FILES.iter().map(|&(name, text)| (name, text));
            Catalog::load(load::Parts::default(), files)
                .unwrap_or_else(|error| panic!("the built-in catalogue is checked by tests:\n{error}"))
        });
        &BUILTIN
    }

    /// This catalogue with the workloads of `files`, each a name for messages and its text.
    ///
    /// A row, option or title that a file names again is overridden; everything else stays.
    ///
    /// # Errors
    /// [`CatalogError`] with everything that is wrong in any of the files.
    ///
    /// ```
    /// use tagwall::catalog::Catalog;
    /// let file = r#"
    /// name = "labs"
    /// title = "Laboratory subnet"
    /// summary = "What the laboratory needs."
    /// [[row]]
    /// id = "lab-1"
    /// direction = "outbound"
    /// tags = "Sql.{Region}"
    /// flows = "tcp 1433"
    /// purpose = "measurements"
    /// source = "ticket 4711"
    /// "#;
    /// let catalog = Catalog::builtin().extended(&[("labs.toml".into(), file.into())])?;
    /// assert_eq!(catalog.workload("labs").unwrap().rows().len(), 1);
    ///
    /// let file = file.replace("purpose", "porpose");
    /// let error = catalog.extended(&[("labs.toml".into(), file)]).unwrap_err().to_string();
    /// assert!(error.contains("labs.toml:10: unknown key `porpose`; did you mean purpose?"), "{error}");
    /// # Ok::<(), tagwall::catalog::CatalogError>(())
    /// ```
    pub fn extended(&self, files: &[(String, String)]) -> Result<Catalog, CatalogError> {
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Ok(Catalog { as_of: self.as_of, ..Catalog::load(self.parts.clone(), files)? })
    }

    /// This catalogue with the facts of a day: rows that begin later or ended before are left out.
    pub fn at(&self, day: Date) -> Catalog {
        Catalog { as_of: Some(day), ..self.clone() }
    }

    /// The day whose facts are taken: that of [`Catalog::at`], else that of the newest version.
    pub fn as_of(&self) -> Date {
        self.as_of.unwrap_or_else(Catalog::version)
    }

    /// The version of the built-in facts: the day on which they were last gone through.
    pub fn version() -> Date {
        versions::all()[0].date
    }

    /// What changed in the built-in facts from version to version, newest first.
    pub fn versions() -> &'static [Version] {
        versions::all()
    }

    /// The documents that keys of the catalogue's sources stand for; other texts stay as they are.
    pub fn documents(&self, keys: &[String]) -> Vec<String> {
        keys.iter().map(|key| self.parts.source_of(key).unwrap_or(key).to_owned()).collect()
    }

    /// Everything in the catalogue that begins or ends on a day, rows and events, in order.
    ///
    /// ```
    /// use tagwall::catalog::Catalog;
    /// let facts = Catalog::builtin().dated();
    /// let batch = facts.iter().find(|fact| fact.subject == "aml-compute/aml-i2").unwrap();
    /// assert_eq!(batch.date.to_string(), "2026-03-31");
    /// ```
    pub fn dated(&self) -> Vec<DatedFact> {
        let rows = self.workloads.values().flat_map(|workload| {
            workload.rows().iter().filter_map(|row| {
                Some(row.dates()?.facts(workload.name(), row.id(), row.purpose()).collect::<Vec<_>>())
            })
        });
        let mut facts: Vec<DatedFact> = rows.flatten().chain(self.parts.events().cloned()).collect();
        facts.sort();
        facts
    }

    /// The events that matter for a workload in a cloud.
    pub fn events<'a>(&'a self, workload: &'a str, cloud: Cloud) -> impl Iterator<Item = &'a DatedFact> {
        self.parts.events().filter(move |event| {
            (event.workloads.is_empty() || event.workloads.iter().any(|name| name == workload))
                && (event.clouds.is_empty() || event.clouds.contains(&cloud))
        })
    }

    fn load<'f>(
        mut parts: load::Parts,
        files: impl Iterator<Item = (&'f str, &'f str)>,
    ) -> Result<Catalog, CatalogError> {
        let mut problems = Vec::new();
        for (name, text) in files {
            let file = read::read(name, text, &mut problems);
            parts.add(file, &mut problems);
        }
        let workloads = parts.finish(&mut problems);
        if problems.is_empty() {
            return Ok(Catalog { parts, workloads, as_of: None });
        }
        // An included row is looked at once for each workload that includes it.
        problems.sort();
        problems.dedup();
        Err(CatalogError { problems })
    }

    /// The workload `name`.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.get(name)
    }

    /// Every workload, in order of names.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.values()
    }

    /// The names of workloads most like `name`.
    pub fn nearest(&self, name: &str) -> Vec<String> {
        nearest(name, self.workloads.keys().map(String::as_str))
    }

    /// The right spelling of a tag's name that documents print wrong.
    ///
    /// ```
    /// use tagwall::catalog::Catalog;
    /// let alias = Catalog::builtin().alias("Keyvault.westeurope").unwrap();
    /// assert_eq!(alias.name, "AzureKeyVault.westeurope");
    /// assert!(Catalog::builtin().alias("AzureKeyVault.WestEurope").is_none());
    /// ```
    pub fn alias(&self, tag: &str) -> Option<Alias> {
        self.corrected(tag, false)
    }

    /// The right spelling of a host name that documents print wrong.
    pub fn host_alias(&self, host: &str) -> Option<Alias> {
        self.corrected(host, true)
    }

    fn corrected(&self, text: &str, hosts: bool) -> Option<Alias> {
        let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let rule = self.parts.aliases.iter().filter(|a| a.hosts == hosts).find_map(|a| a.apply(&squeezed));
        let blank = (squeezed != text).then(|| Alias {
            name: squeezed.clone(),
            note: "some documents print a blank in the name".into(),
        });
        rule.or(blank)
    }

    /// What is known about a tag that `cloud` does not have.
    pub fn absent(&self, cloud: Cloud, tag: &str) -> Option<&AbsentTag> {
        self.parts.absent.iter().find(|a| a.cloud == cloud && a.matches(tag))
    }

    /// What is known about a tag that Azure has in `cloud` and no published file holds.
    pub fn outside(&self, cloud: Cloud, tag: &str) -> Option<&OutsideTag> {
        self.parts.outside.iter().find(|outside| outside.matches(cloud, tag))
    }

    /// Why the file of `cloud` has no tag `name`, as far as that is known: it lies outside of the files, the cloud lacks
    /// it, or its region is gone. `None` where nothing is known, and only names can be compared.
    ///
    /// ```
    /// use tagwall::{catalog::Catalog, tags::Cloud};
    /// let why = |name| Catalog::builtin().why_absent(Cloud::Public, name);
    /// assert!(why("AzureFrontDoor").unwrap().to_string().contains("there is no bare tag"));
    /// assert!(why("CorpNetSaw").unwrap().to_string().contains("tag:CorpNetSaw"));
    /// assert!(why("Storage.UKNorth").unwrap().to_string().contains("former region"));
    /// assert!(why("Storrage").is_none());
    /// ```
    pub fn why_absent(&self, cloud: Cloud, name: &str) -> Option<AbsentWhy> {
        if let Some(outside) = self.outside(cloud, name) {
            let named = (!outside.takes.is_empty()).then(|| name.to_owned());
            return Some(AbsentWhy::Outside { note: outside.note.clone(), named });
        }
        if let Some(absent) = self.absent(cloud, name) {
            return Some(AbsentWhy::Lacking { note: absent.note.clone(), cover: absent.cover_of(name) });
        }
        FormerRegion::find(cloud, name.split_once('.')?.1).map(AbsentWhy::Former)
    }

    /// Every FQDN tag, in order of names.
    pub fn fqdn_tags(&self) -> impl Iterator<Item = &FqdnTag> {
        self.parts.fqdn_tags.values()
    }

    /// The FQDN tag that `name` means, in any case.
    ///
    /// ```
    /// use tagwall::catalog::Catalog;
    /// let tag = Catalog::builtin().fqdn_tag("windowsupdate").unwrap();
    /// assert_eq!(tag.name, "WindowsUpdate");
    /// assert!(Catalog::builtin().fqdn_tag("Office365.Skype.Optimize").is_some());
    /// assert_eq!(Catalog::builtin().nearest_fqdn_tags("WindowUpdate")[0], "WindowsUpdate");
    /// ```
    pub fn fqdn_tag(&self, name: &str) -> Option<&FqdnTag> {
        self.parts.fqdn_tags.values().find(|tag| tag.spelling(name).is_some())
    }

    /// The FQDN tags most like `name`.
    pub fn nearest_fqdn_tags(&self, name: &str) -> Vec<String> {
        nearest(name, self.parts.fqdn_tags.values().map(|tag| tag.name.as_str()))
    }

    /// The hosts behind a tag in a region, in order, as far as documents list them; none where they do not.
    pub fn hosts_behind(
        &self,
        tag: &FqdnTag,
        region: &Region,
        regions: &Regions,
        as_of: Date,
    ) -> Vec<HostBehind> {
        let mut found = Vec::new();
        for group in tag.groups.iter().filter(|group| group.is_in(region.cloud())) {
            let of = |host: &Fqdn, protocol, ports: &Ports| HostBehind {
                feature: group.feature.clone(),
                host: host.clone(),
                protocol,
                ports: ports.clone(),
                source: group.source.clone(),
            };
            if let Some((protocol, ports)) = &group.flow {
                found.extend(group.hosts.iter().map(|host| of(host, *protocol, ports)));
            }
            let Some((workload, rows)) = &group.rows else { continue };
            let options = BTreeMap::new();
            let (prefer, with, without) = (Prefer::Fqdns, &[][..], &[][..]);
            let cloud = region.cloud();
            let context = Context { cloud, region, regions, options: &options, prefer, without, with, as_of };
            let resolved = self.workload(workload).and_then(|workload| workload.resolve(&context).ok());
            for row in
                resolved.iter().flat_map(|resolved| &resolved.rows).filter(|row| rows.contains(&row.row))
            {
                if let RemoteSpec::Fqdn(host) = row.need.remote() {
                    found.push(of(host, row.protocol, &row.ports));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// The risk `id`, as rows name it.
    pub fn risk(&self, id: &str) -> Option<&Risk> {
        self.parts.risks.get(id)
    }

    /// Every risk, in order of ids.
    pub fn risks(&self) -> impl Iterator<Item = &Risk> {
        self.parts.risks.values()
    }
}

/// Everything that is wrong in catalogue files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    problems: Vec<CatalogProblem>,
}

impl CatalogError {
    /// The problems, in order of file and line.
    pub fn problems(&self) -> &[CatalogProblem] {
        &self.problems
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Joined(&self.problems, "\n").fmt(f)
    }
}

impl std::error::Error for CatalogError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_mistakes_are_corrected() {
        let catalog = Catalog::builtin();
        for (written, right) in [
            ("AzureFrontDoor.FrontEnd", "AzureFrontDoor.Frontend"),
            ("Frontdoor.FirstParty", "AzureFrontDoor.FirstParty"),
            ("Keyvault.WestEurope", "AzureKeyVault.WestEurope"),
            ("Batch.westeurope", "BatchNodeManagement.westeurope"),
            ("ContainerRegistry.EastUS", "AzureContainerRegistry.EastUS"),
            ("OneDSCollector", "OneDsCollector"),
            ("BatchNodeManagement.uswest", "BatchNodeManagement.WestUS"),
            ("HDInsight. NorthCentralUS", "HDInsight.NorthCentralUS"),
            ("HDInsight.GermanyNortheast", "HDInsight.GermanyNorthEast"),
            ("HDInsight.USGovIowa", "HDInsight.USGovVirginia"),
        ] {
            let alias = catalog.alias(written).unwrap_or_else(|| panic!("{written}"));
            assert_eq!(alias.name, right);
            assert!(!alias.note.is_empty());
        }
        for right in
            ["AzureFrontDoor.Frontend", "azurefrontdoor.frontend", "HDInsight.germanynortheast", "Batch2.X"]
        {
            assert_eq!(catalog.alias(right), None, "{right}");
        }
        let host = catalog.host_alias("*.westeurope.service.batch.com").unwrap();
        assert_eq!(host.name, "*.westeurope.service.batch.azure.com");
        assert_eq!(catalog.host_alias("*.westeurope.service.batch.azure.com"), None);
    }

    #[test]
    fn absent_tags_say_what_covers_them() {
        let catalog = Catalog::builtin();
        let absent = catalog.absent(Cloud::Public, "batchnodemanagement.eastus2stage").unwrap();
        assert_eq!(
            absent.cover_of("BatchNodeManagement.EastUS2Stage").unwrap(),
            "BatchNodeManagement.EastUS2"
        );
        assert!(catalog.absent(Cloud::China, "AzureFrontDoor.FirstParty").unwrap().cover_of("x").is_none());
        let regional = catalog.absent(Cloud::UsGov, "AzureDatabricks.USGovVirginia").unwrap();
        assert_eq!(regional.cover_of("AzureDatabricks.USGovVirginia").unwrap(), "AzureDatabricks");
        assert!(catalog.absent(Cloud::Public, "Storage.WestEurope").is_none());
    }
}
