//! Sizes: no file of more than 600 lines, no function of more than 80 lines of code or more than five parameters.
//!
//! Tests beside the code do not count, nor do blank lines and remarks in functions.

use std::collections::BTreeMap;
use std::path::Path;

use syn::visit::{self, Visit};

use super::imports::collect;

const LINES: usize = 600;
const FUNCTION: usize = 80;
const PARAMETERS: usize = 5;

/// Functions that are larger, each with what it has too much of.
struct Functions<'f> {
    file: &'f str,
    lines: Vec<&'f str>,
    faults: Vec<String>,
}

impl Functions<'_> {
    fn look(&mut self, signature: &syn::Signature, block: Option<&syn::Block>) {
        let name = format!("{}: {}", self.file, signature.ident);
        let parameters = signature.inputs.iter().filter(|one| matches!(one, syn::FnArg::Typed(_))).count();
        if parameters > PARAMETERS {
            self.faults.push(format!("{name} takes {parameters} parameters"));
        }
        if let Some(block) = block {
            // Lines are counted from one.
            let (first, last) =
                (signature.fn_token.span.start().line, block.brace_token.span.close().end().line);
            let code = self.lines[first - 1..last].iter().map(|line| line.trim_start());
            let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
            if lines > FUNCTION {
                self.faults.push(format!("{name} has {lines} lines"));
            }
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|one| match &one.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.look(&item.sig, Some(&item.block));
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(&item.sig, Some(&item.block));
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.look(&item.sig, item.default.as_ref());
        visit::visit_trait_item_fn(self, item);
    }
}

fn faults(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let code = files.iter().filter(|(file, _)| !file.ends_with("tests.rs") && !file.contains("tests/"));
    for (file, text) in code {
        let lines = text.lines().count();
        if lines > LINES {
            faults.push(format!("{file} has {lines} lines"));
        }
        let mut functions = Functions { file, lines: text.lines().collect(), faults: Vec::new() };
        functions.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}")));
        faults.extend(functions.faults);
    }
    faults
}

#[test]
fn files_and_functions_are_small() {
    let mut files = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    assert!(files.len() > 50, "the sources are found");
    let faults = faults(&files);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The test itself: what is planted is found, and what is no fault is not.
#[test]
fn planted_sizes_are_found() {
    let of = |text: &str| faults(&BTreeMap::from([("a.rs".to_owned(), text.to_owned())]));
    assert_eq!(of("fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}"), ["a.rs: f takes 6 parameters"]);
    assert!(of("impl A { fn f(&self, a: u8, b: u8, c: u8, d: u8, (e, f): (u8, u8)) {} }").is_empty());
    assert_eq!(of("trait A { fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8); }").len(), 1);
    assert!(of("#[cfg(test)] mod tests { fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {} }").is_empty());
    let long = |count: usize, line: &str| of(&format!("fn f() {{\n{}}}", format!("{line}\n").repeat(count)));
    assert_eq!(long(79, "f();"), ["a.rs: f has 81 lines"]);
    assert!(long(78, "f();").is_empty());
    assert!(long(200, "// f();").is_empty());
    assert_eq!(of(&"\n".repeat(601)), ["a.rs has 601 lines"]);
}
