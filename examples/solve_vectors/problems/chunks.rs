//! Stable chunks of prefix lists.

use serde_json::{Value, json};
use tagwall::addr::{IpPrefix, roomy_chunks, stable_chunks};

/// Answers one case: both lists in chunks, the second with the first in mind.
pub(crate) fn answer(case: &Value) -> Value {
    let limit = case["limit"].as_u64().expect("a number") as usize;
    let (before, after) = (prefixes(&case["before"]), prefixes(&case["after"]));
    let old = roomy_chunks(&before, limit);
    let new = stable_chunks(&after, limit, &old);
    json!({ "before": texts(&old), "after": texts(&new) })
}

fn prefixes(value: &Value) -> Vec<IpPrefix> {
    let parse = |text: &Value| text.as_str().expect("a string").parse().expect("a prefix");
    value.as_array().expect("a list").iter().map(parse).collect()
}

fn texts(chunks: &[&[IpPrefix]]) -> Value {
    let text = |chunk: &&[IpPrefix]| chunk.iter().map(ToString::to_string).collect::<Value>();
    chunks.iter().map(text).collect()
}
