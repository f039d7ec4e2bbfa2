//! How large one emitted file may be.

use crate::limits::{LimitKey, Limits};

/// How large one template may be. A plan that needs more is written as several, deployed in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCaps {
    /// Bytes.
    pub bytes: usize,
    /// Resources.
    pub resources: usize,
}

/// Name, bytes and number of resources of one template as it is written.
pub type TemplateSize = (String, usize, usize);

impl Default for FileCaps {
    fn default() -> Self {
        FileCaps::of(&Limits::default())
    }
}

impl FileCaps {
    /// The caps that `limits` set.
    pub fn of(limits: &Limits) -> Self {
        FileCaps {
            bytes: limits.room(LimitKey::ArmTemplateBytes),
            resources: limits.room(LimitKey::ArmResources),
        }
    }
}
