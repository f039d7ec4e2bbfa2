//! What time it is. Nothing else in the program asks the system.

use jiff::Timestamp;

/// The present moment; `TAGWALL_NOW` (as `2026-06-22T06:00:00Z`) takes its place, for tests and for replaying.
pub(super) fn now() -> Timestamp {
    let named = std::env::var("TAGWALL_NOW").ok();
    named.and_then(|text| text.parse().ok()).unwrap_or_else(Timestamp::now)
}
