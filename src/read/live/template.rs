//! Templates: their expressions worked out as far as defaults of parameters and given values reach.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Display;

use super::expression::{Expression, parse};
use super::functions;
use crate::read::tree::{Objects, Tree, same};

/// The most values that one template may grow to.
const MOST: usize = 2_000_000;

/// How many resources a loop may make; the limit of Azure.
const MOST_COPIES: i64 = 800;

/// What expressions of one template refer to.
pub(super) struct Scope<'a> {
    parameters: HashMap<String, &'a Tree<'a>>,
    variables: HashMap<String, &'a Tree<'a>>,
    /// Parameters and variables that are worked out, and those that are being worked out.
    known: RefCell<HashMap<String, Option<Tree<'a>>>>,
    /// Values that may still be made.
    left: Cell<usize>,
    /// The loops that are running, each with its name and number.
    copies: RefCell<Vec<(String, i64)>>,
}

/// An expression that is not resolved.
fn open<'a>(code: impl Display) -> Tree<'a> {
    Tree::code(code.to_string())
}

impl<'a> Scope<'a> {
    /// The scope of a template; `given` are values of parameters that stand elsewhere.
    pub(super) fn of(template: &'a Tree<'a>, given: &'a HashMap<String, Tree<'a>>) -> Self {
        let mut parameters = HashMap::new();
        for (name, declared) in members(template, "parameters") {
            if let Some(default) = member(declared, "defaultvalue") {
                parameters.insert(name.to_ascii_lowercase(), default);
            }
        }
        parameters.extend(given.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)));
        let variables = members(template, "variables");
        let variables = variables.filter(|(name, _)| !name.eq_ignore_ascii_case("copy"));
        Scope {
            parameters,
            variables: variables.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            known: RefCell::default(),
            left: Cell::new(MOST),
            copies: RefCell::default(),
        }
    }

    /// A value with its expressions worked out; borrowed where it holds none.
    pub(super) fn resolve<'t>(&self, value: &'t Tree<'a>) -> Cow<'t, Tree<'a>> {
        let many = match value {
            Tree::Texts(texts) => texts.iter().count(),
            Tree::Objects(objects) => objects.len(),
            _ => 0,
        };
        self.left.set(self.left.get().saturating_sub(1 + many));
        if self.left.get() == 0 {
            return Cow::Owned(open("the template grows too large"));
        }
        match value {
            Tree::Text(text) => self.text(text).map_or(Cow::Borrowed(value), Cow::Owned),
            Tree::Texts(texts) if texts.iter().any(|text| text.starts_with('[')) => {
                let one = |text: &'a str| self.text(text).unwrap_or_else(|| Tree::text(text));
                Cow::Owned(Tree::List(texts.iter().map(one).collect()))
            }
            Tree::List(items) => {
                let found: Vec<Cow<'_, Tree<'a>>> = items.iter().map(|item| self.resolve(item)).collect();
                if found.iter().all(|item| matches!(item, Cow::Borrowed(_))) {
                    return Cow::Borrowed(value);
                }
                Cow::Owned(Tree::List(found.into_iter().map(Cow::into_owned).collect()))
            }
            Tree::Objects(objects) if may_change(objects) => {
                let found = objects.iter().map(|item| self.resolve(&item).into_owned());
                Cow::Owned(Tree::List(found.collect()))
            }
            Tree::Map(members) => self.map(members).map_or(Cow::Borrowed(value), Cow::Owned),
            other => Cow::Borrowed(other),
        }
    }

    /// What a text is worth where it is an expression, which stands in brackets, or begins with `[[`, which stands for one
    /// bracket; `None` where it is what it says.
    fn text(&self, text: &str) -> Option<Tree<'a>> {
        if let Some(literal) = text.strip_prefix("[[") {
            return Some(Tree::Text(Cow::Owned(format!("[{literal}"))));
        }
        let code = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))?;
        Some(match parse(code) {
            Some(expression) => self.work_out(&expression, code),
            None => open(code),
        })
    }

    /// Members; those of `copy` are lists that are made in a loop. `None` where nothing changes.
    fn map(&self, members: &[(Cow<'a, str>, Tree<'a>)]) -> Option<Tree<'a>> {
        let mut found = Vec::with_capacity(members.len());
        for (name, value) in members {
            match value {
                Tree::List(loops) if name.eq_ignore_ascii_case("copy") && loops.iter().all(is_loop) => {
                    let made = loops.iter().map(|each| self.property_loop(each));
                    found.extend(made.map(|(name, value)| (name, Cow::Owned(value))));
                }
                value => found.push((name.clone(), self.resolve(value))),
            }
        }
        let changes = found.iter().any(|(_, value)| matches!(value, Cow::Owned(_)));
        (changes || found.len() != members.len())
            .then(|| Tree::Map(found.into_iter().map(|(name, value)| (name, value.into_owned())).collect()))
    }

    fn property_loop(&self, each: &Tree<'a>) -> (Cow<'a, str>, Tree<'a>) {
        let name = match member(each, "name") {
            Some(Tree::Text(name)) => name.clone(),
            _ => Cow::Borrowed("copy"),
        };
        let input = member(each, "input");
        let made = input
            .and_then(|input| self.repeat(each, name.as_ref(), |scope| scope.resolve(input).into_owned()));
        (name.clone(), made.map_or_else(|| open(format_args!("copy of {name}")), Tree::List))
    }

    /// The results of a loop; `None` where it is not known how often it runs.
    pub(super) fn repeat<T>(
        &self,
        each: &Tree<'a>,
        name: &str,
        mut make: impl FnMut(&Self) -> T,
    ) -> Option<Vec<T>> {
        let Tree::Number(count) = *self.resolve(member(each, "count")?) else { return None };
        if !(0..=MOST_COPIES).contains(&count) {
            return None;
        }
        let mut made = Vec::new();
        for number in 0..count {
            self.copies.borrow_mut().push((name.to_ascii_lowercase(), number));
            made.push(make(self));
            self.copies.borrow_mut().pop();
        }
        Some(made)
    }

    /// What an expression is worth; where that is not known, the expression.
    fn work_out(&self, expression: &Expression<'_>, code: &str) -> Tree<'a> {
        self.value(expression, 0).unwrap_or_else(|| open(code))
    }

    fn value(&self, expression: &Expression<'_>, depth: usize) -> Option<Tree<'a>> {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 || depth > 64 {
            return None;
        }
        match expression {
            Expression::Text(text) => Some(Tree::Text(Cow::Owned(text.clone()))),
            Expression::Number(number) => Some(Tree::Number(*number)),
            Expression::Member(of, name) => {
                item(&self.value(of, depth + 1)?, &Tree::Text(Cow::Borrowed(name)))
            }
            Expression::Index(of, index) => item(&self.value(of, depth + 1)?, &self.value(index, depth + 1)?),
            Expression::Call(name, arguments) => self.call(name, arguments, depth),
        }
    }

    fn call(&self, name: &str, arguments: &[Expression<'_>], depth: usize) -> Option<Tree<'a>> {
        let name = name.to_ascii_lowercase();
        let worth = |at: usize| self.value(arguments.get(at)?, depth + 1);
        match name.as_str() {
            "parameters" | "variables" => {
                let Tree::Text(of) = worth(0)? else { return None };
                self.named(&name, &of)
            }
            "copyindex" => self.copy_index(worth(0), worth(1)),
            // Of the two branches only the one that is taken has to be known.
            "if" => match worth(0)? {
                Tree::Bool(holds) => worth(if holds { 1 } else { 2 }),
                _ => None,
            },
            "coalesce" => {
                arguments.iter().map(|a| self.value(a, depth + 1)).find(|v| *v != Some(Tree::Null))?
            }
            "resourceid" | "subscriptionresourceid" | "tenantresourceid" | "extensionresourceid" => {
                let parts = arguments.iter().map(|a| self.part(a, depth)).collect::<Vec<_>>();
                functions::resource_id(&parts)
            }
            "concat" | "format" => {
                let parts = arguments.iter().map(|a| self.value(a, depth + 1)).collect::<Option<Vec<_>>>();
                match parts {
                    Some(parts) => functions::call(&name, parts),
                    None => self.partly(&name, arguments, depth),
                }
            }
            _ => {
                let values =
                    arguments.iter().map(|a| self.value(a, depth + 1)).collect::<Option<Vec<_>>>()?;
                functions::call(&name, values)
            }
        }
    }

    /// A text of known and unknown pieces: names that begin alike stay apart, and those that are alike stay one.
    fn partly(&self, name: &str, arguments: &[Expression<'_>], depth: usize) -> Option<Tree<'a>> {
        let parts: Vec<Tree<'a>> =
            arguments.iter().map(|a| Tree::Text(Cow::Owned(self.part(a, depth)))).collect();
        functions::call(name, parts)
    }

    /// A piece of a text: what it is worth, or the expression in brackets.
    fn part(&self, expression: &Expression<'_>, depth: usize) -> String {
        match self.value(expression, depth + 1) {
            Some(Tree::Text(text)) => text.into_owned(),
            Some(Tree::Number(number)) => number.to_string(),
            Some(Tree::Code(code)) => format!("[{code}]"),
            _ => format!("[{expression}]"),
        }
    }

    /// A parameter or variable; `None` where it has no value or refers to itself.
    fn named(&self, kind: &str, name: &str) -> Option<Tree<'a>> {
        let name = name.to_ascii_lowercase();
        let value =
            if kind == "parameters" { self.parameters.get(&name) } else { self.variables.get(&name) }?;
        // In a loop its number takes part.
        if !self.copies.borrow().is_empty() {
            return self.settled(value);
        }
        let key = format!("{kind} {name}");
        if let Some(known) = self.known.borrow().get(&key) {
            let known = known.clone()?;
            let size = size(&known);
            self.left.set(self.left.get().saturating_sub(size));
            return (self.left.get() > 0).then_some(known);
        }
        self.known.borrow_mut().insert(key.clone(), None);
        let settled = self.settled(value);
        self.known.borrow_mut().insert(key, settled.clone());
        settled
    }

    fn settled(&self, value: &Tree<'a>) -> Option<Tree<'a>> {
        let settled = self.resolve(value).into_owned().unfolded();
        (!matches!(settled, Tree::Code(_))).then_some(settled)
    }

    fn copy_index(&self, first: Option<Tree<'a>>, second: Option<Tree<'a>>) -> Option<Tree<'a>> {
        let copies = self.copies.borrow();
        let (name, offset) = match (first, second) {
            (Some(Tree::Text(name)), offset) => (Some(name), offset),
            (offset, _) => (None, offset),
        };
        let running = match name {
            Some(name) => copies.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(&name)),
            None => copies.last(),
        };
        let offset = if let Some(Tree::Number(offset)) = offset { offset } else { 0 };
        running?.1.checked_add(offset).map(Tree::Number)
    }
}

fn is_loop(each: &Tree<'_>) -> bool {
    member(each, "count").is_some() && member(each, "input").is_some()
}

/// Whether objects may hold expressions or loops. In a text that is not looked at further they begin with a bracket, which
/// may be written as an escape.
fn may_change(objects: &Objects<'_>) -> bool {
    let text = objects.text();
    ["\"[", "\\u"].iter().any(|sign| text.contains(sign))
        || text.as_bytes().windows(6).any(|word| word.eq_ignore_ascii_case(b"\"copy\""))
}

fn size(value: &Tree<'_>) -> usize {
    match value {
        Tree::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Tree::Texts(texts) => 1 + texts.iter().count(),
        Tree::Objects(objects) => 1 + objects.iter().map(|object| size(&object)).sum::<usize>(),
        Tree::Map(members) => 1 + members.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// The member under a key in lower case without separators.
pub(super) fn member<'t, 'a>(value: &'t Tree<'a>, key: &str) -> Option<&'t Tree<'a>> {
    let Tree::Map(members) = value else { return None };
    members.iter().find(|(name, _)| same(name, key)).map(|(_, value)| value)
}

/// The members of the member under `key`.
pub(super) fn members<'t, 'a>(
    value: &'t Tree<'a>,
    key: &str,
) -> impl Iterator<Item = (&'t str, &'t Tree<'a>)> {
    let members = match member(value, key) {
        Some(Tree::Map(members)) => members.as_slice(),
        _ => &[],
    };
    members.iter().map(|(name, value)| (name.as_ref(), value))
}

fn item<'a>(of: &Tree<'a>, index: &Tree<'_>) -> Option<Tree<'a>> {
    match (of, index) {
        (Tree::Map(members), Tree::Text(key)) => {
            members.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone())
        }
        (Tree::List(items), Tree::Number(at)) => items.get(usize::try_from(*at).ok()?).cloned(),
        (Tree::Texts(texts), Tree::Number(at)) => {
            texts.iter().nth(usize::try_from(*at).ok()?).map(Tree::text)
        }
        _ => None,
    }
    .filter(|value| !matches!(value, Tree::Code(_)))
}

/// The values of a parameter file: `{ "parameters": { "name": { "value": … } } }`.
pub(super) fn given<'a>(file: &Tree<'a>) -> HashMap<String, Tree<'a>> {
    let values = members(file, "parameters");
    values
        .filter_map(|(name, entry)| Some((name.to_owned(), member(entry, "value")?.clone().unfolded())))
        .collect()
}
