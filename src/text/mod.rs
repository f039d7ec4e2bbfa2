//! Small helpers for text: its encoding, what must not be shown as it is, digests in hexadecimal, and suggestions for
//! names that are not known.

mod encoding;
mod joined;
mod markup;
mod pattern;
mod visible;

use sha2::{Digest, Sha256};

pub use encoding::{Encoding, Utf16, to_utf8};
pub use joined::Joined;
pub(crate) use joined::joined;
#[cfg(feature = "store")]
pub(crate) use markup::marked;
pub use markup::markup;
pub use pattern::{fits, fits_in_any_case};
pub(crate) use visible::is_plain;
pub use visible::{Escape, excerpt, hidden, is_hidden, trim_hidden, visible, visible_bytes};

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

/// Whether Windows keeps a name of a file or folder for a device, whatever ending it has.
///
/// Source: learn.microsoft.com/windows/win32/fileio/naming-a-file, 2024-08-28.
///
/// ```
/// use tagwall::text::is_reserved;
/// assert!(is_reserved("NUL") && is_reserved("con.txt") && is_reserved("Com1"));
/// assert!(!is_reserved("console") && !is_reserved("com10"));
/// ```
pub fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |kind: &str| {
        let number = stem.strip_prefix(kind).filter(|rest| rest.chars().count() == 1);
        number.is_some_and(|rest| rest.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9', '¹', '²', '³']))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || numbered("com")
        || numbered("lpt")
}

/// The names most like `wanted`, best first, at most three; empty if none is near.
///
/// ```
/// use tagwall::text::nearest;
/// assert_eq!(nearest("Storrage", ["Sql", "Storage", "EventHub"]), ["Storage"]);
/// assert!(nearest("xyzzy", ["Sql", "Storage"]).is_empty());
/// ```
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let lower = wanted.to_lowercase();
    let mut ranked: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.5)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// ` (did you mean a, b?)`, or nothing where `names` is empty.
pub fn did_you_mean(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

pub(crate) fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_' | '(' | ')'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
