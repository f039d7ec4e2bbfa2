//! [`Format`]: what every format does, and [`Artefact`]: what it gives.

use crate::plan::Plan;
use crate::target::{ApiVersion, EdlDialect, FormatName, TerraformStyle};

/// One emitted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// File name; at most one folder stands before it, as in `lists/Storage.ipv4.txt`.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// The format that it is a file of; none for what is written beside the rules, such as the report.
    pub format: Option<FormatName>,
}

impl Artefact {
    /// A file of no format.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Artefact { name: name.into(), bytes: bytes.into(), format: None }
    }

    pub(super) fn text(name: impl Into<String>, text: String) -> Self {
        Artefact::new(name, text)
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
    /// Whether formats that can also put what is made on the subnets.
    pub associations: bool,
    /// Whether scripts put the rules of a firewall policy into its draft.
    pub firewall_draft: bool,
    /// The version of Azure's network API that resources are written in.
    pub api_version: ApiVersion,
}

/// A format that plans are written in.
pub trait Format {
    /// Name in policies and in the manifest.
    fn name(&self) -> &'static str;

    /// The files of `plan` in this format, in order of deployment. The same plan gives the same bytes.
    fn render(&self, plan: &Plan, options: &Options) -> Vec<Artefact>;
}
