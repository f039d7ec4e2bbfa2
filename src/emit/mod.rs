//! Plan into bytes, one file per format.

mod arm;
mod azcli;
mod azure;
mod bicep;
mod csv;
mod format;
mod hcl;
mod json;
mod layout;
mod lists;
mod nftables;
mod terraform;
mod tree;
mod words;

pub use arm::{Arm, group_bytes};
pub use azcli::AzCli;
pub use bicep::Bicep;
pub use csv::Csv;
pub use format::{Artefact, Format, Options, template_sizes};
pub use json::Json;
pub use lists::{Edl, Lists};
pub use nftables::Nftables;
pub use terraform::{Terraform, TerraformJson};

use crate::plan::PlanParts;
use crate::target::FormatName;

/// Every artefact of `plan` in the formats asked for.
pub fn render(plan: &PlanParts, formats: &[FormatName], options: &Options) -> Vec<Artefact> {
    let mut formats = formats.to_vec();
    formats.sort_unstable();
    formats.dedup();
    let of =
        |name: FormatName| move |file| Artefact { format: Some(name), media_type: name.media_type(), ..file };
    formats
        .into_iter()
        .flat_map(|name| format_of(name).render(plan, options).into_iter().map(of(name)))
        .collect()
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
