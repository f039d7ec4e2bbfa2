//! [`Dismissal`]: findings that somebody has looked at and lets stand for a while.

use jiff::civil::Date;

use super::finding::Finding;
use crate::text::fits_in_any_case;

/// A kind of finding that is let stand until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// The id of the findings, in any case.
    pub id: String,
    /// Pattern for the name of the resource; any if none is given. `*` stands for any text.
    pub resource: Option<String>,
    /// Pattern for the name of the rule; any if none is given.
    pub rule: Option<String>,
    /// Why they may stand.
    pub reason: String,
    /// The last day on which they are not told of.
    pub until: Date,
}

impl Dismissal {
    /// Whether it is about a finding, whatever the day.
    ///
    /// ```
    /// use tagwall::analyse::lint::{Dismissal, Linting, lint};
    /// use tagwall::read::live::read_live;
    /// use tagwall::tags::{Cloud, Snapshot, sample};
    ///
    /// let file = br#"{ "name": "web", "type": "Microsoft.Network/networkSecurityGroups", "securityRules": [
    ///   { "name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
    ///     "sourceAddressPrefix": "*", "sourcePortRange": "*",
    ///     "destinationAddressPrefix": "*", "destinationPortRange": "22" } ] }"#;
    /// let live = read_live(&[("web.json", file)]).unwrap();
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    /// let found = lint(&live, &Linting { snapshot: &snapshot, timeline: None, risks: false });
    /// let open = found.iter().find(|finding| finding.id == "TW010").unwrap();
    ///
    /// let until = jiff::civil::date(2026, 12, 31);
    /// let dismissal = |rule: &str| Dismissal {
    ///     id: "tw010".into(), resource: Some("w*".into()), rule: Some(rule.into()), reason: "a jump host".into(), until
    /// };
    /// assert!(dismissal("SSH").is_about(open) && !dismissal("rdp*").is_about(open));
    /// ```
    pub fn is_about(&self, finding: &Finding) -> bool {
        let of = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|p| fits_in_any_case(p, text))
        };
        finding.id.eq_ignore_ascii_case(&self.id)
            && of(&self.resource, &finding.resource)
            && of(&self.rule, finding.rule.as_deref().unwrap_or_default())
    }
}
