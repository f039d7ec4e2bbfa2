//! Lists in JSON: what clouds publish, what their tools save, and what tagwall prints.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::addr::{AddrList, AddrSet, Entry, ListErrors, ListOptions};

/// Where addresses stand in documents that are known; `[]` is any item of a list.
///
/// Sources: ip-ranges.amazonaws.com/ip-ranges.json, `aws ec2 get-managed-prefix-list-entries` and
/// `describe-prefix-lists`, www.gstatic.com/ipranges/cloud.json, api.cloudflare.com/client/v4/ips,
/// api.fastly.com/public-ip-list, docs.oracle.com public_ip_ranges.json, ip-ranges.atlassian.com,
/// endpoints.office.com, www.spamhaus.org/drop/drop_v4.json (a document a line), one tag of `az network list-service-tags`, and tagwall's own.
const ADDRESSES: [&str; 17] = [
    "[]",
    "cidr",
    "prefixes[]",
    "prefixes[].ip_prefix",
    "ipv6_prefixes[].ipv6_prefix",
    "Entries[].Cidr",
    "PrefixLists[].Cidrs[]",
    "prefixes[].ipv4Prefix",
    "prefixes[].ipv6Prefix",
    "result.ipv4_cidrs[]",
    "result.ipv6_cidrs[]",
    "addresses[]",
    "ipv6_addresses[]",
    "regions[].cidrs[].cidr",
    "items[].cidr",
    "[].ips[]",
    "properties.addressPrefixes[]",
];

/// Where addresses stand that say once more what those above say, or what was added to them.
const BESIDE: [&str; 3] = ["items[].network", "items[].mask", "added[]"];

/// Whether a file that begins like this is JSON. A line may begin with an address in brackets.
pub(super) fn is_json(start: &[u8]) -> bool {
    let text = crate::text::to_utf8(start);
    let text = text.trim_ascii_start();
    let after = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match text.first() {
        Some(b'{') => matches!(after, None | Some(b'"' | b'}')),
        Some(b'[') => matches!(after, None | Some(b'"' | b'{' | b']')),
        _ => false,
    }
}

/// Reads a document; all that is wrong with it, a line each.
pub(super) fn read(text: &str, options: ListOptions) -> Result<AddrList, Vec<String>> {
    let mut reader = AddressReader { options, ..AddressReader::default() };
    let mut json = serde_json::Deserializer::from_str(text);
    let (mut form, mut place) = (String::new(), String::new());
    // One document, or one after another, as logs and feeds have them.
    loop {
        let walk = Walk { reader: &mut reader, form: &mut form, place: &mut place };
        walk.deserialize(&mut json).map_err(|error| vec![format!("JSON: {error}")])?;
        if json.end().is_ok() {
            break;
        }
    }
    if reader.tops.iter().any(|key| key == "values") && reader.tops.iter().any(|key| key == "cloud") {
        let message =
            "a service-tags file, which holds many lists: `tagwall expand TAG --snapshot FILE` prints one";
        return Err(vec![message.to_owned()]);
    }
    if reader.entries.is_empty() && reader.wrong == 0 && !reader.empty {
        reader.fail("JSON in which no addresses are found; a list is `[\"192.0.2.0/24\", …]`".to_owned());
    }
    match reader.wrong - reader.errors.len() {
        0 if reader.wrong == 0 => {}
        0 => return Err(reader.errors),
        more => {
            reader.errors.push(format!("and {more} more"));
            return Err(reader.errors);
        }
    }
    reader.list.entries = reader.entries.len();
    reader.list.set = reader.entries.into_iter().collect::<AddrSet>();
    Ok(reader.list)
}

#[derive(Default)]
struct AddressReader {
    options: ListOptions,
    list: AddrList,
    entries: Vec<Entry>,
    errors: Vec<String>,
    /// How many things are wrong; the first hundred are in `errors`.
    wrong: usize,
    /// The keys at the top.
    tops: Vec<String>,
    /// Whether a list stands empty where addresses do.
    empty: bool,
}

