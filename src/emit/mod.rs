//! Plan into bytes, one file per format.

mod arm;

pub use arm::{Arm, group_bytes, template_sizes};

use crate::plan::Plan;
use crate::target::FormatName;

/// One emitted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// File name, without a folder.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A format that plans are written in.
pub trait Format {
    /// Name in policies and in the manifest.
    fn name(&self) -> &'static str;

    /// The files of `plan` in this format, in order of deployment. The same plan gives the same bytes.
    fn render(&self, plan: &Plan) -> Vec<Artefact>;
}

/// Every artefact of `plan` in the formats asked for.
pub fn render(plan: &Plan, formats: &[FormatName]) -> Vec<Artefact> {
    let mut formats = formats.to_vec();
    formats.sort_unstable();
    formats.dedup();
    formats.into_iter().flat_map(|name| format_of(name).render(plan)).collect()
}

fn format_of(name: FormatName) -> &'static dyn Format {
    match name {
        FormatName::Arm => &Arm,
    }
}
