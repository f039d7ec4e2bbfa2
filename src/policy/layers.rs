//! [`Layers`]: a policy that is put together from several texts: files that it extends, and rows of tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use toml::Value;
use toml::de::DeTable;

use super::fill;
use super::layer_problem::{LayerProblem, MOST_LAYERS, NotLoaded};
use super::place::{Path, PolicyErrors, PolicyProblem, SourceText};
use super::tree::{self, Item, Node, Said, Table};
use crate::text::nearest;

/// The key that names the file below.
const EXTENDS: &str = "extends";
/// The key that takes out what the file below says.
const WITHOUT: &str = "without";

/// A policy put together from texts that stand one upon the other. Every value knows which of them said it, so that
/// messages point there.
#[derive(Debug, Clone)]
pub struct Layers {
    pub(super) root: Table,
    pub(super) sources: Vec<Arc<SourceText>>,
    /// The text that the policy is called by: the uppermost file.
    own: usize,
}

/// A file that another one extends.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it is by itself, however it is named: the same for the same file.
    pub identity: String,
    /// Its name in messages, and its text.
    pub text: SourceText,
}

/// Reads the file that another one names; gets the name of the other as in messages, and what stands there.
pub type Load<'a> = dyn FnMut(&str, &str) -> Result<Loaded, NotLoaded> + 'a;

/// What a row of a table says of a policy.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// The row.
    pub source: Arc<SourceText>,
    /// Keys that it sets: the steps of the key, the value, and where it stands in the row.
    pub keys: Vec<(Arc<[String]>, Value, Range<usize>)>,
    /// What takes the place of `${NAME}` in texts: name, text, and where it stands in the row.
    pub variables: Vec<(String, String, Range<usize>)>,
}

impl Layers {
    /// Reads a policy file and the files that it extends, which `load` gets. The bytes of `text` are read as they are;
    /// only the form of TOML is looked at.
    ///
    /// # Errors
    /// [`PolicyErrors`] with every error of syntax, or with the file that cannot be read, extends itself, or takes out
    /// what is not there.
    ///
    /// ```
    /// use tagwall::policy::{Layers, Loaded, PolicySource, SourceText};
    /// let base = "schema = 1\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
    ///     subnets.a.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\nid = \"dns\"\nto = \"10.9.0.4\"\n";
    /// let own = "extends = \"base.toml\"\nwithout = [\"allow.dns\"]\nname = \"ml\"\n[[allow]]\nto = \"Sql\"\n";
    /// let mut load = |_: &str, name: &str| {
    ///     Ok(Loaded { identity: name.to_owned(), text: SourceText::new(name, base) })
    /// };
    /// let layers = Layers::read(SourceText::new("ml.toml", own), "ml.toml", &mut load).unwrap();
    /// let intent = PolicySource::of(layers).unwrap().intent;
    /// assert_eq!((intent.name.as_str(), intent.region.as_str()), ("ml", "westeurope"));
    /// assert_eq!(intent.allow.len(), 1);
    /// ```
    pub fn read(text: SourceText, identity: &str, load: &mut Load<'_>) -> Result<Layers, PolicyErrors> {
        let mut chain = Chain { sources: Vec::new(), identities: vec![identity.to_owned()] };
        let mut tables = Vec::new();
        let mut next = Some(text);
        while let Some(text) = next.take() {
            let mut table = chain.parse(text)?;
            if let Some(item) = table.remove(EXTENDS) {
                next = Some(chain.below(&item, load)?);
            }
            tables.push(table);
        }
        let mut root = Table::new();
        for mut upper in tables.into_iter().rev() {
            if let Some(item) = upper.remove(WITHOUT) {
                chain.take_out(&mut root, &item)?;
            }
            tree::merge(&mut root, upper);
        }
        Ok(Layers { root, sources: chain.sources, own: 0 })
    }