impl AddressReader {
    fn fail(&mut self, message: String) {
        self.wrong += 1;
        if self.errors.len() < ListErrors::MOST {
            self.errors.push(message);
        }
    }

    fn text(&mut self, text: &str, form: &str, place: &str) {
        if ADDRESSES.contains(&form) {
            match AddrList::parse(text.replace(['\n', '\r'], " ").as_bytes(), self.options) {
                Ok(one) if one.entries == 0 => self.fail(format!("{place}: empty")),
                Ok(one) => self.take(one),
                Err(error) => {
                    error.lines().iter().for_each(|e| self.fail(format!("{place}: {}: {}", e.text, e.error)));
                }
            }
        } else if !BESIDE.contains(&form) && Entry::parse(text, true).is_ok() {
            self.fail(format!(
                "{place}: {text}: addresses at this place are not known; take out those you mean"
            ));
        }
    }

    fn take(&mut self, one: AddrList) {
        self.entries.extend(one.set.v4.intervals().iter().map(|&i| Entry::V4(i)));
        self.entries.extend(one.set.v6.intervals().iter().map(|&i| Entry::V6(i)));
        self.list.cleared.extend(one.cleared);
    }
}

/// Looks at every text of a document, keys that come twice included: `form` is where it stands without numbers, `place`
/// with them.
struct Walk<'a> {
    reader: &'a mut AddressReader,
    form: &'a mut String,
    place: &'a mut String,
}

impl Walk<'_> {
    /// The place one step further in; whoever asks for it goes back by [`back`](Self::back).
    fn inner(&mut self, step: &str, exact: &str) -> Walk<'_> {
        self.form.push_str(step);
        self.place.push_str(exact);
        Walk { reader: self.reader, form: self.form, place: self.place }
    }

    fn back(&mut self, (form, place): (usize, usize)) {
        self.form.truncate(form);
        self.place.truncate(place);
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.reader.text(text, self.form, self.place);
        Ok(())
    }
    fn visit_seq<S: SeqAccess<'de>>(mut self, mut items: S) -> Result<(), S::Error> {
        let ends = (self.form.len(), self.place.len());
        let mut index = 0;
        while items.next_element_seed(self.inner("[]", &format!("[{index}]")))?.is_some() {
            self.back(ends);
            index += 1;
        }
        let known = ADDRESSES.iter().any(|form| form.starts_with(self.form.as_str()));
        self.reader.empty |= index == 0 && known;
        self.back(ends);
        Ok(())
    }
    fn visit_map<M: MapAccess<'de>>(mut self, mut members: M) -> Result<(), M::Error> {
        let ends = (self.form.len(), self.place.len());
        while let Some(key) = members.next_key::<String>()? {
            let step = if ends.0 == 0 { key.clone() } else { format!(".{key}") };
            if ends.0 == 0 {
                self.reader.tops.push(key);
            }
            members.next_value_seed(self.inner(&step, &step))?;
            self.back(ends);
        }
        Ok(())
    }
}

/// A route table as `routes minimize --format json` prints it.
#[derive(Deserialize)]
struct Table {
    routes: Vec<TableRoute>,
}

#[derive(Deserialize)]
struct TableRoute {
    prefix: String,
    next_hop: String,
}

/// It is JSON, but no route table.
#[derive(Debug, thiserror::Error)]
#[error("JSON, but no table as `routes minimize --format json` prints it: {0}")]
pub(super) struct NoTable(#[from] serde_json::Error);

/// The rows of a route table.
pub(super) fn read_table(text: &str) -> Result<Vec<(String, String)>, NoTable> {
    let table: Table = serde_json::from_str(text)?;
    Ok(table.routes.into_iter().map(|route| (route.prefix, route.next_hop)).collect())
}
