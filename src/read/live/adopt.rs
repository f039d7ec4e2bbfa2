//! Finds by name what others are put into. Names are looked at once, so that very many children take no longer each.

use std::collections::HashMap;

/// The first place of each name, without regard to case.
#[derive(Debug, Default)]
pub(super) struct Named(HashMap<String, usize>);

impl Named {
    /// Names with their places.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut named = Named::default();
        for (at, name) in names {
            named.add(name, at);
        }
        named
    }

    /// Adds a name, and says whether it is new.
    pub(super) fn add(&mut self, name: &str, at: usize) -> bool {
        let mut is_new = false;
        self.0.entry(name.to_ascii_lowercase()).or_insert_with(|| {
            is_new = true;
            at
        });
        is_new
    }

    /// The first place that has one of these names.
    pub(super) fn first<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
        names.into_iter().filter_map(|name| self.0.get(&name.to_ascii_lowercase()).copied()).min()
    }
}

#[cfg(test)]
mod tests {
    use crate::read::live::read_live;
    use std::fmt::Write;

    /// So many that looking through all of them for each one would take minutes.
    const CHILDREN: usize = 60_000;

    #[test]
    fn children_find_their_parents_however_many_there_are() {
        let mut text =
            "[{\"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"Web\",\"properties\":{}}"
                .to_owned();
        for at in 0..CHILDREN {
            // Each twice, in another case, as exports that list children beside their parents have them.
            for name in [format!("web/r{at}"), format!("WEB/R{at}")] {
                write!(
                    text,
                    ",{{\"type\":\"Microsoft.Network/networkSecurityGroups/securityRules\",\"name\":\"{name}\",\"properties\":{{\
                     \"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\
                     \"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"{}\"}}}}",
                    at % 65536
                )
                .unwrap();
            }
        }
        text.push_str(",{\"type\":\"Microsoft.Network/routeTables/routes\",\"name\":\"gone/r\",\"properties\":{\"addressPrefix\":\"10.0.0.0/8\",\"nextHopType\":\"None\"}}]");
        let live = read_live(&[("all.json", text.as_bytes())]).unwrap();
        assert_eq!(live.groups.len(), 1);
        let rules = &live.groups[0].rules;
        assert_eq!(rules.len(), CHILDREN);
        assert!(
            rules.iter().enumerate().all(|(at, own)| own.rule.name == format!("r{at}")),
            "in their order"
        );
        assert_eq!((live.tables[0].name.as_str(), live.tables[0].routes.len()), ("gone", 1));
        assert!(live.tables[0].incomplete[0].text.contains("not among the files"));
    }
}
