//! Writes the published form: the keys, their order and the indentation of Microsoft's file.

use std::fmt::{self, Display, Write};

use super::draw::mix;
use super::shape::{Row, Shape};
use crate::addr::Prefix;

/// The sample's change number; no real file of today has one so low.
const CHANGE_NUMBER: u64 = 7;

pub(super) fn write(
    cloud: &str,
    shape: &Shape,
    v4: &[Vec<Prefix<u32>>],
    v6: &[Vec<Prefix<u128>>],
) -> Vec<u8> {
    let prefixes: usize = v4.iter().map(Vec::len).chain(v6.iter().map(Vec::len)).sum();
    let mut out = String::with_capacity(512 * shape.rows.len() + 40 * prefixes);
    write_file(&mut out, cloud, shape, v4, v6).expect("writing to a string does not fail");
    out.into_bytes()
}

fn write_file(
    out: &mut String,
    cloud: &str,
    shape: &Shape,
    v4: &[Vec<Prefix<u32>>],
    v6: &[Vec<Prefix<u128>>],
) -> fmt::Result {
    write!(out, "{{\n  \"changeNumber\": {CHANGE_NUMBER},\n  \"cloud\": \"{cloud}\",\n  \"values\": [")?;
    for (i, row) in shape.rows.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        write_head(out, row)?;
        out.push_str("        \"addressPrefixes\": ");
        let both = v4[i].iter().map(|p| p as &dyn Display).chain(v6[i].iter().map(|p| p as &dyn Display));
        write_list(out, both)?;
        out.push_str(",\n        \"networkFeatures\": ");
        match row.features {
            None => out.push_str("null"),
            Some(letters) => write_list(out, letters.chars().map(feature))?,
        }
        out.push_str("\n      }\n    }");
    }
    out.push_str("\n  ]\n}");
    Ok(())
}

fn write_head(out: &mut String, row: &Row) -> fmt::Result {
    let Row { name, region, region_id, service, .. } = row;
    let change = 1 + mix(name, 0) % CHANGE_NUMBER;
    write!(
        out,
        r#"    {{
      "name": "{name}",
      "id": "{name}",
      "properties": {{
        "changeNumber": {change},
        "region": "{region}",
        "regionId": {region_id},
        "platform": "Azure",
        "systemService": "{service}",
"#
    )
}

/// An array of strings, one a line; none of ours needs an escape.
fn write_list(out: &mut String, items: impl Iterator<Item = impl Display>) -> fmt::Result {
    let mut separator = "[";
    for item in items {
        write!(out, "{separator}\n          \"{item}\"")?;
        separator = ",";
    }
    out.push_str(if separator == "[" { "[]" } else { "\n        ]" });
    Ok(())
}

fn feature(letter: char) -> &'static str {
    match letter {
        'A' => "API",
        'N' => "NSG",
        'U' => "UDR",
        'F' => "FW",
        'V' => "VSE",
        _ => panic!("the shape table names a network feature {letter:?} that is not known"),
    }
}
