//! [`Snapshot`]: one published service-tags file, parsed and checked.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::fast;
use super::features::Features;
use super::name::{Cloud, TagName};
use super::region::{Region, Regions};
use super::wire;
use crate::addr::{AddrSet, IpPrefix, Prefix};
use crate::text::{is_hidden, is_plain, to_utf8, visible};

/// One week's service tags. Immutable; its content identifies it, since change numbers repeat, stand still and
/// go back.
///
/// Names are unique in any case, prefixes valid, the cloud known. The order of the file plays no part: tags are
/// held in order of their names and prefixes in order of address, so that a shuffled file is the same snapshot.
///
/// ```
/// use tagwall::tags::Snapshot;
/// let json = br#"{"changeNumber": 7, "cloud": "Public", "values": [{"name": "Storage.WestEurope",
///     "properties": {"region": "westeurope", "addressPrefixes": ["192.0.2.0/25", "192.0.2.128/25"]}}]}"#;
/// let snapshot = Snapshot::parse(json)?;
/// let tag = snapshot.tag("storage.westeurope").unwrap();
/// assert_eq!(tag.region().unwrap().display(), "West Europe");
/// assert_eq!(tag.set().prefixes().next().unwrap().to_string(), "192.0.2.0/24");
/// # Ok::<(), tagwall::tags::SnapshotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshot {
    cloud: Cloud,
    change_number: u64,
    tags: Vec<Arc<Tag>>,
    /// Places in `tags` in order of the names in lower case.
    by_name: Vec<u32>,
    regions: Cow<'static, Regions>,
    digest: OnceLock<String>,
}

/// One service tag of a snapshot.
#[derive(Debug, Clone)]
pub struct Tag {
    name: TagName,
    region: Option<Arc<Region>>,
    region_code: Box<str>,
    change_number: u64,
    system_service: Box<str>,
    features: Features,
    v4: Vec<Prefix<u32>>,
    v6: Vec<Prefix<u128>>,
    set: OnceLock<AddrSet>,
}

impl Snapshot {
    /// The most bytes of JSON that are read. The largest real file has 4.7 MB (2026-06).
    pub const MAX_BYTES: usize = 256 << 20;

    /// Reads the JSON of a service-tags file, or of one page of the Discovery API in the same form.
    ///
    /// UTF-16 is understood, and a byte order mark. Unknown keys are passed over, so that a new field does not stop a
    /// refresh; keys may begin with a capital, as PowerShell writes them. One page of several is refused.
    ///
    /// # Errors
    /// [`SnapshotError`] naming the place; all prefixes and names that are not understood are in it.
    ///
    /// # Cost
    /// About that of reading the same JSON into borrowed strings, on two cores; 1.7 times as much on one.
    pub fn parse(json: &[u8]) -> Result<Self, SnapshotError> {
        if json.len() > Self::MAX_BYTES {
            return Err(SnapshotError::TooLarge { bytes: json.len() });
        }
        let json = to_utf8(json);
        let text = checked_text(&json)?;
        Self::parse_faultless(text).map_or_else(|| Self::parse_carefully(text), Ok)
    }

    /// Reads a file in which nothing is wrong; `None` for any other.
    fn parse_faultless(text: &str) -> Option<Self> {
        let file = fast::read(text).filter(|file| file.next_link.0.is_empty())?;
        let cloud = Cloud::find(&file.cloud.0)?;
        Self::of_file(file, cloud).ok()
    }

    /// Reads any file, and says all that is wrong with it.
    fn parse_carefully(text: &str) -> Result<Self, SnapshotError> {
        // Reading with paths costs a good part of the time, so they are only looked for once something is wrong.
        let file: wire::File<'_> = serde_json::from_str(text).map_err(|error| json_error(text, &error))?;
        if !file.next_link.0.is_empty() {
            return Err(SnapshotError::Page { tags: file.values.len() });
        }
        let cloud = Cloud::find(&file.cloud.0)
            .ok_or_else(|| SnapshotError::Cloud { found: file.cloud.0.chars().take(80).collect() })?;
        Self::of_file(file, cloud)
    }

