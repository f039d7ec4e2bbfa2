//! Functions of templates that need nothing but their arguments.

use std::borrow::Cow;

use crate::read::tree::Tree;

/// The longest text that functions make.
const LONGEST: usize = 1 << 16;

fn text<'a>(text: impl Into<String>) -> Option<Tree<'a>> {
    let text: String = text.into();
    (text.len() <= LONGEST).then_some(Tree::Text(Cow::Owned(text)))
}

/// What a function gives; `None` for those that are not known here, or not with these arguments.
pub(super) fn call<'a>(name: &str, arguments: Vec<Tree<'a>>) -> Option<Tree<'a>> {
    let arguments: Vec<Tree<'a>> = arguments.into_iter().map(Tree::opened).collect();
    match (name, arguments.as_slice()) {
        ("concat", [Tree::List(_), ..]) => lists(arguments),
        ("concat", parts) => text(parts.iter().map(plain).collect::<Option<String>>()?),
        ("format", [Tree::Text(form), values @ ..]) => format(form, values),
        ("tolower", [Tree::Text(t)]) => text(t.to_lowercase()),
        ("toupper", [Tree::Text(t)]) => text(t.to_uppercase()),
        ("trim", [Tree::Text(t)]) => text(t.trim()),
        ("string", [value]) => text(plain(value)?),
        ("int", [Tree::Text(t)]) => t.trim().parse().ok().map(Tree::Number),
        ("int", [Tree::Number(n)]) => Some(Tree::Number(*n)),
        ("replace", [Tree::Text(t), Tree::Text(from), Tree::Text(to)]) if !from.is_empty() => {
            let most = t.len() + t.matches(from.as_ref()).count().saturating_mul(to.len());
            if most > LONGEST { None } else { text(t.replace(from.as_ref(), to)) }
        }
        ("split", [Tree::Text(t), Tree::Text(by)]) if !by.is_empty() => {
            Some(Tree::List(t.split(by.as_ref()).filter_map(text).collect()))
        }
        ("json", [Tree::Text(t)]) if t.trim() == "null" => Some(Tree::Null),
        ("null", []) => Some(Tree::Null),
        ("true", []) => Some(Tree::Bool(true)),
        ("false", []) => Some(Tree::Bool(false)),
        ("createarray" | "array", _)
            if name == "createarray" || !matches!(arguments[..], [Tree::List(_)]) =>
        {
            Some(Tree::List(arguments))
        }
        ("array", _) => arguments.into_iter().next(),
        ("createobject", pairs) => object(pairs),
        ("union", [Tree::List(_), ..]) => lists(arguments).map(each_once),
        _ => {
            compare(name, &arguments).or_else(|| numbers(name, &arguments)).or_else(|| pick(name, &arguments))
        }
    }
}

/// Functions that say yes or no.
fn compare<'a>(name: &str, arguments: &[Tree<'_>]) -> Option<Tree<'a>> {
    let holds = match (name, arguments) {
        ("equals", [a, b]) => a == b,
        ("not", [Tree::Bool(on)]) => !on,
        ("bool", [Tree::Bool(on)]) => *on,
        ("and", all) => all.iter().map(switch).collect::<Option<Vec<_>>>()?.iter().all(|on| *on),
        ("or", all) => all.iter().map(switch).collect::<Option<Vec<_>>>()?.iter().any(|on| *on),
        ("empty", [value]) => length(value)? == 0,
        ("contains", [Tree::List(items), item]) => items.contains(item),
        ("contains", [Tree::Text(t), Tree::Text(part)]) => t.contains(part.as_ref()),
        ("contains", [Tree::Map(members), Tree::Text(key)]) => {
            members.iter().any(|(name, _)| name.eq_ignore_ascii_case(key))
        }
        ("startswith", [Tree::Text(t), Tree::Text(s)]) => t.to_lowercase().starts_with(&s.to_lowercase()),
        ("endswith", [Tree::Text(t), Tree::Text(s)]) => t.to_lowercase().ends_with(&s.to_lowercase()),
        ("greater", [Tree::Number(a), Tree::Number(b)]) => a > b,
        ("greaterorequals", [Tree::Number(a), Tree::Number(b)]) => a >= b,
        ("less", [Tree::Number(a), Tree::Number(b)]) => a < b,
        ("lessorequals", [Tree::Number(a), Tree::Number(b)]) => a <= b,
        _ => return None,
    };
    Some(Tree::Bool(holds))
}

/// Functions of whole numbers.
fn numbers<'a>(name: &str, arguments: &[Tree<'_>]) -> Option<Tree<'a>> {
    let number = match (name, arguments) {
        ("add", [Tree::Number(a), Tree::Number(b)]) => a.checked_add(*b)?,
        ("sub", [Tree::Number(a), Tree::Number(b)]) => a.checked_sub(*b)?,
        ("mul", [Tree::Number(a), Tree::Number(b)]) => a.checked_mul(*b)?,
        ("div", [Tree::Number(a), Tree::Number(b)]) => a.checked_div(*b)?,
        ("mod", [Tree::Number(a), Tree::Number(b)]) => a.checked_rem(*b)?,
        ("min", all) => whole(all)?.into_iter().min()?,
        ("max", all) => whole(all)?.into_iter().max()?,
        ("length", [value]) => i64::try_from(length(value)?).ok()?,
        ("range", [Tree::Number(from), Tree::Number(count)]) if (0..=10_000).contains(count) => {
            let end = from.checked_add(*count)?;
            return Some(Tree::List((*from..end).map(Tree::Number).collect()));
        }
        _ => return None,
    };
    Some(Tree::Number(number))
}

