//! [`Features`]: where Azure takes a tag by name.

/// `networkFeatures` of a tag: where Azure takes it by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    stated: bool,
    /// One bit for each of [`KNOWN`].
    known: u8,
    /// Names that are none of [`KNOWN`], ascending.
    others: Vec<Box<str>>,
}

/// Every name that real files have; ascending.
const KNOWN: [&str; 5] = ["API", "FW", "NSG", "UDR", "VSE"];

impl Features {
    /// A field that is there but holds nothing yet. [`default`](Self::default) is a field that is missing.
    pub(super) fn stated() -> Self {
        Features { stated: true, ..Features::default() }
    }

    /// Adds a name; one that is there already changes nothing.
    pub(super) fn add(&mut self, name: &str) {
        if let Some(at) = KNOWN.iter().position(|&known| known == name) {
            self.known |= 1 << at;
        } else if let Err(at) = self.others.binary_search_by(|other| (**other).cmp(name)) {
            self.others.insert(at, name.into());
        }
    }

    /// Whether the file has the field at all; files before 2020-08-27 do not.
    pub fn is_stated(&self) -> bool {
        self.stated
    }

    /// Whether `name` (`API`, `NSG`, `UDR`, `FW`, `VSE`) is among the features, in any case.
    pub fn has(&self, name: &str) -> bool {
        self.known().any(|known| known.eq_ignore_ascii_case(name))
            || self.others.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// The features, ascending.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut names: Vec<&str> = self.known().chain(self.others()).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// Those that no real file has had.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(AsRef::as_ref)
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        KNOWN.iter().enumerate().filter(|(at, _)| self.known >> at & 1 == 1).map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_other_names_in_order() {
        let features: Features =
            serde_json::from_str(r#"["VSE","Zeta","API","Bee","VSE","Bee","api"]"#).unwrap();
        assert_eq!(features.names().collect::<Vec<_>>(), ["API", "Bee", "VSE", "Zeta", "api"]);
        assert!(features.has("vse") && features.has("ZETA") && !features.has("NSG"));
        let null: Features = serde_json::from_str("null").unwrap();
        assert_eq!(null, Features::stated());
        assert_ne!(null, Features::default());
    }
}
