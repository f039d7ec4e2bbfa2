//! [`ServiceEndpoint`]: which addresses the service endpoints of subnets take, as data with sources.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::addr::AddrSet;
use crate::tags::{Region, Snapshot};
use crate::text::{did_you_mean, nearest};

const DATA: &str = include_str!("../../data/service-endpoints.toml");

/// A service endpoint that a subnet can have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEndpoint {
    /// Its name, as in `Microsoft.Storage`.
    pub service: String,
    /// The tag whose addresses it takes.
    pub tag: String,
    /// Of which regions.
    pub covers: EndpointRegions,
    /// Page and its date.
    pub source: String,
}

/// Of which regions a service endpoint takes addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointRegions {
    /// That of the network.
    Region,
    /// That of the network and the one that it is paired with.
    Pair,
    /// All.
    All,
}

#[derive(Deserialize)]
struct EndpointFile {
    endpoint: Vec<ServiceEndpoint>,
}

/// No service endpoint has such a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no service endpoint is called `{name}`{}", did_you_mean(.nearest))]
pub struct UnknownEndpoint {
    /// The name.
    pub name: String,
    /// Those most like it.
    pub nearest: Vec<String>,
}

impl ServiceEndpoint {
    /// Every endpoint that is known, in the order of the data.
    pub fn all() -> &'static [ServiceEndpoint] {
        static ALL: LazyLock<Vec<ServiceEndpoint>> = LazyLock::new(|| {
            toml::from_str::<EndpointFile>(DATA).expect("the built-in data is checked by a test").endpoint
        });
        &ALL
    }

    /// The endpoint called `name`, in any case.
    ///
    /// # Errors
    /// That there is none, with the nearest names.
    ///
    /// ```
    /// use tagwall::catalog::ServiceEndpoint;
    /// assert_eq!(ServiceEndpoint::find("microsoft.keyvault").unwrap().tag, "AzureKeyVault");
    /// assert!(ServiceEndpoint::find("Microsoft.Storge").unwrap_err().nearest.contains(&"Microsoft.Storage".to_owned()));
    /// ```
    pub fn find(name: &str) -> Result<&'static ServiceEndpoint, UnknownEndpoint> {
        let found = Self::all().iter().find(|known| known.service.eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownEndpoint {
            name: name.to_owned(),
            nearest: nearest(name, Self::all().iter().map(|known| known.service.as_str())),
        })
    }

    /// The addresses that it takes in a network of `region`, or of all regions where `everywhere` says so; `None`
    /// where the tags of a file lack its own.
    pub fn addresses(&self, snapshot: &Snapshot, region: &Region, everywhere: bool) -> Option<AddrSet> {
        let regional = |suffix: &str| addresses_of(snapshot, &format!("{}.{suffix}", self.tag));
        match self.covers {
            _ if everywhere => self.addresses_everywhere(snapshot),
            EndpointRegions::All => self.addresses_everywhere(snapshot),
            EndpointRegions::Region => regional(region.suffix()),
            EndpointRegions::Pair => {
                let pair = region.pair().and_then(regional).unwrap_or_default();
                regional(region.suffix()).map(|own| own.union(&pair))
            }
        }
    }

    /// The addresses of its service in all regions.
    pub fn addresses_everywhere(&self, snapshot: &Snapshot) -> Option<AddrSet> {
        addresses_of(snapshot, &self.tag)
    }
}

/// Of a tag what an endpoint can take.
fn addresses_of(snapshot: &Snapshot, tag: &str) -> Option<AddrSet> {
    snapshot.tag(tag).map(|tag| AddrSet { v4: tag.set().v4.clone(), ..AddrSet::empty() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::{Cloud, sample};

    #[test]
    fn every_endpoint_is_named_once_and_has_a_source() {
        let all = ServiceEndpoint::all();
        let mut names: Vec<String> = all.iter().map(|known| known.service.to_lowercase()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|known| !known.source.is_empty()));
    }

    #[test]
    fn storage_takes_its_pair_along_and_sql_does_not() {
        let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
        let region = snapshot.regions().find("westeurope").unwrap();
        let of = |service: &str, everywhere| {
            ServiceEndpoint::find(service).unwrap().addresses(&snapshot, region, everywhere).unwrap()
        };
        let v4 =
            |name: &str| AddrSet { v4: snapshot.tag(name).unwrap().set().v4.clone(), ..AddrSet::empty() };
        let both = v4("Storage.WestEurope").union(&v4("Storage.NorthEurope"));
        assert_eq!(of("Microsoft.Storage", false), both);
        assert_eq!(of("Microsoft.Storage", true), v4("Storage"));
        assert_eq!(of("Microsoft.Storage.Global", false), v4("Storage"));
        assert_eq!(of("Microsoft.Sql", false), v4("Sql.WestEurope"));
        assert_eq!(of("Microsoft.KeyVault", false), v4("AzureKeyVault"));
    }
}