    /// The policy upon a file of limits that several policies share: what the policy says itself, or a file that it
    /// extends, goes before.
    ///
    /// # Errors
    /// [`PolicyErrors`] where the file is no TOML, says anything but `[limits]`, or lacks its date or source.
    ///
    /// ```
    /// use tagwall::policy::{Layers, PolicySource, SourceText};
    /// let own = "schema = 1\nname = \"ml\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
    ///     subnets.a.prefixes = [\"10.20.1.0/24\"]\nlimits.nsg-rules = 900\n";
    /// let layers = Layers::read(SourceText::new("ml.toml", own), "ml.toml", &mut |_, _| unreachable!()).unwrap();
    /// let shared = "[limits]\ndate = \"2026-05-01\"\nsource = \"support request\"\nnsg-rules = 500\n\
    ///     routes-per-table = 600\n";
    /// let limits = PolicySource::of(layers.upon_limits(SourceText::new("limits.toml", shared)).unwrap()).unwrap();
    /// assert_eq!(limits.intent.limits.overrides["nsg-rules"], 900);
    /// assert_eq!(limits.intent.limits.overrides["routes-per-table"], 600);
    /// ```
    pub fn upon_limits(self, text: SourceText) -> Result<Layers, PolicyErrors> {
        let mut chain = Chain { sources: self.sources, identities: Vec::new() };
        let (source, file) = (chain.sources.len(), text.file.clone());
        let mut root = chain.parse(text)?;
        let other = root.iter().find(|(key, _)| *key != "limits");
        if let Some((key, item)) = other {
            let problem = LayerProblem::NotLimits { key: key.clone(), file };
            return Err(chain.failed(source, vec![(item.said.key.clone(), problem)]));
        }
        for key in ["date", "source"] {
            let limits = root.get("limits");
            let said = limits.is_some_and(|item| matches!(&item.node, Node::Table(t) if t.contains_key(key)));
            if !said {
                let place = limits.map_or(0..0, |item| item.said.key.clone());
                return Err(chain.failed(source, vec![(place, LayerProblem::LimitsUnsaid(key))]));
            }
        }
        tree::merge(&mut root, self.root);
        Ok(Layers { root, sources: chain.sources, own: self.own })
    }

    /// The policy with what a row of a table says.
    ///
    /// # Errors
    /// [`PolicyErrors`] where a key of the row leads to an entry that is not there.
    pub fn with(&self, row: &Overlay) -> Result<Layers, PolicyErrors> {
        let mut layers = self.clone();
        let source = layers.sources.len();
        layers.sources.push(row.source.clone());
        layers.own = source;
        let mut problems = Vec::new();
        for (keys, value, span) in &row.keys {
            let said = Said { source, span: span.clone(), key: span.clone() };
            let item = Item { node: Node::Value(value.clone()), said };
            if let Err(unknown) = tree::put(&mut layers.root, keys, &item) {
                let problem = LayerProblem::NotThere { text: keys.join("."), unknown };
                problems.push((source, span.clone(), problem));
            }
        }
        let filled = layers.filled(row);
        fill::fill(&mut layers.root, &filled, source);
        if problems.is_empty() { Ok(layers) } else { Err(layers.failed(problems)) }
    }

    /// The names in `${…}` of the policy's texts, each with its first place.
    pub fn variables(&self) -> BTreeMap<String, Path> {
        fill::variables(&self.root)
    }

    /// A report of names in `${…}` that nothing stands for; `None` where all are `known`, or keys of the policy.
    pub fn unknown_variables(&self, known: &BTreeSet<String>) -> Option<PolicyErrors> {
        let unknown = |name: &String| !known.contains(name) && self.text_at(name).is_none();
        let problems: Vec<(Path, LayerProblem)> = self
            .variables()
            .into_iter()
            .filter(|(name, _)| unknown(name))
            .map(|(name, place)| {
                let nearest = nearest(&name, known.iter().map(String::as_str));
                (place, LayerProblem::NoColumn { name, nearest })
            })
            .collect();
        (!problems.is_empty()).then(|| self.errors(problems))
    }

    /// The row's texts for `${NAME}`; where a cell is empty or there is no such column, the policy's own text of that key.
    fn filled(&self, row: &Overlay) -> Vec<(String, String, Option<Range<usize>>)> {
        let of_row = row.variables.iter().filter(|(_, text, _)| !text.is_empty());
        let mut texts: Vec<_> =
            of_row.map(|(name, text, span)| (name.clone(), text.clone(), Some(span.clone()))).collect();
        for name in self.variables().into_keys() {
            if !texts.iter().any(|(known, ..)| *known == name)
                && let Some(text) = self.text_at(&name)
            {
                texts.push((name, text.to_owned(), None));
            }
        }
        texts
    }

