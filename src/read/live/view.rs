//! [`View`]: a value of a document under names that every client writes in its own way.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::model::Note;
use super::place::{Place, Pointer};
use crate::read::tree::{Objects, Tree, same};

/// A document that views look into.
pub(super) struct Doc<'d> {
    file: Arc<str>,
    text: &'d str,
    /// How many lines end before each block of the text: enough to count the rest from there.
    blocks: Vec<usize>,
}

/// The bytes between two places whose lines are known.
const BLOCK: usize = 4096;

fn line_ends(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

impl<'d> Doc<'d> {
    pub(super) fn new(file: &str, text: &'d str) -> Self {
        let mut ended = 0;
        let blocks = text.as_bytes().chunks(BLOCK).map(|block| {
            let before = ended;
            ended += line_ends(block);
            before
        });
        Doc { file: file.into(), text, blocks: blocks.collect() }
    }

    /// Where a piece of the text begins; `None` for a text that is none.
    fn offset(&self, part: &str) -> Option<usize> {
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        (start < self.text.len()).then_some(start)
    }

    fn line(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let passed = self.text.as_bytes().get(block * BLOCK..offset).unwrap_or_default();
        1 + self.blocks.get(block).copied().unwrap_or_default() + line_ends(passed)
    }
}

/// One step of the way to a value.
struct Step<'d> {
    up: Way<'d>,
    key: Key<'d>,
    /// The way as a pointer, once somebody asked for it: the items of a list share it.
    pointer: OnceCell<Arc<str>>,
}

impl Step<'_> {
    fn pointer(&self) -> Arc<str> {
        let make = || {
            let mut steps = Vec::new();
            let mut at = Some(self);
            while let Some(step) = at {
                steps.push(match step.key {
                    Key::Member(name) => Cow::Owned(name.replace('~', "~0").replace('/', "~1")),
                    Key::Item(index) => Cow::<str>::Owned(index.to_string()),
                });
                at = step.up.as_deref();
            }
            steps.iter().rev().flat_map(|step| ["/", step]).collect::<String>().into()
        };
        self.pointer.get_or_init(make).clone()
    }
}

enum Key<'d> {
    Member(&'d str),
    Item(usize),
}

type Way<'d> = Option<Rc<Step<'d>>>;

/// A value, and the way to it.
#[derive(Clone)]
pub(super) struct View<'d> {
    doc: &'d Doc<'d>,
    pub(super) value: &'d Tree<'d>,
    way: Way<'d>,
    /// The offset of what is nearest to it and known.
    near: usize,
}

