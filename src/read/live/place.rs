//! Where something stands in a document.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The file, as it was named; the places of one document share it.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: usize,
    /// The way through the document; empty in documents that are not JSON.
    pub pointer: Pointer,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " {}", self.pointer) }
    }
}

/// The way through a document, as a JSON pointer (RFC 6901). The items of one list share what stands before their numbers:
/// of many small rules the ways alone would take as much memory as half of their text.
///
/// ```
/// use tagwall::read::live::Pointer;
/// let pointer = Pointer::from("/value/0/name");
/// assert!(!pointer.is_empty() && pointer == "/value/0/name");
/// assert_eq!(pointer.to_string(), "/value/0/name");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Pointer {
    start: Option<Arc<str>>,
    item: Option<u32>,
}

impl Pointer {
    /// An item of the list to which `list` leads; without it, of the document.
    pub(super) fn of_item(list: Option<Arc<str>>, at: usize) -> Self {
        match u32::try_from(at) {
            Ok(at) => Pointer { start: list, item: Some(at) },
            Err(_) => format!("{}/{at}", list.unwrap_or_default()).into(),
        }
    }

    /// Whether it leads to the whole document, or to nothing that is known.
    pub fn is_empty(&self) -> bool {
        self.item.is_none() && self.start.as_deref().unwrap_or_default().is_empty()
    }

    fn text(&self) -> Cow<'_, str> {
        let start = self.start.as_deref().unwrap_or_default();
        match self.item {
            Some(at) => Cow::Owned(format!("{start}/{at}")),
            None => Cow::Borrowed(start),
        }
    }
}

impl From<Arc<str>> for Pointer {
    fn from(text: Arc<str>) -> Self {
        Pointer { start: Some(text), item: None }
    }
}

impl From<String> for Pointer {
    fn from(text: String) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl From<&str> for Pointer {
    fn from(text: &str) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

impl PartialEq for Pointer {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pointer {}

impl PartialEq<&str> for Pointer {
    fn eq(&self, other: &&str) -> bool {
        self.text() == *other
    }
}

impl PartialOrd for Pointer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pointer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(&other.text())
    }
}

impl Hash for Pointer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_its_text_however_it_is_held() {
        let item = Pointer::of_item(Some("/value".into()), 12);
        let whole = Pointer::from("/value/12");
        assert_eq!((&item, item.to_string().as_str()), (&whole, "/value/12"));
        assert_eq!(item.cmp(&Pointer::from("/value/2")), Ordering::Less, "as texts");
        assert_eq!(serde_json::to_string(&item).unwrap(), serde_json::to_string(&whole).unwrap());
        let first = Pointer::of_item(None, 0);
        assert!(first == "/0" && !first.is_empty() && Pointer::default().is_empty());
    }
}
