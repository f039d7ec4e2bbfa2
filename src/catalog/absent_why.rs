//! [`AbsentWhy`]: why a published file does not hold a tag.

use crate::tags::FormerRegion;

/// Why a file has no tag of some name, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbsentWhy {
    /// Azure has the tag, and no file does.
    #[error(
        "Azure knows it, but no published file holds it, so that it cannot be expanded: {note}; {}",
        by_name(.named.as_deref())
    )]
    Outside {
        /// What the catalogue says of it.
        note: String,
        /// The tag, where something takes it by name.
        named: Option<String>,
    },
    /// The cloud lacks the tag.
    #[error("{note}{}", covered(.cover.as_deref()))]
    Lacking {
        /// What the catalogue says of it.
        note: String,
        /// The tag that holds its addresses, where one does.
        cover: Option<String>,
    },
    /// Its region is gone.
    #[error("{} is a former region: {}", .0.display, .0.end)]
    Former(
        /// The region.
        &'static FormerRegion,
    ),
}

fn by_name(named: Option<&str>) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| match named {
        Some(name) => write!(f, "write `tag:{name}` to have it by name, unproven"),
        None => f.write_str("neither NSGs nor firewalls take it by name"),
    })
}

fn covered(cover: Option<&str>) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| cover.map_or(Ok(()), |cover| write!(f, "; {cover} holds its addresses")))
}