/// A text without blanks around it; an empty one is none.
fn filled(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn text(value: &Tree<'_>) -> Option<String> {
    match value {
        Tree::Text(text) => filled(text),
        Tree::Code(code) => Some(format!("[{code}]")),
        Tree::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl<'d> View<'d> {
    pub(super) fn top(doc: &'d Doc<'d>, value: &'d Tree<'d>) -> Self {
        View { doc, value, way: None, near: 0 }
    }

    /// The same place with another value, such as one that was worked out.
    pub(super) fn with<'n>(&self, value: &'n Tree<'n>) -> View<'n>
    where
        'd: 'n,
    {
        View { doc: self.doc, value, way: self.way.clone(), near: self.near }
    }

    fn child(&self, value: &'d Tree<'d>, key: Key<'d>) -> Self {
        let near = match &key {
            Key::Member(name) => self.doc.offset(name),
            Key::Item(_) => None,
        };
        let near = begin(self.doc, value).or(near).unwrap_or(self.near);
        View {
            doc: self.doc,
            value,
            way: Some(Rc::new(Step { up: self.way.clone(), key, pointer: OnceCell::new() })),
            near,
        }
    }

    /// Members in order of the document.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'d str, View<'d>)> + use<'d, '_> {
        let members: &'d [(Cow<'d, str>, Tree<'d>)] = match self.value {
            Tree::Map(members) => members,
            _ => &[],
        };
        members.iter().map(|(name, value)| (name.as_ref(), self.child(value, Key::Member(name))))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Tree::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Tree::List(_) | Tree::Texts(_) | Tree::Objects(_))
    }

    /// Its own member under `key`; null is no member.
    pub(super) fn own(&self, key: &str) -> Option<View<'d>> {
        let Tree::Map(members) = self.value else { return None };
        let (name, value) = members.iter().find(|(name, value)| same(name, key) && *value != Tree::Null)?;
        Some(self.child(value, Key::Member(name)))
    }

    /// The member under `key`, of its own or of its `properties`.
    pub(super) fn get(&self, key: &str) -> Option<View<'d>> {
        self.own(key).or_else(|| self.own("properties").and_then(|properties| properties.own(key)))
    }

    /// The first of several members.
    pub(super) fn any(&self, keys: &[&str]) -> Option<View<'d>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// Items of a list; of an object, which stands for a list of one, itself. Of a list of texts alone there are none:
    /// [`View::flat_texts`] has them. Nor are there any of long lists of objects: these are gone through by
    /// [`View::each`].
    pub(super) fn items(&self) -> Vec<View<'d>> {
        match self.value {
            Tree::List(items) => {
                items.iter().enumerate().map(|(at, value)| self.child(value, Key::Item(at))).collect()
            }
            Tree::Map(_) => vec![self.clone()],
            _ => Vec::new(),
        }
    }

    /// The same one after the other, also of long lists that stay in the document.
    pub(super) fn each(&self) -> impl Iterator<Item = Item<'d>> + use<'d, '_> {
        let stays = if let Tree::Objects(objects) = self.value { Some(objects.as_ref()) } else { None };
        let here = if stays.is_none() { self.items() } else { Vec::new() };
        let read = stays.into_iter().flat_map(Objects::iter).enumerate();
        let read = read.map(|(at, value)| Item::Read(self.clone(), at, value));
        here.into_iter().map(Item::Here).chain(read)
    }

    /// How many items there are.
    pub(super) fn count(&self) -> usize {
        if let Tree::Objects(objects) = self.value { objects.len() } else { self.items().len() }
    }

    /// A string, number or unresolved expression as text; empty ones are none.
    pub(super) fn text(&self) -> Option<String> {
        text(self.value)
    }

    /// The text of the member under `key`.
    pub(super) fn text_of(&self, key: &str) -> Option<String> {
        self.get(key)?.text()
    }

    /// A number, also one that is written as text.
    pub(super) fn number_of(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Tree::Number(number) => Some(*number),
            Tree::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn switch_of(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Tree::Bool(on) => Some(*on),
            Tree::Text(text) => text.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    /// All texts under `keys`, single or in lists, each once, in order.
    pub(super) fn texts(&self, keys: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for view in keys.iter().filter_map(|key| self.get(key)) {
            let more = view.flat_texts();
            // What is taken over as it is leaves no gaps behind in memory, of which many small rules would make many.
            if found.is_empty() { found = more } else { found.extend(more) }
        }
        if found.len() > 1 {
            let mut seen = std::collections::HashSet::with_capacity(found.len());
            let first: Vec<bool> = found.iter().map(|text| seen.insert(text.as_str())).collect();
            let mut first = first.into_iter();
            found.retain(|_| first.next() != Some(false));
        }
        found.shrink_to_fit();
        found
    }

    /// The texts of a list, or the text itself.
    pub(super) fn flat_texts(&self) -> Vec<String> {
        match self.value {
            Tree::List(items) => items.iter().filter_map(text).collect(),
            Tree::Texts(texts) => {
                let mut found = Vec::with_capacity(texts.iter().count());
                found.extend(texts.iter().filter_map(filled));
                found
            }
            _ => self.text().into_iter().collect(),
        }
    }

    /// Ids in a list of objects with an `id`, or of texts.
    pub(super) fn ids(&self, keys: &[&str]) -> Vec<String> {
        let mut found = self.texts(keys);
        for view in keys.iter().filter_map(|key| self.get(key)) {
            found.extend(view.each().filter_map(|item| item.view().own("id")?.text()));
        }
        found
    }

    /// The id of an object that the member under `key` refers to; `None` for an empty object too.
    pub(super) fn id_of(&self, key: &str) -> Option<String> {
        let view = self.get(key)?;
        view.text().or_else(|| view.own("id")?.text())
    }

    pub(super) fn place(&self) -> Place {
        let pointer = self.way.as_deref().map(|step| match step.key {
            Key::Item(at) => Pointer::of_item(step.up.as_deref().map(Step::pointer), at),
            Key::Member(_) => step.pointer().into(),
        });
        Place {
            file: self.doc.file.clone(),
            line: self.doc.line(self.near),
            pointer: pointer.unwrap_or_default(),
        }
    }

    /// Something to be said of it, most often one of `names::Passed`; only here that becomes text.
    pub(super) fn note(&self, what: impl fmt::Display) -> Note {
        Note::new(self.place(), what)
    }
}

/// An item of a list: a value of the document, or one that was read for the moment.
pub(super) enum Item<'d> {
    Here(View<'d>),
    /// The list, the item's number in it and its value.
    Read(View<'d>, usize, Tree<'d>),
}

impl<'d> Item<'d> {
    /// Its value, which may refer to nothing but the document.
    pub(super) fn value(&self) -> &Tree<'d> {
        match self {
            Item::Here(view) => view.value,
            Item::Read(_, _, value) => value,
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        match self {
            Item::Here(view) => view.clone(),
            Item::Read(list, at, value) => list.with(value).child(value, Key::Item(*at)),
        }
    }
}

/// Where a value begins: an object at its brace, a text at its quote; `None` where nothing of it is known.
fn begin(doc: &Doc<'_>, value: &Tree<'_>) -> Option<usize> {
    let back = |from: usize, to: u8| {
        let before = &doc.text.as_bytes()[..from];
        let at = before.iter().rposition(|byte| !byte.is_ascii_whitespace() && *byte != b'"');
        at.filter(|&at| before[at] == to).or(Some(from))
    };
    match value {
        Tree::Map(members) => back(doc.offset(&members.first()?.0)?, b'{'),
        Tree::List(items) => back(begin(doc, items.first()?)?, b'['),
        Tree::Texts(texts) => back(doc.offset(texts.start())?, b'['),
        Tree::Objects(objects) => back(doc.offset(objects.start())?, b'['),
        Tree::Text(text) | Tree::Code(text) => doc.offset(text),
        _ => None,
    }
}
