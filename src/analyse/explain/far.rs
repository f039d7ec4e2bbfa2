//! [`Far`]: the other side of what is asked about.

use std::fmt;
use std::net::IpAddr;

use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::Fqdn;
use crate::packet::Direction;
use crate::tags::{Snapshot, Symbol, Symbols};
use crate::text::did_you_mean;

/// The other side of what is asked about.
#[derive(Debug, Clone)]
pub enum Far {
    /// One address.
    Address(IpAddr),
    /// Many: those of a tag, or a prefix.
    Set(AddrSet),
    /// A host, wherever it is on the Internet.
    Host(String),
}

/// A text that names no other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoFar {
    text: String,
    near: Vec<String>,
    /// What it would be without a port behind it, or a scheme before it, and that port.
    pub side_and_port: Option<(String, u16)>,
}

impl Far {
    /// Reads an address, a prefix, a tag or, for what goes out, a host.
    ///
    /// # Errors
    /// [`NoFar`] with the nearest tags.
    pub fn of(text: &str, direction: Direction, snapshot: &Snapshot) -> Result<Far, NoFar> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Far::Address(address));
        }
        if let Ok(prefix) = text.parse::<IpPrefix>() {
            return Ok(Far::Set(prefix.into()));
        }
        if let Some(tag) = snapshot.tag(text) {
            return Ok(Far::Set(tag.set().clone()));
        }
        if let Some(symbol) = Symbol::find(text) {
            let empty = AddrSet::empty();
            return Ok(Far::Set(Symbols::new(&empty, &empty).get(symbol)));
        }
        // As policies write a host. A tag with a region that it does not have is none.
        let host = text.strip_prefix("fqdn:");
        let of_tag = |(base, region): (&str, &str)| snapshot.tag(base).is_some() && !region.contains('.');
        let is_tag = host.is_none() && text.split_once('.').is_some_and(of_tag);
        let text = host.unwrap_or(text);
        if text.contains('.')
            && direction == Direction::Outbound
            && !is_tag
            && let Ok(host) = Fqdn::parse(text.trim_end_matches('.'))
        {
            return Ok(Far::Host(host.as_str().to_owned()));
        }
        let side_and_port = side_and_port(text).map(|(side, port)| (side.to_owned(), port));
        Err(NoFar { text: text.to_owned(), near: snapshot.nearest(text), side_and_port })
    }
}

impl fmt::Display for NoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address, prefix, service tag or host", self.text)?;
        if self.side_and_port.is_none() { f.write_str(&did_you_mean(&self.near)) } else { Ok(()) }
    }
}

/// A side and a port in one: `SIDE:PORT`, or an address of the Web.
fn side_and_port(text: &str) -> Option<(&str, u16)> {
    let web = [("https://", 443), ("http://", 80)];
    if let Some((rest, usual)) = web.iter().find_map(|(start, port)| Some((text.strip_prefix(start)?, *port)))
    {
        let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
        return Some(side_and_port(host).unwrap_or((host, usual)));
    }
    let (side, port) = text.rsplit_once(':')?;
    let side = side.strip_prefix('[').and_then(|side| side.strip_suffix(']')).unwrap_or(side);
    (!side.is_empty()).then_some((side, port.parse().ok()?))
}
