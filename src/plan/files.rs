//! How large one emitted file may be.

use crate::limits::{LimitKey, Limits};
use crate::target::Part;

/// How large one template may be. A plan that needs more is written as several, deployed in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCaps {
    /// Bytes.
    pub bytes: usize,
    /// Resources.
    pub resources: usize,
}

/// How large one template is as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSize {
    /// Its file.
    pub file: String,
    /// The part of the plan that it holds.
    pub part: Part,
    /// Which of several templates of that part it is; none where it is the only one.
    pub number: Option<usize>,
    /// Bytes.
    pub bytes: usize,
    /// Resources.
    pub resources: usize,
}

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
