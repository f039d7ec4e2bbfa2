//! The options of a workload, as a catalogue file has them.

use toml::de::DeValue;

use super::fields::{CatalogReader, Fields, Value};
use super::file_problem::FileProblem;
use super::form_problem::FormProblem;
use super::option::{OptionKind, OptionSpec, OptionValue};

/// Reads one `[[option]]`.
pub(super) fn read_option<'t>(reader: &mut CatalogReader<'t>, mut option: Fields<'_, 't>) -> OptionSpec {
    let name = option.required_text(reader, "name");
    let kind = read_kind(reader, &mut option);
    let default = option.take("default");
    let default = match default.map(|value| (value, option_value(value))) {
        None => kind.nothing(),
        Some((value, given)) => given.and_then(|given| kind.check(&given).ok()).unwrap_or_else(|| {
            reader.problem(value.span(), FileProblem::Default { name: &name, kind: &kind });
            kind.nothing()
        }),
    };
    let required = option.flag(reader, "required").unwrap_or(false);
    let help = option.required_text(reader, "help");
    option.finish(reader);
    OptionSpec { name, kind, default, help, required }
}

fn read_kind<'t>(reader: &mut CatalogReader<'t>, option: &mut Fields<'_, 't>) -> OptionKind {
    const KINDS: [&str; 7] = ["bool", "port", "ports", "priority", "text", "list", "choice"];
    let kind = option.required_text(reader, "kind");
    let choices = option.plain_texts(reader, "choices");
    match kind.as_str() {
        "bool" => OptionKind::Bool,
        "port" => OptionKind::Port,
        "ports" => OptionKind::Ports,
        "priority" => OptionKind::Priority,
        "list" => OptionKind::List,
        "choice" if !choices.is_empty() => OptionKind::Choice(choices),
        "choice" => {
            reader.problem(option.span.clone(), FormProblem::Missing("choices"));
            OptionKind::Text
        }
        "text" | "" => OptionKind::Text,
        _ => {
            reader.problem(option.span.clone(), FileProblem::OptionKind { kind: &kind, known: &KINDS });
            OptionKind::Text
        }
    }
}

/// A value in TOML as the value of an option; numbers are taken for ports.
fn option_value(value: &Value<'_>) -> Option<OptionValue> {
    match value.get_ref() {
        DeValue::Boolean(on) => Some(OptionValue::Bool(*on)),
        DeValue::String(text) => Some(OptionValue::Text(text.to_string())),
        DeValue::Integer(number) => Some(OptionValue::Text(number.to_string())),
        DeValue::Array(list) => {
            let texts: Option<Vec<String>> =
                list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            texts.map(OptionValue::List)
        }
        _ => None,
    }
}