    /// Whether anything is said at a key of the top.
    pub fn has(&self, key: &str) -> bool {
        self.root.contains_key(key)
    }

    /// The text at a key that is written as in TOML; `None` where there is none, or one with `${…}` in it.
    pub fn text_at(&self, key: &str) -> Option<&str> {
        let keys = keys_of(key)?;
        let (last, above) = keys.split_last()?;
        let table = above.iter().try_fold(&self.root, |table, key| match &table.get(key)?.node {
            Node::Table(inner) => Some(inner),
            _ => None,
        })?;
        table.get(last)?.node.as_str().filter(|text| !text.contains("${"))
    }

    /// The name of the environment, where one is given.
    pub fn name(&self) -> Option<&str> {
        self.root.get("name")?.node.as_str()
    }

    /// The file, or the file and line of the row, that the policy is called by.
    pub fn file(&self) -> String {
        let own = &self.sources[self.own];
        match &own.row {
            Some(_) => format!("{}:{}", own.file, own.first_line),
            None => own.file.clone(),
        }
    }

    /// Whether it is one file, that extends no other, as it is.
    pub(super) fn is_single(&self) -> bool {
        self.sources.len() == 1
    }

    /// The policy written out as one file: that of its own where it extends none.
    pub fn text(&self) -> String {
        if self.is_single() {
            return self.sources[0].text.clone();
        }
        let text =
            toml::to_string(&tree::plain(&self.root)).expect("what was read as TOML can be written as it");
        format!("# Several files as one, written out by tagwall.\n\n{text}")
    }

    /// The file that said the value at `place`, as it is named in messages.
    pub fn file_of(&self, place: &Path) -> &str {
        let source = tree::said_at(&self.root, place).map_or(self.own, |(source, _)| source);
        &self.sources[source].file
    }

    /// A report about `places`, each in the text that said it.
    pub(super) fn errors<M: Display>(&self, places: impl IntoIterator<Item = (Path, M)>) -> PolicyErrors {
        let mut problems: Vec<(usize, PolicyProblem)> =
            places.into_iter().map(|(place, problem)| self.problem(place, problem)).collect();
        // The policy's own first, then what it stands upon.
        problems.sort_by_key(|(source, p)| (source.abs_diff(self.own), p.span.start, p.span.end));
        self.report(problems.into_iter().map(|(_, problem)| problem).collect())
    }

    fn problem(&self, place: Path, problem: impl Display) -> (usize, PolicyProblem) {
        let (source, span) = tree::said_at(&self.root, &place).unwrap_or((self.own, 0..0));
        (source, PolicyProblem::new(place, span, problem).of(Some(self.sources[source].clone())))
    }

    fn failed(&self, problems: Vec<(usize, Range<usize>, LayerProblem)>) -> PolicyErrors {
        let problem = |(source, span, problem): (usize, Range<usize>, LayerProblem)| {
            PolicyProblem::new(Path::top(), span, problem).of(Some(self.sources[source].clone()))
        };
        self.report(problems.into_iter().map(problem).collect())
    }

    fn report(&self, problems: Vec<PolicyProblem>) -> PolicyErrors {
        PolicyErrors { file: self.file(), text: self.sources[self.own].text.clone(), problems }
    }
}

/// The texts that are read so far, the uppermost first.
struct Chain {
    sources: Vec<Arc<SourceText>>,
    identities: Vec<String>,
}

impl Chain {
    fn parse(&mut self, mut text: SourceText) -> Result<Table, PolicyErrors> {
        if let Some(rest) = text.text.strip_prefix('\u{feff}') {
            text.text = rest.to_owned();
        }
        let text = Arc::new(text);
        let source = self.sources.len();
        self.sources.push(text.clone());
        let (tree, syntax) = DeTable::parse_recoverable(&text.text);
        if syntax.is_empty() {
            return Ok(tree::table_of(tree.get_ref(), source));
        }
        let problem =
            |e: &toml::de::Error| (e.span().unwrap_or(0..0), LayerProblem::Syntax(e.message().to_owned()));
        Err(self.failed(source, syntax.iter().map(problem).collect()))
    }

