//! [`Budget`]: what more extra addresses could do about a limit, as values whose sentences stand here alone.

use std::fmt;

use crate::addr::{Count, IpPrefix};
use crate::limits::LimitKey;
use crate::text::joined;

/// What a larger `precision.max-extra` could do about a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Budget {
    /// What is done about a limit above does it.
    #[error("the extra addresses that keep a limit above keep this one too")]
    Above,
    /// The smallest that fits, where this is the only limit.
    #[error(
        "or admit what was not asked for: the smallest precision.max-extra that fits is {total} (it is {now}), {share}"
    )]
    Smallest {
        /// The smallest that fits.
        total: Count,
        /// What it is.
        now: Count,
        /// How much that is.
        share: Share,
    },
    /// The same, where there are others.
    #[error(
        "or admit what was not asked for: {} extra addresses are enough here, {share}; the smallest precision.max-extra that fits all limits is {total} (it is {now})", .share.extra
    )]
    OfAll {
        /// The smallest that fits all limits.
        total: Count,
        /// What it is.
        now: Count,
        /// How much it takes for this one.
        share: Share,
    },
    /// It would be enough for this limit, and not for others.
    #[error(
        "{} extra addresses would be enough here, {share}, but no precision.max-extra helps against the other limits", .share.extra
    )]
    Here {
        /// How much it takes for this one.
        share: Share,
    },
    /// It is not.
    #[error("no precision.max-extra is enough: {smallest} are the fewest, since {why}")]
    Never {
        /// The fewest of what the limit counts.
        smallest: usize,
        /// Why there are not fewer.
        why: Fewest,
    },
    /// It is not enough for a limit that this one hangs on.
    #[error("no precision.max-extra is enough, since none is against {0}")]
    Against(LimitKey),
}

/// How many extra addresses are, held against those that the lists ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Extra addresses.
    pub extra: Count,
    /// Those asked for.
    pub asked: Count,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.extra.to_f64() / self.asked.to_f64();
        match ratio {
            2.0.. => write!(f, "{ratio:.0} times as many as these lists ask for"),
            0.01.. => write!(f, "{:.0} % of what these lists ask for", ratio * 100.0),
            _ => f.write_str("less than 1 % of what these lists ask for"),
        }
    }
}

/// Why there are not fewer of what a limit counts, however many extra addresses are admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fewest {
    /// The limit does not hang on lists.
    Unchanged,
    /// The lists are as short as can be.
    Shortest,
    /// Routes lead elsewhere.
    Routes,
    /// Each list takes one.
    EachList,
    /// So many entries are no lists; and what stands in the way of wider prefixes, most frequent first. Nothing is in
    /// the way of lists that are one prefix each.
    Entries {
        /// Entries that are no lists.
        fixed: usize,
        /// Whether there are lists.
        lists: bool,
        /// The ranges in the way, and where they come from.
        blocks: Vec<(IpPrefix, &'static str)>,
    },
}

impl fmt::Display for Fewest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fewest::Unchanged => f.write_str("shorter lists change nothing of it"),
            Fewest::Shortest => f.write_str("that is what the shortest lists need"),
            Fewest::Routes => f.write_str(
                "addresses that other needs ask for, private and special ranges and `precision.never` keep their next hops",
            ),
            Fewest::EachList => f.write_str("each list needs a group or an entry of its own"),
            Fewest::Entries { fixed, lists, blocks } => {
                if *fixed > 0 {
                    let and = if blocks.is_empty() && !lists { "" } else { ", and " };
                    write!(f, "{fixed} entries are no lists that could be widened{and}")?;
                }
                match blocks.len() {
                    0 if *lists => f.write_str("each list needs a prefix in each of its rules"),
                    0 => Ok(()),
                    n => {
                        let shown = joined(blocks.iter().take(3).map(block), ", ");
                        write!(f, "wider prefixes would hold what may never be let through: {shown}")?;
                        if n > 3 { write!(f, " and {} more", n - 3) } else { Ok(()) }
                    }
                }
            }
        }
    }
}

fn block((block, from): &(IpPrefix, &'static str)) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{block} ({from})"))
}