    fn of_file(file: wire::File<'_>, cloud: Cloud) -> Result<Self, SnapshotError> {
        let regions = regions_of(cloud, &file.values);
        let mut problems = Problems::default();
        let mut tags: Vec<Arc<Tag>> = Vec::with_capacity(file.values.len());
        for (index, entry) in file.values.into_iter().enumerate() {
            tags.push(Arc::new(Tag::new(index, entry, &regions, &mut problems)));
        }
        tags.sort_by_cached_key(|tag| (leading_bytes(tag.name.as_str()), tag.name.clone()));
        let by_name = order_of_names(&tags, &mut problems);
        problems.none_or_error()?;
        let change_number = file.change_number.0;
        Ok(Snapshot { cloud, change_number, tags, by_name, regions, digest: OnceLock::new() })
    }

    /// The cloud whose tags these are.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The file's own number. A label only: it repeats, stands still while content changes, and goes back.
    pub fn change_number(&self) -> u64 {
        self.change_number
    }

    /// The tags in order of their names.
    pub fn tags(&self) -> &[Arc<Tag>] {
        &self.tags
    }

    /// Finds a tag by its name in any case.
    pub fn tag(&self, name: &str) -> Option<&Arc<Tag>> {
        self.place(name).map(|at| &self.tags[at])
    }

    fn place(&self, name: &str) -> Option<usize> {
        let of = |&at: &u32| compare_in_lower_case(self.tags[at as usize].name.as_str(), name);
        self.by_name.binary_search_by(of).ok().map(|found| self.by_name[found] as usize)
    }

    /// The regions of the snapshot's cloud: the built-in table and what this file adds to it.
    pub fn regions(&self) -> &Regions {
        &self.regions
    }

    /// SHA-256 of the content, in hexadecimal: cloud, and per tag in order of names its name, region code,
    /// service, features and prefixes. The order and layout of the file play no part, nor do change numbers.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| content_digest(self))
    }

    /// The same tags with further prefixes, for addresses that the file has dropped but traffic may still need for a
    /// while. Names that the snapshot does not have are passed over.
    #[must_use]
    pub fn with_held(&self, held: &BTreeMap<String, Vec<IpPrefix>>) -> Self {
        let mut snapshot = Snapshot { digest: OnceLock::new(), ..self.clone() };
        for (name, prefixes) in held {
            let Some(at) = self.place(name) else { continue };
            let mut tag = Tag { set: OnceLock::new(), ..self.tags[at].as_ref().clone() };
            for prefix in prefixes {
                match *prefix {
                    IpPrefix::V4(p) => tag.v4.push(p),
                    IpPrefix::V6(p) => tag.v6.push(p),
                }
            }
            sort_unless_sorted(&mut tag.v4);
            sort_unless_sorted(&mut tag.v6);
            snapshot.tags[at] = Arc::new(tag);
        }
        snapshot
    }

    /// The same tags with further ones, as [`Tag::outside`] makes them; names that are there already are passed over.
    #[must_use]
    pub fn with_outside(&self, tags: impl IntoIterator<Item = Arc<Tag>>) -> Self {
        let mut snapshot = Snapshot { digest: OnceLock::new(), ..self.clone() };
        for tag in tags {
            let name = tag.name.as_str();
            let of = |&at: &u32| compare_in_lower_case(snapshot.tags[at as usize].name.as_str(), name);
            if let Err(place) = snapshot.by_name.binary_search_by(of) {
                snapshot.by_name.insert(place, snapshot.tags.len() as u32);
                snapshot.tags.push(tag);
            }
        }
        snapshot
    }

    /// How many prefixes the file lists, IPv4 and IPv6, over all tags.
    pub fn prefix_counts(&self) -> (usize, usize) {
        self.tags.iter().fold((0, 0), |(v4, v6), t| (v4 + t.v4.len(), v6 + t.v6.len()))
    }
}

impl Tag {
    /// Whether it stands for an application security group, `asg:NAME`, which no file holds either.
    pub fn is_security_group(&self) -> bool {
        self.name.as_str().starts_with("asg:")
    }