    /// The text that `item`, the value of `extends`, names.
    fn below(&mut self, item: &Item, load: &mut Load<'_>) -> Result<SourceText, PolicyErrors> {
        let fail = |problem| Err(self.failed(item.said.source, vec![(item.said.span.clone(), problem)]));
        let Some(name) = item.node.as_str() else { return fail(LayerProblem::Extends) };
        let own = &self.sources[item.said.source].file;
        let loaded = match load(own, name) {
            Ok(loaded) => loaded,
            Err(error) => return fail(error.into()),
        };
        if let Some(at) = self.identities.iter().position(|known| *known == loaded.identity) {
            let files = self.sources[at..].iter().map(|source| source.file.clone());
            return fail(LayerProblem::Circle(files.collect()));
        }
        if self.identities.len() == MOST_LAYERS {
            return fail(LayerProblem::TooMany);
        }
        self.identities.push(loaded.identity);
        Ok(loaded.text)
    }

    /// Takes out what `item`, the value of `without`, names.
    fn take_out(&self, root: &mut Table, item: &Item) -> Result<(), PolicyErrors> {
        let single = [item.clone()];
        let items = match &item.node {
            Node::List(items) => items.as_slice(),
            _ => &single[..],
        };
        let mut problems = Vec::new();
        for Item { said, node } in items {
            let Some(text) = node.as_str() else {
                problems.push((said.span.clone(), LayerProblem::Without));
                continue;
            };
            let own = || text.to_owned();
            let done = match keys_of(text) {
                Some(keys) => tree::take_out(root, &keys)
                    .map_err(|unknown| LayerProblem::NotThere { text: own(), unknown }),
                None => Err(LayerProblem::NoKey(own())),
            };
            problems.extend(done.err().map(|problem| (said.span.clone(), problem)));
        }
        if problems.is_empty() { Ok(()) } else { Err(self.failed(item.said.source, problems)) }
    }

    fn failed(&self, source: usize, problems: Vec<(Range<usize>, LayerProblem)>) -> PolicyErrors {
        let said = &self.sources[source];
        let problem = |(span, problem): (Range<usize>, LayerProblem)| {
            PolicyProblem::new(Path::top(), span, problem).of((source > 0).then(|| said.clone()))
        };
        let mut problems: Vec<PolicyProblem> = problems.into_iter().map(problem).collect();
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        let own = &self.sources[0];
        PolicyErrors { file: own.file.clone(), text: own.text.clone(), problems }
    }
}

