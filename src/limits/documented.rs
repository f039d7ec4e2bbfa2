//! [`Limit`]: what Azure documents of each limit, with source and date.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde::Deserialize;

use super::key::LimitKey;

const DATA: &str = include_str!("../../data/limits/azure.toml");

/// One documented limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Which one it is.
    pub key: LimitKey,
    /// Where the figure is the last of a row of numbers, or how many there are: the first of them.
    #[serde(default)]
    pub first: Option<u64>,
    /// The newest dated figure found.
    pub current: u64,
    /// What older subscriptions, tools and templates still meet.
    pub conservative: u64,
    /// What is counted, and over what.
    pub counts: String,
    /// Page and its date.
    pub source: String,
}

#[derive(Deserialize)]
struct LimitFile {
    limit: Vec<Limit>,
}

/// Every limit known, in the order of the data, which is that of the keys.
pub(super) fn all() -> &'static [Limit] {
    static ALL: LazyLock<Vec<Limit>> = LazyLock::new(|| {
        toml::from_str::<LimitFile>(DATA).expect("the built-in limits are checked by a test").limit
    });
    &ALL
}

impl LimitKey {
    /// What is known of it.
    pub fn limit(self) -> &'static Limit {
        &all()[self as usize]
    }

    /// The newest dated figure, as a length.
    pub fn current(self) -> usize {
        usize::try_from(self.limit().current).unwrap_or(usize::MAX)
    }

    /// Where a limit is one of priorities, the ones that there are by the newest figure.
    fn priorities(self) -> RangeInclusive<u32> {
        let Limit { first, current, .. } = *self.limit();
        let first = first.expect("limits of priorities say where they begin");
        let last = if self == LimitKey::NsgPriorities { first + current - 1 } else { current };
        let number = |figure: u64| u32::try_from(figure).expect("priorities are small numbers");
        number(first)..=number(last)
    }
}

/// The priorities that rules of a security group may have.
///
/// ```
/// assert_eq!(tagwall::plan::nsg_priorities(), 100..=4096);
/// ```
pub fn nsg_priorities() -> RangeInclusive<u32> {
    LimitKey::NsgPriorities.priorities()
}

/// The priorities that rule collection groups and collections of a firewall may have.
///
/// ```
/// assert_eq!(tagwall::plan::firewall_priorities(), 100..=65000);
/// ```
pub fn firewall_priorities() -> RangeInclusive<u32> {
    LimitKey::FirewallPriority.priorities()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_the_data() {
        let keys: Vec<LimitKey> = all().iter().map(|limit| limit.key).collect();
        assert_eq!(keys, LimitKey::ALL);
        for &key in LimitKey::ALL {
            assert_eq!((key.limit().key, key.name().parse()), (key, Ok(key)));
            assert_eq!(serde_json::to_value(key).unwrap(), key.name());
        }
    }

    #[test]
    fn figures_come_from_the_data() {
        assert_eq!(LimitKey::NameCharacters.current(), 80);
        assert_eq!(LimitKey::NsgDescriptionCharacters.current(), 140);
        let lengths = LimitKey::ALL.iter().filter(|key| key.is_length());
        assert!(lengths.eq(LimitKey::ALL.iter().filter(|key| key.name().ends_with("-characters"))));
    }
}
