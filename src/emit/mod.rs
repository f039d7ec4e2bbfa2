//! Plan into bytes, one file per format.

mod arm;
mod azcli;
mod azure;
mod bicep;
mod csv;
mod hcl;
mod json;
mod layout;
mod lists;
mod nftables;
mod terraform;
mod tree;
mod words;

pub use arm::{Arm, group_bytes, template_sizes};
pub use azcli::AzCli;
pub use bicep::Bicep;
pub use csv::Csv;
pub use json::Json;
pub use lists::{Edl, Lists};
pub use nftables::Nftables;
pub use terraform::{Terraform, TerraformJson};

use crate::plan::Plan;
use crate::target::{EdlDialect, FormatName, TerraformStyle};

/// One emitted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// File name; at most one folder stands before it, as in `lists/Storage.ipv4.txt`.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl Artefact {
    fn text(name: impl Into<String>, text: String) -> Self {
        Artefact { name: name.into(), bytes: text.into_bytes() }
    }
}

/// What a format may be told beside the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Azure location that resources are made in by default.
    pub location: String,
    /// Resource group that resources are made in by default; who deploys names it if there is none.
    pub resource_group: Option<String>,
    /// How Terraform is told about rules and routes.
    pub terraform_style: TerraformStyle,
    /// For which firewall lists are written.
    pub edl: EdlDialect,
}

/// A format that plans are written in.
pub trait Format {
    /// Name in policies and in the manifest.
    fn name(&self) -> &'static str;

    /// The files of `plan` in this format, in order of deployment. The same plan gives the same bytes.
    fn render(&self, plan: &Plan, options: &Options) -> Vec<Artefact>;
}

/// Every artefact of `plan` in the formats asked for.
pub fn render(plan: &Plan, formats: &[FormatName], options: &Options) -> Vec<Artefact> {
    let mut formats = formats.to_vec();
    formats.sort_unstable();
    formats.dedup();
    formats.into_iter().flat_map(|name| format_of(name).render(plan, options)).collect()
}

fn format_of(name: FormatName) -> &'static dyn Format {
    match name {
        FormatName::Arm => &Arm,
        FormatName::Bicep => &Bicep,
        FormatName::Terraform => &Terraform,
        FormatName::TerraformJson => &TerraformJson,
        FormatName::Azcli => &AzCli,
        FormatName::Csv => &Csv,
        FormatName::Lists => &Lists,
        FormatName::Edl => &Edl,
        FormatName::Nftables => &Nftables,
        FormatName::Json => &Json,
    }
}
