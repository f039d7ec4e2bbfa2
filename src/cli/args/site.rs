//! Flags of `site`.

use std::path::PathBuf;

use clap::Args;

use super::{Place, Printing};

/// Write the lists, pages and feeds of `serve` as files, for any web server or blob container.
///
/// Publishes as `refresh` does: a whole generation with a record of digests, put in place by one rename; DIR itself, or DIR/current,
/// is what the web server shows. Files that have not changed are not written again and keep their time. Nothing is done where data,
/// published generation and program are those of the last run.
///
/// Example: tagwall site --site /srv/tagwall --out /srv/www --consumer panos
#[derive(Debug, Args)]
pub(in crate::cli) struct SiteArgs {
    /// Folder that is written to.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: PathBuf,
    /// Folder that `refresh` publishes to, for environments and their pages.
    #[arg(long, value_name = "DIR", env = "TAGWALL_SITE")]
    pub(in crate::cli) site: Option<PathBuf>,
    /// Only this cloud, repeatable; without it every cloud that is in the store.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Vec<String>,
    /// How many stored snapshots of a cloud are told of.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(in crate::cli) weeks: usize,
    /// Also the views for this consumer, repeatable: panos, fortigate, checkpoint, cisco, opnsense, nft or ipset.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) consumer: Vec<String>,
    /// How many generations are kept.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(in crate::cli) keep: usize,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}