/// Functions that take a part of a value.
fn pick<'a>(name: &str, arguments: &[Tree<'a>]) -> Option<Tree<'a>> {
    let size = |n: &i64| usize::try_from((*n).max(0)).ok();
    match (name, arguments) {
        ("first", [Tree::List(items)]) => items.first().cloned(),
        ("last", [Tree::List(items)]) => items.last().cloned(),
        ("take", [Tree::List(items), Tree::Number(n)]) => {
            Some(Tree::List(items.iter().take(size(n)?).cloned().collect()))
        }
        ("skip", [Tree::List(items), Tree::Number(n)]) => {
            Some(Tree::List(items.iter().skip(size(n)?).cloned().collect()))
        }
        ("take", [Tree::Text(t), Tree::Number(n)]) => text(t.chars().take(size(n)?).collect::<String>()),
        ("skip", [Tree::Text(t), Tree::Number(n)]) => text(t.chars().skip(size(n)?).collect::<String>()),
        ("substring", [Tree::Text(t), Tree::Number(from)]) => {
            text(t.chars().skip(size(from)?).collect::<String>())
        }
        ("substring", [Tree::Text(t), Tree::Number(from), Tree::Number(n)]) => {
            text(t.chars().skip(size(from)?).take(size(n)?).collect::<String>())
        }
        ("join", [Tree::List(items), Tree::Text(by)]) => {
            text(items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(by))
        }
        ("tryget", [Tree::Map(members), Tree::Text(key)]) => {
            let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            Some(found.map_or(Tree::Null, |(_, value)| value.clone()))
        }
        ("cidrsubnet", [Tree::Text(space), Tree::Number(length), Tree::Number(index)]) => {
            subnet(space, *length, *index)
        }
        _ => None,
    }
}

fn subnet<'a>(space: &str, length: i64, index: i64) -> Option<Tree<'a>> {
    let (address, own) = space.split_once('/')?;
    let (address, own): (std::net::Ipv4Addr, i64) = (address.parse().ok()?, own.parse().ok()?);
    if !(own..=32).contains(&length)
        || !(0..=32).contains(&own)
        || !(0..1_i64 << (length - own)).contains(&index)
    {
        return None;
    }
    let first = i64::from(u32::from(address)).checked_add(index << (32 - length))?;
    text(format!("{}/{length}", std::net::Ipv4Addr::from(u32::try_from(first).ok()?)))
}

fn switch(value: &Tree<'_>) -> Option<bool> {
    if let Tree::Bool(on) = value { Some(*on) } else { None }
}

fn whole(values: &[Tree<'_>]) -> Option<Vec<i64>> {
    let list = if let [Tree::List(items)] = values { items.as_slice() } else { values };
    list.iter().map(|value| if let Tree::Number(n) = value { Some(*n) } else { None }).collect()
}

fn length(value: &Tree<'_>) -> Option<usize> {
    match value {
        Tree::Text(text) => Some(text.chars().count()),
        Tree::List(items) => Some(items.len()),
        Tree::Map(members) => Some(members.len()),
        Tree::Null => Some(0),
        _ => None,
    }
}

fn plain<'t>(value: &'t Tree<'_>) -> Option<Cow<'t, str>> {
    match value {
        Tree::Text(text) => Some(Cow::Borrowed(text)),
        Tree::Number(number) => Some(Cow::Owned(number.to_string())),
        Tree::Bool(on) => Some(Cow::Borrowed(if *on { "True" } else { "False" })),
        _ => None,
    }
}

fn lists<'a>(arguments: Vec<Tree<'a>>) -> Option<Tree<'a>> {
    let mut all = Vec::new();
    for argument in arguments {
        let Tree::List(items) = argument else { return None };
        all.extend(items);
    }
    Some(Tree::List(all))
}

fn each_once(list: Tree<'_>) -> Tree<'_> {
    let Tree::List(items) = list else { return list };
    let mut seen: Vec<Tree<'_>> = Vec::new();
    for item in items {
        // The lists of `union` in templates are short; a long one keeps what is there twice.
        if seen.len() > 2000 || !seen.contains(&item) {
            seen.push(item);
        }
    }
    Tree::List(seen)
}

fn object<'a>(pairs: &[Tree<'a>]) -> Option<Tree<'a>> {
    let members = pairs.chunks(2).map(|pair| match pair {
        [Tree::Text(key), value] => Some((key.clone(), value.clone())),
        _ => None,
    });
    members.collect::<Option<Vec<_>>>().map(Tree::Map)
}

/// `{0}` and so on in a text.
fn format<'a>(form: &str, values: &[Tree<'_>]) -> Option<Tree<'a>> {
    let mut made = form.replace("{{", "\u{1}").replace("}}", "\u{2}");
    for (at, value) in values.iter().enumerate() {
        let (place, value) = (format!("{{{at}}}"), plain(value)?);
        if made.len() + made.matches(&place).count().saturating_mul(value.len()) > LONGEST {
            return None;
        }
        made = made.replace(&place, &value);
    }
    text(made.replace('\u{1}', "{").replace('\u{2}', "}"))
}

/// The end of an id: its type and names. What stands before them is not known in a template.
pub(super) fn resource_id<'a>(parts: &[String]) -> Option<Tree<'a>> {
    let at = parts.iter().position(|part| part.contains('/') && !part.starts_with('['))?;
    let mut kinds = parts[at].trim_end_matches('/').split('/');
    let mut id = format!("/providers/{}", kinds.next()?);
    for (kind, name) in kinds.zip(parts[at + 1..].iter().flat_map(|part| split_names(part))) {
        id.extend(["/", kind, "/", name]);
    }
    text(id)
}

/// The names in `parent/child`, but for slashes in expressions.
fn split_names(part: &str) -> Vec<&str> {
    if part.contains('[') { vec![part] } else { part.split('/').collect() }
}
