//! [`FlowId`]: what names a flow.

use std::cmp::Ordering;
use std::fmt;

/// Names a flow for ever: from what it is, not from where it stands in a file.
///
/// It is written `SUBNET/WORKLOAD/ROW`, and is in order as that text is. Plans and manifests refer to a flow by the
/// text, which nothing takes apart again.
///
/// ```
/// use tagwall::plan::FlowId;
/// let id = FlowId::new("training", "aml-compute", "storage");
/// assert_eq!(id.to_string(), "training/aml-compute/storage");
/// let host = id.part("blob.core.windows.net", "443");
/// assert_eq!((host.workload(), host.row()), ("aml-compute", "storage/blob.core.windows.net/443"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlowId {
    text: String,
    /// Where in `text` the workload begins and ends.
    workload: (usize, usize),
}

impl FlowId {
    /// The workload of needs that are written by hand.
    pub const BY_HAND: &str = "policy";

    /// The flow of one row of a workload, or of one need by hand, in a subnet.
    pub fn new(subnet: &str, workload: &str, row: &str) -> Self {
        let start = subnet.len() + 1;
        FlowId { text: format!("{subnet}/{workload}/{row}"), workload: (start, start + workload.len()) }
    }

    /// One host of a flow that was to many, on these ports.
    pub fn part(&self, host: impl fmt::Display, ports: impl fmt::Display) -> Self {
        FlowId { text: format!("{self}/{host}/{ports}"), workload: self.workload }
    }

    /// Name of the subnet.
    pub fn subnet(&self) -> &str {
        &self.text[..self.workload.0 - 1]
    }

    /// The workload, with the location where its rows are those of another region; [`BY_HAND`](Self::BY_HAND) for a
    /// need of the policy's own.
    pub fn workload(&self) -> &str {
        &self.text[self.workload.0..self.workload.1]
    }

    /// What tells the flow from others of the workload in the subnet: the row, or what was written.
    pub fn row(&self) -> &str {
        &self.text[self.workload.1 + 1..]
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Ord for FlowId {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.text, self.workload).cmp(&(&other.text, other.workload))
    }
}

impl PartialOrd for FlowId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for FlowId {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

/// What lets a flow through on a target that cannot say it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoveredBy {
    /// Another flow.
    Flow(FlowId),
    /// A route, by its id.
    Route(String),
    /// What is so anyway, in words.
    Anyway(&'static str),
}

impl CoveredBy {
    /// In as few words as do where the subnet and the workload are clear.
    ///
    /// ```
    /// use tagwall::plan::{CoveredBy, FlowId};
    /// let flow = CoveredBy::Flow(FlowId::new("a", "policy", "to 192.0.2.0/24 tcp 443"));
    /// assert_eq!(flow.short(), "to 192.0.2.0/24 tcp 443");
    /// let route = CoveredBy::Route("192.0.2.0/24 except 192.0.2.7/32 -> Internet".to_owned());
    /// assert_eq!(route.short(), "route 192.0.2.0/24 except 192.0.2.7/32 -> Internet");
    /// ```
    pub fn short(&self) -> String {
        match self {
            CoveredBy::Flow(id) => id.row().to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for CoveredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CoveredBy::Flow(id) => id.fmt(f),
            CoveredBy::Route(id) => f.pad(&format!("route {id}")),
            CoveredBy::Anyway(words) => f.pad(words),
        }
    }
}

impl serde::Serialize for CoveredBy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_of_their_texts() {
        let ids =
            [("a", "w", "r"), ("a", "w@x", "r"), ("a-b", "w", "r"), ("a", "policy", "to 10.0.0.0/8 tcp")];
        let mut ids = ids.map(|(subnet, workload, row)| FlowId::new(subnet, workload, row));
        let mut texts = ids.clone().map(|id| id.to_string());
        ids.sort();
        texts.sort();
        assert_eq!(ids.clone().map(|id| id.to_string()), texts);
        for id in ids {
            assert_eq!(format!("{}/{}/{}", id.subnet(), id.workload(), id.row()), id.as_str());
        }
    }
}