    /// A tag that no published file holds, which targets with one of `features` take by name. It stands for one
    /// address of its own in each family, where nothing else is: a proof can tell it from all others, and no more.
    /// `number` tells such tags apart, below 65536.
    pub fn outside(name: &str, features: &[&str], number: u16) -> Self {
        let mut known = Features::stated();
        features.iter().for_each(|feature| known.add(feature));
        let v4 = Prefix::host(0x0064_0000 + u32::from(number));
        let v6 = Prefix::host((0x64 << 96) + u128::from(number));
        Tag {
            name: TagName::new(name),
            region: None,
            region_code: "".into(),
            change_number: 0,
            system_service: "".into(),
            features: known,
            v4: vec![v4],
            v6: vec![v6],
            set: OnceLock::new(),
        }
    }

    fn new(index: usize, entry: wire::WireTag<'_>, regions: &Regions, problems: &mut Problems) -> Self {
        let wire::WireTag { name, properties: p } = entry;
        if name.0.trim().is_empty() {
            problems.push(format!("values[{index}].name"), "the name is empty".into());
        }
        let texts = [
            ("name", &name.0),
            ("properties.region", &p.region.0),
            ("properties.systemService", &p.system_service.0),
        ];
        let features = p.network_features.others().map(|name| ("properties.networkFeatures", name));
        for (key, text) in texts.map(|(key, text)| (key, text.as_ref())).into_iter().chain(features) {
            let not_shown = if is_plain(text) { None } else { text.chars().find(|&c| is_hidden(c)) };
            if let Some(c) = not_shown {
                let message = format!("{}: the character U+{:04X} is not shown", short(text), u32::from(c));
                problems.push(format!("values[{index}].{key}"), message);
            }
        }
        for bad in &p.address_prefixes.bad {
            let place =
                format!("values[{index}].properties.addressPrefixes[{}] ({})", bad.index, short(&name.0));
            problems.push(place, format!("{}: {}", short(&bad.text), bad.error));
        }
        let name = TagName::new(&name.0);
        let region = name.suffix().and_then(|ending| regions.of_tag(name.base(), ending)).cloned();
        let (mut v4, mut v6) = (p.address_prefixes.v4, p.address_prefixes.v6);
        sort_unless_sorted(&mut v4);
        sort_unless_sorted(&mut v6);
        Tag {
            name,
            region,
            region_code: p.region.0.into(),
            change_number: p.change_number.0,
            system_service: p.system_service.0.into(),
            features: p.network_features,
            v4,
            v6,
            set: OnceLock::new(),
        }
    }

    /// The name as the file spells it.
    pub fn name(&self) -> &TagName {
        &self.name
    }

    /// The region that the tag is limited to; `None` for a global tag, dotted or not.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_deref()
    }

    /// The file's own `region` field. Not always the region of the name: Microsoft's own files have it wrong
    /// or empty at times.
    pub fn region_code(&self) -> &str {
        &self.region_code
    }

    /// The tag's own number; a label only.
    pub fn change_number(&self) -> u64 {
        self.change_number
    }

    /// The service behind the tag, often empty.
    pub fn system_service(&self) -> &str {
        &self.system_service
    }

    /// Where Azure takes the tag by name.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The IPv4 prefixes as published, ascending. A route by tag competes with these, not with the fewest.
    pub fn v4(&self) -> &[Prefix<u32>] {
        &self.v4
    }

    /// The IPv6 prefixes as published, ascending.
    pub fn v6(&self) -> &[Prefix<u128>] {
        &self.v6
    }

    /// All prefixes as published, IPv4 first.
    pub fn published(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        self.v4.iter().copied().map(IpPrefix::V4).chain(self.v6.iter().copied().map(IpPrefix::V6))
    }

    /// The tag's addresses, merged. Computed on the first call, linear in the prefixes.
    pub fn set(&self) -> &AddrSet {
        self.set.get_or_init(|| AddrSet {
            v4: self.v4.iter().copied().collect(),
            v6: self.v6.iter().copied().collect(),
        })
    }
}

fn sort_unless_sorted<T: Ord>(list: &mut Vec<T>) {
    if !list.is_sorted_by(|a, b| a < b) {
        list.sort_unstable();
        list.dedup();
    }
}

