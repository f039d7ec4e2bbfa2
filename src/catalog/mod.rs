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
//! });
//! let rows = resolved.unwrap().rows;
//! let batch = rows.iter().find(|row| row.id == "aml-o3").unwrap();
//! assert_eq!(batch.need.to_string(), "BatchNodeManagement.WestEurope");
//! assert!(rows.iter().any(|row| row.id == "aml-i1"), "with a public address the service calls the node");
//! ```

mod alias;
mod builtin;
mod fields;
mod fqdn;
mod load;
mod read;
mod remote;
mod resolve;
mod resolved;
mod template;
mod when;
mod workload;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

pub use alias::{AbsentTag, Alias};
pub use fields::{CatalogProblem, Place};
pub use fqdn::{Fqdn, FqdnError};
pub use remote::{RemoteError, RemoteSpec};
pub use resolved::{
    Context, EndpointPolicy, Prefer, ResolveError, Resolved, ResolvedRow, RowNeed, SkipReason, Skipped,
};
pub use when::Condition;
pub use workload::{
    EndpointPolicySpec, ManagedRow, ManagedRule, OptionKind, OptionSpec, OptionValue, Precondition, Risk,
    RouteHop, Row, Workload,
};

use crate::tags::Cloud;
use crate::text::nearest;

/// The workloads that are known, with the spellings and gaps that documents and clouds have.
#[derive(Debug, Clone)]
pub struct Catalog {
    parts: load::Parts,
    workloads: BTreeMap<String, Workload>,
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
        Catalog::load(self.parts.clone(), files)
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
            return Ok(Catalog { parts, workloads });
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
        let lines: Vec<String> = self.problems.iter().map(CatalogProblem::to_string).collect();
        f.write_str(&lines.join("\n"))
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
