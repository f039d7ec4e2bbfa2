//! Route tables.
use serde_json::Value;

/// Answers.
pub(crate) fn answer(_: &Value) -> Value {
    Value::Null
}