/// The steps of a key as TOML writes it: `subnets."a.b".prefixes`.
///
/// ```
/// use tagwall::policy::keys_of;
/// assert_eq!(keys_of("network.address-space").unwrap(), ["network", "address-space"]);
/// assert_eq!(keys_of("subnets.\"a.b\"").unwrap(), ["subnets", "a.b"]);
/// assert_eq!(keys_of("a b"), None);
/// ```
pub fn keys_of(text: &str) -> Option<Vec<String>> {
    if text.contains(['\n', '\r', '=']) {
        return None;
    }
    let line = format!("{text} = 0");
    let mut table = toml::Table::new();
    table.extend(line.parse::<toml::Table>().ok()?);
    let mut keys = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        keys.push(key);
        match value {
            Value::Table(inner) => table = inner,
            Value::Integer(0) => return Some(keys),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicySource;

    const BASE: &str = r#"schema = 1
region = "westeurope"
[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"
[subnets.a]
prefixes = ["10.20.1.0/24"]
[[allow]]
id = "dns"
to = "10.9.0.4"
[[allow]]
workload = "databricks"
subnet = "a"
"#;

    fn read(files: &[(&str, &str)]) -> Result<PolicySource, PolicyErrors> {
        let mut load = |_: &str, name: &str| {
            let found = files.iter().find(|(file, _)| *file == name);
            let (file, text) = found.ok_or_else(|| NotLoaded(format!("{name}: not found")))?;
            Ok(Loaded { identity: (*file).to_owned(), text: SourceText::new(*file, *text) })
        };
        let (file, text) = files[0];
        PolicySource::of(Layers::read(SourceText::new(file, text), file, &mut load)?)
    }

    #[test]
    fn tables_merge_entries_add_and_without_removes() {
        let middle = "extends = \"base.toml\"\nwithout = [\"allow.dns\", \"network.firewall\"]\n\
            [subnets.b]\nprefixes = [\"10.20.2.0/24\"]\n[[allow]]\nto = \"Sql\"\n";
        let own = "extends = \"middle.toml\"\nname = \"x\"\nregion = \"northeurope\"\n[subnets.a]\n\
            prefixes = [\"10.20.3.0/24\"]\n[[allow]]\nto = \"Storage\"\n";
        let source = read(&[("own.toml", own), ("middle.toml", middle), ("base.toml", BASE)]).unwrap();
        let intent = &source.intent;
        assert_eq!(intent.region, "northeurope");
        assert!(intent.network.firewall.is_empty());
        assert_eq!(intent.subnets["a"].prefixes, ["10.20.3.0/24"]);
        assert_eq!(intent.subnets["b"].prefixes, ["10.20.2.0/24"]);
        let remotes: Vec<_> = intent.allow.iter().map(|a| a.to.as_slice().join(",")).collect();
        assert_eq!(remotes, ["", "Sql", "Storage"]);
        // What is written out says the same by itself.
        let alone = PolicySource::read("copy.toml", source.text()).unwrap();
        assert_eq!(alone.intent, *intent);
        assert!(!source.text().contains("extends") && !source.text().contains("without"));
    }

    #[test]
    fn one_file_stays_as_it_is() {
        let text = format!("# mine\nname = \"x\"\n{BASE}");
        assert_eq!(read(&[("p.toml", &text)]).unwrap().text(), text);
    }

    #[test]
    fn messages_name_the_file_that_said_it() {
        let base = BASE.replace("address-space", "adress-space");
        let own = "extends = \"base.toml\"\nname = \"x\"\nnsg.tags = \"autp\"\n";
        let text = read(&[("own.toml", own), ("base.toml", &base)]).unwrap_err().to_string();
        assert!(text.contains("unknown key `adress-space`; did you mean address-space?"), "{text}");
        assert!(text.contains("base.toml:4") && text.contains("own.toml:3"), "{text}");
        let later = read(&[("own.toml", "extends = \"base.toml\"\nname = \"x\"\n"), ("base.toml", BASE)]);
        let place = Path::top().at("allow").at(1).at("subnet");
        let found = later.unwrap().errors([(place, "no such subnet".to_owned())]).to_string();
        assert!(found.contains("base.toml:13"), "{found}");
    }

    #[test]
    fn circles_absent_files_and_empty_removals_are_refused() {
        let circle =
            read(&[("a", "extends = \"b\"\n"), ("b", "\nextends = \"c\"\n"), ("c", "extends = \"b\"\n")]);
        let text = circle.unwrap_err().to_string();
        assert!(text.contains("b extends c extends b") && text.contains("c:1"), "{text}");
        let itself = read(&[("a", "extends = \"a\"\n")]).unwrap_err().to_string();
        assert!(itself.contains("a extends a"), "{itself}");
        let absent = read(&[("a", "extends = \"b\"\n")]).unwrap_err().to_string();
        assert!(absent.contains("b: not found") && absent.contains("a:1:11"), "{absent}");
        for (keys, words) in [
            ("allow.dsn", "there is no `dsn` in what this extends; did you mean dns?"),
            ("nsg.tags", "there is no `nsg`"),
            ("a b", "is no key"),
        ] {
            let own = format!("extends = \"b\"\nname = \"x\"\nwithout = [\"{keys}\"]\n");
            let text = read(&[("a", &own), ("b", BASE)]).unwrap_err().to_string();
            assert!(text.contains(words) && text.contains("a:3"), "{text}");
        }
    }

    #[test]
    fn a_text_that_stands_alone_extends_nothing() {
        let text = PolicySource::read("p", "extends = \"b\"\n").unwrap_err().to_string();
        assert!(text.contains("here the text stands alone"), "{text}");
    }
}
