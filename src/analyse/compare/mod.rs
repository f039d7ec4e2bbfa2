//! Do two sets of rules do the same? [`compare`] answers over every packet, for groups, route tables and firewalls, and
//! names all that they do differently.

mod model;
mod pairs;
mod parts;
mod ways;

pub use model::{
    BothRead, Comparison, Decider, Difference, Part, ReadResource, RouteDifferenceSaid, WayDifferenceSaid,
};

use super::open::OpenResolver;
use super::said::Answer;
use crate::read::live::{Live, Note};
use crate::tags::Snapshot;
pub(in crate::analyse) use pairs::pairs;
use parts::Compared;

/// Compares what two sets of files hold. Resources belong together by id, by name, or because there is one of each kind.
///
/// Tags mean what they hold in `snapshot`; one that it lacks is not known, and neither is an application security group
/// or an expression that does not resolve. What is alike whatever the unknown is, is equal; what is different whatever
/// it is, is different; for the rest the answer is [`Answer::If`].
///
/// Where both sides have subnets, the whole way of each is compared too: group, routes and firewall together.
///
/// `VirtualNetwork` is the address space of the networks among the files, with that of their peers; where neither side
/// has one, it is private space, and what is equal only because of that is not told as equal.
///
/// # Cost
/// That of [`differences`](crate::rules::differences) for each direction of each pair of groups, and up to 256 times that
/// where something is not known.
///
/// ```
/// use tagwall::{analyse::{Answer, compare}, read::live::read_live};
/// let group = |source: &str| format!(r#"{{ "name": "web", "securityRules": [ {{ "name": "https", "priority": 100,
///     "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "{source}",
///     "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "443" }} ] }}"#);
/// let read = |source: &str| read_live(&[("web.json", group(source).as_bytes())]).unwrap();
/// let (wide, narrow) = (read("203.0.113.0/24"), read("203.0.113.0/25"));
/// assert_eq!(compare(&wide, &read("203.0.113.0/24"), None).equal, Answer::Yes);
/// let found = compare(&wide, &narrow, None);
/// assert_eq!(found.equal, Answer::No);
/// assert_eq!(found.parts[0].only_a[0].region.sources, ["203.0.113.128/25".parse().unwrap()]);
/// ```
pub fn compare(a: &Live, b: &Live, snapshot: Option<&Snapshot>) -> Comparison {
    let space = |live: &Live| super::open::space_of(live);
    let both = [space(a).or_else(|| space(b)), space(b).or_else(|| space(a))];
    let [of_a, of_b] = both;
    let meanings = [OpenResolver::new(a, snapshot, of_a, "A"), OpenResolver::new(b, snapshot, of_b, "B")];
    let mut compared = Compared::new([a, b], meanings);
    compared.groups();
    compared.tables();
    compared.firewalls();
    let (mut parts, assumptions) = compared.finish();
    if let Some(snapshot) = snapshot {
        parts.extend(ways::ways(a, b, snapshot));
    }
    let hangs_on: Vec<Note> = [a, b].iter().flat_map(|live| live.incomplete.iter().cloned()).collect();
    let equal = parts.iter().map(|part| part.equal).fold(Answer::Yes, worse);
    let equal = if equal == Answer::Yes && !hangs_on.is_empty() { Answer::If } else { equal };
    Comparison {
        equal,
        read: BothRead { a: resources(a), b: resources(b) },
        parts,
        assumptions: assumptions.iter().map(|(id, _)| *id).collect(),
        assumed: assumptions.into_iter().map(|(_, text)| text).collect(),
        hangs_on,
    }
}

/// Of two answers the one that says less good.
fn worse(a: Answer, b: Answer) -> Answer {
    match (a, b) {
        (Answer::No, _) | (_, Answer::No) => Answer::No,
        (Answer::If, _) | (_, Answer::If) => Answer::If,
        _ => Answer::Yes,
    }
}

/// What was read, in order of kinds and files.
pub(crate) fn resources(live: &Live) -> Vec<ReadResource> {
    live.resources()
        .map(|(kind, name, place)| ReadResource { kind, name: name.to_owned(), place: place.clone() })
        .collect()
}
