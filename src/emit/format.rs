//! [`Format`]: what every format does, and [`Artefact`]: what it gives.

use crate::plan::{PlanParts, TemplateSize};
use crate::target::{ApiVersion, EdlDialect, FormatName, MediaType, Part, TerraformStyle};

/// One emitted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// File name; at most one folder stands before it, as in `lists/Storage.ipv4.txt`.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// The format that it is a file of; none for what is written beside the rules, such as the report.
    pub format: Option<FormatName>,
    /// The part of the plan that it holds; none for lists, for a plan as a whole and for what lies beside the rules.
    pub part: Option<Part>,
    /// Which of the files it is that this part takes; none where it is the only one.
    pub number: Option<usize>,
    /// How many Azure resources a template holds, or a file that becomes one; none for other files.
    pub resources: Option<usize>,
    /// What the bytes are.
    pub media_type: MediaType,
}

impl Artefact {
    /// A file of no format, of which nothing is known but its name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Artefact::typed(name, bytes, MediaType::Text)
    }

    /// A file of no format that is of this type.
    pub fn typed(name: impl Into<String>, bytes: impl Into<Vec<u8>>, media_type: MediaType) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        Artefact { name, bytes, format: None, part: None, number: None, resources: None, media_type }
    }

    /// The only file with a part of the plan, or that with a `number` of several.
    pub(super) fn of_part(
        part: Part,
        number: Option<usize>,
        ending: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        let marked = number.map_or(String::new(), |number| format!("-{number}"));
        let name = format!("{}{marked}{ending}", part.name());
        Artefact { part: Some(part), number, ..Artefact::new(name, bytes) }
    }

    /// The same with so many resources in it.
    pub(super) fn holding(self, resources: usize) -> Self {
        Artefact { resources: Some(resources), ..self }
    }
}

/// The size of each ARM template among `artefacts`.
pub fn template_sizes(artefacts: &[Artefact]) -> Vec<TemplateSize> {
    let size = |a: &Artefact| {
        let (part, resources) = a.part.zip(a.resources)?;
        let (file, number, bytes) = (a.name.clone(), a.number, a.bytes.len());
        Some(TemplateSize { file, part, number, bytes, resources })
    };
    artefacts.iter().filter(|a| a.format == Some(FormatName::Arm)).filter_map(size).collect()
}

/// The numbers of `count` files with a part of the plan; the only one has none.
pub(super) fn numbers(count: usize) -> impl Iterator<Item = Option<usize>> {
    (1..=count).map(move |number| (count > 1).then_some(number))
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
    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_several_files_has_a_number() {
        let names = |count| -> Vec<String> {
            numbers(count).map(|number| Artefact::of_part(Part::Nsg, number, ".sh", "").name).collect()
        };
        assert_eq!(names(1), ["nsg.sh"]);
        assert_eq!(names(2), ["nsg-1.sh", "nsg-2.sh"]);
        assert!(names(0).is_empty());
    }
}
