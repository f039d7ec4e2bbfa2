//! Which file takes a name from which other, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One file takes a name that another defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) name: String,
}

impl Arrow {
    pub(super) fn upper(&self) -> &str {
        room(&self.from)
    }

    pub(super) fn lower(&self) -> &str {
        room(&self.to)
    }
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.name)
    }
}

/// The folder or file at the top to which `file` belongs.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The path of a module below the crate, empty for the crate itself.
type Module = Vec<String>;

/// What a module says.
struct Source {
    file: String,
    /// Names that `use` brings in, with the path that each stands for.
    names: BTreeMap<String, Vec<String>>,
    /// Modules whose names are all brought in.
    globs: Vec<Vec<String>>,
    /// Every path that is written down, `use` declarations among them.
    paths: Vec<Vec<String>>,
}

/// The modules of a crate.
pub(super) struct Sources {
    modules: BTreeMap<Module, Source>,
}

impl Sources {
    /// Reads every Rust file below `root`.
    pub(super) fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(root, "", &mut files);
        assert!(files.len() > 50, "the sources are found");
        Sources::new(&files)
    }

    /// The modules of these files, by path below the root and text.
    pub(super) fn new(files: &BTreeMap<String, String>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}"));
            let mut reader = Reader { paths: Vec::new(), names: BTreeMap::new(), globs: Vec::new() };
            reader.visit_file(&parsed);
            let Reader { paths, names, globs } = reader;
            modules.insert(module_of(file), Source { file: file.clone(), names, globs, paths });
        }
        Sources { modules }
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = String> {
        let rooms: BTreeSet<String> = self.modules.values().map(|s| room(&s.file).to_owned()).collect();
        rooms.into_iter()
    }

    /// Every arrow between two files. A module's `mod` declarations are none.
    pub(super) fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, source) in &self.modules {
            for path in source.paths.iter().chain(&source.globs) {
                let Some((to, name)) = self.resolve(module, path, 0) else { continue };
                let to = self.modules[&to].file.clone();
                if to != source.file {
                    arrows.insert(Arrow { from: source.file.clone(), to, name });
                }
            }
        }
        arrows
    }

    /// The module that defines what `path`, written in `module`, names; `None` for what is not of this crate.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<(Module, String)> {
        let mut at = module.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop()?;
                    rest = &rest[1..];
                }
            }
            first => {
                let known = self.child(&at, first).is_some() || self.modules[&at].names.contains_key(first);
                if !known {
                    return None;
                }
            }
        }
        self.walk(at, rest, depth)
    }

    /// Follows `rest` from the module `at`, through the names that modules take from others.
    fn walk(&self, mut at: Module, mut rest: &[String], depth: usize) -> Option<(Module, String)> {
        while let Some(part) = rest.first() {
            if let Some(child) = self.child(&at, part) {
                (at, rest) = (child, &rest[1..]);
                continue;
            }
            let source = self.modules.get(&at)?;
            if let Some(target) = source.names.get(part).filter(|_| depth < 8) {
                let longer: Vec<String> = target.iter().chain(&rest[1..]).cloned().collect();
                return self.resolve(&at, &longer, depth + 1);
            }
            return Some((at, part.clone()));
        }
        self.modules.get(&at).map(|_| (at.clone(), "*".to_owned()))
    }

    fn child(&self, at: &Module, name: &str) -> Option<Module> {
        let child: Module = at.iter().cloned().chain([name.to_owned()]).collect();
        self.modules.contains_key(&child).then_some(child)
    }
}

pub(super) fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("entries have names").to_str().expect("names are text");
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(format!("{prefix}{name}"), fs::read_to_string(&path).expect("sources are text"));
        }
    }
}

fn module_of(file: &str) -> Module {
    let mut parts: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] {
        parts.pop();
    }
    parts
}

/// Collects the paths of a file; what is only there for its tests is passed over.
struct Reader {
    paths: Vec<Vec<String>>,
    names: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

impl Reader {
    fn read_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with =
            |part: &syn::Ident| -> Vec<String> { before.iter().cloned().chain([part.to_string()]).collect() };
        match tree {
            syn::UseTree::Path(path) => self.read_use(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.take(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            syn::UseTree::Name(name) => self.take(name.ident.to_string(), with(&name.ident)),
            syn::UseTree::Rename(rename) => self.take(rename.rename.to_string(), with(&rename.ident)),
            syn::UseTree::Glob(_) => self.globs.push(before.to_vec()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.read_use(before, tree)),
        }
    }

    fn take(&mut self, name: String, path: Vec<String>) {
        self.paths.push(path.clone());
        self.names.insert(name, path);
    }

    /// Paths in what a macro is given: runs of names with `::` between.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut run: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 || run.is_empty() => run.push(ident.to_string()),
                TokenTree::Punct(mark) if mark.as_char() == ':' && !run.is_empty() && colons < 2 => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.end_run(&mut run);
                    match other {
                        TokenTree::Ident(ident) => run.push(ident.to_string()),
                        TokenTree::Group(group) => self.read_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.end_run(&mut run);
    }

    fn end_run(&mut self, run: &mut Vec<String>) {
        if run.len() > 1 {
            self.paths.push(std::mem::take(run));
        }
        run.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.read_use(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !only_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !only_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// `pub(super)` takes no name from there.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.read_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test")))
    };
    attributes.iter().any(is_test)
}