/// Why bytes are no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are not JSON at all: what a server sends in place of the file.
    #[error("not a service-tags file: {found}")]
    NotJson {
        /// What was found instead.
        found: String,
    },
    /// More bytes than are ever read.
    #[error("not a service-tags file: {bytes} bytes are more than {} MiB", Snapshot::MAX_BYTES >> 20)]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// The JSON is cut off, malformed, or not of the published form.
    #[error("line {line}, column {column}{at}: {message}", at = Place(path), message = visible(message))]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where the line is over.
        column: usize,
        /// Where in the document, as `values[3].properties.region`; empty at the top.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// One page of the Discovery API's answer.
    #[error(
        "one page of several, with {tags} tags: `nextLink` names the next one; put the `values` of all pages together, or \
         let `tagwall fetch --source api` read them"
    )]
    Page {
        /// How many tags this page has.
        tags: usize,
    },
    /// `cloud` is none that is known.
    #[error(
        "cloud: unknown cloud `{}`; known are Public, AzureGovernment, China, AzureGermany",
        visible(found)
    )]
    Cloud {
        /// The value found.
        found: String,
    },
    /// The form is right, but names or prefixes are not.
    #[error("{}", Problems::text(.0, *.1))]
    Content(Vec<Problem>, usize),
}

struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", {}", visible(self.0)) }
    }
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a path into the document.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

/// What was found wrong so far; keeps the first ones and counts the rest.
#[derive(Default)]
struct Problems {
    first: Vec<Problem>,
    total: usize,
}

impl Problems {
    const MOST: usize = 100;

    fn push(&mut self, place: String, message: String) {
        self.total += 1;
        if self.first.len() < Self::MOST {
            self.first.push(Problem { place, message });
        }
    }

    fn none_or_error(self) -> Result<(), SnapshotError> {
        if self.total == 0 { Ok(()) } else { Err(SnapshotError::Content(self.first, self.total)) }
    }

    fn text(first: &[Problem], total: usize) -> String {
        let mut text: Vec<String> =
            first.iter().map(|p| visible(&format!("{}: {}", p.place, p.message)).into_owned()).collect();
        if total > first.len() {
            text.push(format!("and {} more", total - first.len()));
        }
        text.join("\n")
    }
}

/// The bytes as text, unless they cannot be a snapshot.
fn checked_text(json: &[u8]) -> Result<&str, SnapshotError> {
    refuse_other_documents(json)?;
    // One check of the whole is many times cheaper than one of every string, which `from_slice` would make.
    std::str::from_utf8(json).map_err(|error| not_text(json, error.valid_up_to()))
}

fn not_text(json: &[u8], at: usize) -> SnapshotError {
    let before = &json[..at];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let column = at - before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1) + 1;
    SnapshotError::Json { line, column, path: String::new(), message: "not text in UTF-8".to_owned() }
}

fn json_error(text: &str, error: &serde_json::Error) -> SnapshotError {
    let mut reader = serde_json::Deserializer::from_str(text);
    let path = match serde_path_to_error::deserialize::<_, wire::File<'_>>(&mut reader) {
        Err(error) => error.path().to_string(),
        Ok(_) => String::new(),
    };
    let path = if path == "." { String::new() } else { path };
    let whole = error.to_string();
    let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
    // `ConvertTo-Json` writes what lies deeper than two levels as the name of its type, or as one text.
    let cut = message.starts_with("invalid type: string") && path.to_ascii_lowercase().starts_with("values")
        || message.contains("Microsoft.Azure.");
    let hint = if cut { "; if ConvertTo-Json made this, it has cut it short: use -Depth 10" } else { "" };
    let message = format!("{message}{hint}");
    SnapshotError::Json { line: error.line(), column: error.column(), path, message }
}

/// A download that went wrong brings an error page under the file's name; say what it is.
fn refuse_other_documents(bytes: &[u8]) -> Result<(), SnapshotError> {
    let start = bytes.trim_ascii_start();
    let found = match start.first() {
        None => "it is empty".to_owned(),
        Some(b'{') => return Ok(()),
        Some(b'<') => {
            let text = String::from_utf8_lossy(&start[..start.len().min(4096)]).into_owned();
            let kind =
                if text.to_ascii_lowercase().contains("<html") { "an HTML page" } else { "an XML document" };
            let inner = ["title", "Message", "h1"].iter().find_map(|tag| inner_text(&text, tag));
            inner.map_or(kind.to_owned(), |inner| format!("{kind}, saying: {inner}"))
        }
        Some(b'[') => {
            "a JSON list, where an object with `values` is expected (save the whole answer, not its `values` alone)"
                .to_owned()
        }
        Some(_) => {
            format!("it begins with `{}`", short(&String::from_utf8_lossy(&start[..start.len().min(200)])))
        }
    };
    Err(SnapshotError::NotJson { found })
}

