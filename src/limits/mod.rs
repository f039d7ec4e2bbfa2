//! [`Limits`]: Azure's documented limits as dated data, and [`Usage`] held against them.

mod documented;
mod key;

pub use documented::{Limit, firewall_priorities, nsg_priorities};
pub use key::{LimitKey, UnknownLimit};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::text::{did_you_mean, nearest};

/// Which column of the limits applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The newest figures.
    #[default]
    Current,
    /// The figures of older subscriptions and tools.
    Conservative,
}

/// What of the limits in a policy is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitFault {
    /// No profile has the name.
    #[error(
        "unknown profile `{0}`{near}; known are current, conservative",
        near = did_you_mean(&nearest(.0, ["current", "conservative"]))
    )]
    Profile(
        /// The name.
        String,
    ),
    /// No limit has the name.
    #[error(transparent)]
    Key(#[from] UnknownLimit),
}

impl LimitFault {
    /// The key of the section `limits` that says it.
    pub fn key(&self) -> &str {
        match self {
            LimitFault::Profile(_) => "profile",
            LimitFault::Key(unknown) => &unknown.text,
        }
    }
}

/// The limits that one plan must keep: a profile, with single figures replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    profile: Profile,
    overrides: BTreeMap<LimitKey, u64>,
}

impl Limits {
    /// Every limit known, in the order of the data.
    pub fn all() -> &'static [Limit] {
        documented::all()
    }

    /// The limits of a profile by name (`current` if `None`) with single figures replaced.
    ///
    /// # Errors
    /// One for each name that is not known.
    pub fn new(profile: Option<&str>, overrides: &BTreeMap<String, u64>) -> Result<Self, Vec<LimitFault>> {
        let mut errors = Vec::new();
        let profile = match profile {
            None | Some("current") => Profile::Current,
            Some("conservative") => Profile::Conservative,
            Some(other) => {
                errors.push(LimitFault::Profile(other.to_owned()));
                Profile::Current
            }
        };
        let mut figures = BTreeMap::new();
        for (text, &figure) in overrides {
            match text.parse::<LimitKey>() {
                Ok(key) => {
                    figures.insert(key, figure);
                }
                Err(error) => errors.push(error.into()),
            }
        }
        if errors.is_empty() { Ok(Limits { profile, overrides: figures }) } else { Err(errors) }
    }

    /// The figure that applies for `key`.
    pub fn get(&self, key: LimitKey) -> u64 {
        let limit = key.limit();
        let profile = match self.profile {
            Profile::Current => limit.current,
            Profile::Conservative => limit.conservative,
        };
        self.overrides.get(&key).copied().unwrap_or(profile)
    }

    /// [`get`](Self::get) as a length: as much as there can be where the figure is beyond that.
    pub fn room(&self, key: LimitKey) -> usize {
        usize::try_from(self.get(key)).unwrap_or(usize::MAX)
    }

    /// How `have` stands against the limit `key`; `of` says of which resource.
    pub fn usage(&self, key: LimitKey, of: &str, have: u64) -> Usage {
        let Limit { current, conservative, .. } = *key.limit();
        Usage { key, of: of.to_owned(), have, limit: self.get(key), current, conservative }
    }
}

/// How much of one limit a plan uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Which limit it is.
    pub key: LimitKey,
    /// The resource that is counted.
    pub of: String,
    /// How much it uses.
    pub have: u64,
    /// The figure that applies.
    pub limit: u64,
    /// The figure of the profile `current`.
    pub current: u64,
    /// The figure of the profile `conservative`.
    pub conservative: u64,
}

impl Usage {
    /// Whether the limit is kept.
    pub fn fits(&self) -> bool {
        self.have <= self.limit
    }

    /// Orders by the share of the limit that is used; of equal shares the later name comes first.
    pub(crate) fn by_share(a: &Usage, b: &Usage) -> std::cmp::Ordering {
        let of = |usage: &Usage, other: &Usage| u128::from(usage.have) * u128::from(other.limit);
        of(a, b).cmp(&of(b, a)).then_with(|| (&b.key, &b.of).cmp(&(&a.key, &a.of)))
    }

    /// How much of `limit` is left, in percent rounded down; below zero where it is exceeded.
    ///
    /// ```
    /// use tagwall::plan::{LimitKey, Limits};
    /// let usage = Limits::default().usage(LimitKey::RoutesPerTable, "table", 450);
    /// assert_eq!((usage.headroom(usage.current), usage.headroom(usage.conservative)), (55, -13));
    /// ```
    pub fn headroom(&self, limit: u64) -> i64 {
        let (have, limit) = (i128::from(self.have), i128::from(limit));
        let percent = if limit > 0 {
            ((limit - have) * 100).div_euclid(limit)
        } else if have > 0 {
            -100
        } else {
            0
        };
        i64::try_from(percent).unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_whole() {
        for limit in Limits::all() {
            assert!(limit.conservative <= limit.current, "{}", limit.key);
            let dated = limit.source.contains("20") || limit.source.ends_with("undated");
            assert!(dated, "{} needs a date, or to say that its source has none", limit.key);
        }
    }

    #[test]
    fn overrides_and_profiles() {
        let overrides = BTreeMap::from([("routes-per-table".to_owned(), 600)]);
        let limits = Limits::new(Some("conservative"), &overrides).unwrap();
        assert_eq!((limits.get(LimitKey::RoutesPerTable), limits.get(LimitKey::NsgRules)), (600, 1000));
        let wrong = BTreeMap::from([("route-per-table".to_owned(), 600)]);
        let errors = Limits::new(Some("curent"), &wrong).unwrap_err();
        assert!(errors[0].to_string().contains("did you mean current"), "{errors:?}");
        assert!(errors[1].to_string().contains("did you mean routes-per-table"), "{errors:?}");
    }
}
