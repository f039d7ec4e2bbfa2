//! What a script puts on the subnets of a network.

use std::collections::BTreeMap;

use super::shell::is_plain;
use super::{Script, known};
use crate::read::ReadError;
use crate::read::resources::Association;

impl Script<'_> {
    /// What is put on which subnet, one resource of a kind on each, the route tables last.
    pub(super) fn associations(&mut self) -> Result<(), ReadError> {
        const KINDS: [(&str, &str); 3] = [
            ("network-security-group", "networkSecurityGroups"),
            ("service-endpoint-policy", "serviceEndpointPolicies"),
            ("route-table", "routeTables"),
        ];
        self.cursor.known(known::ASSOCIATIONS)?;
        let mut found: BTreeMap<&str, Association> = BTreeMap::new();
        let mut reached = 0;
        while !self.cursor.is_at_end() {
            let place = self.cursor.place();
            let words = self.cursor.between("put_on '", "'")?;
            let parts = words.split_once("' ").and_then(|(subnet, rest)| {
                let (option, path) = rest.split_once(" '")?;
                let (kind, name) = path.split_once('/')?;
                Some((subnet, KINDS.iter().position(|known| *known == (option, kind))?, name))
            });
            let Some((subnet, kind, name)) = parts.filter(|(s, _, n)| is_plain(s) && is_plain(n)) else {
                return Err(ReadError::new(place, "a subnet and what is put on it are expected"));
            };
            if kind < reached {
                return Err(ReadError::new(
                    place,
                    "groups and endpoint policies are put before route tables",
                ));
            }
            reached = kind;
            let own = found.entry(subnet).or_default();
            let field = match kind {
                0 => &mut own.nsg,
                1 => &mut own.service_endpoint_policy,
                _ => &mut own.route_table,
            };
            if field.replace(name.to_owned()).is_some() {
                let text = format_args!("subnet {subnet} has one of that kind already");
                return Err(ReadError::new(place, text));
            }
        }
        let put = |(subnet, put): (&str, Association)| Association { subnet: subnet.to_owned(), ..put };
        self.found.associations.extend(found.into_iter().map(put));
        Ok(())
    }
}