fn inner_text(text: &str, tag: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let from = lower.find(&format!("<{}>", tag.to_ascii_lowercase()))? + tag.len() + 2;
    let to = from + text[from..].find('<')?;
    let inner = text[from..to].split_whitespace().collect::<Vec<_>>().join(" ");
    (!inner.is_empty()).then(|| short(&inner))
}

fn short(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).take(80).collect()
}

/// The cloud's table, with the regions added that this file has and the table does not: a dotted name whose ending
/// equals its `region` field. Regions that only `AzureCloud` has come last, and have no suffix.
fn regions_of(cloud: Cloud, entries: &[wire::WireTag<'_>]) -> Cow<'static, Regions> {
    let mut regions = Cow::Borrowed(Regions::of(cloud));
    for cloud_tags in [false, true] {
        for entry in entries {
            let Some((base, ending)) = entry.name.0.split_once('.') else { continue };
            let code = &entry.properties.region.0;
            let own =
                base.eq_ignore_ascii_case("AzureCloud") == cloud_tags && ending.eq_ignore_ascii_case(code);
            if own && regions.of_tag(base, ending).is_none() {
                let suffix = if cloud_tags { "" } else { ending };
                regions.to_mut().add_unknown(cloud, suffix, code, entry.properties.region_id);
            }
        }
    }
    regions
}

/// The first bytes of a name as a number, in the order of the names: names mostly differ here.
fn leading_bytes(name: &str) -> u128 {
    let mut bytes = [0; 16];
    let len = name.len().min(16);
    bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
    u128::from_be_bytes(bytes)
}

/// The places of the tags in order of their names in lower case.
fn order_of_names(tags: &[Arc<Tag>], problems: &mut Problems) -> Vec<u32> {
    let name = |at: u32| tags[at as usize].name.as_str();
    let mut keys: Vec<(u128, u32)> =
        (0..tags.len() as u32).map(|at| (lower_case(leading_bytes(name(at))), at)).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare_in_lower_case(name(a.1), name(b.1))));
    let order: Vec<u32> = keys.into_iter().map(|(_, at)| at).collect();
    for pair in order.windows(2) {
        if name(pair[0]).eq_ignore_ascii_case(name(pair[1])) {
            problems.push("values".into(), format!("two tags are called {}", short(name(pair[1]))));
        }
    }
    order
}

fn lower_case(name: u128) -> u128 {
    let mut bytes = name.to_be_bytes();
    bytes.make_ascii_lowercase();
    u128::from_be_bytes(bytes)
}

fn compare_in_lower_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|b| b.to_ascii_lowercase()).cmp(b.bytes().map(|b| b.to_ascii_lowercase()))
}

fn content_digest(snapshot: &Snapshot) -> String {
    let mut bytes = Vec::new();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        // Length first, so that no two contents run together to the same bytes.
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    text(&mut bytes, "tagwall snapshot 1");
    text(&mut bytes, snapshot.cloud.file_code());
    for tag in &snapshot.tags {
        text(&mut bytes, tag.name.as_str());
        text(&mut bytes, &tag.region_code);
        text(&mut bytes, &tag.system_service);
        bytes.push(u8::from(tag.features.is_stated()));
        bytes.extend_from_slice(&(tag.features.names().len() as u64).to_be_bytes());
        tag.features.names().for_each(|name| text(&mut bytes, name));
        bytes.extend_from_slice(&(tag.v4.len() as u64).to_be_bytes());
        for p in &tag.v4 {
            bytes.extend_from_slice(&p.first().to_be_bytes());
            bytes.push(p.len());
        }
        bytes.extend_from_slice(&(tag.v6.len() as u64).to_be_bytes());
        for p in &tag.v6 {
            bytes.extend_from_slice(&p.first().to_be_bytes());
            bytes.push(p.len());
        }
    }
    crate::text::sha256_hex(&bytes)
}

#[cfg(test)]
mod tests;
