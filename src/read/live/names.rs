//! Names and types in resource ids, and texts that are no values.

use super::view::{Item, View};
use crate::read::ReadError;

/// The last part of an id, or the name itself.
///
/// ```
/// use tagwall::read::live::last_part;
/// assert_eq!(last_part("/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/ipGroups/web"), "web");
/// assert_eq!(last_part("web"), "web");
/// ```
pub fn last_part(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}

/// The part of an id that follows `kind`, in any case.
///
/// ```
/// use tagwall::read::live::part_of_id;
/// let id = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/web/securityRules/a";
/// assert_eq!(part_of_id(id, "networksecuritygroups"), Some("web"));
/// assert_eq!(part_of_id(id, "routeTables"), None);
/// ```
pub fn part_of_id<'i>(id: &'i str, kind: &str) -> Option<&'i str> {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case(kind));
    parts.next()?;
    parts.next().filter(|name| !name.is_empty())
}

/// Whether two references lead to one resource: ids in any case, or a name beside an id that ends in it.
///
/// ```
/// use tagwall::read::live::is_same_resource;
/// let id = "/subscriptions/0/resourceGroups/RG/providers/Microsoft.Network/ipGroups/web";
/// assert!(is_same_resource(id, &id.to_uppercase()));
/// assert!(is_same_resource("WEB", id));
/// assert!(!is_same_resource(&id.replace("RG", "other"), id));
/// ```
pub fn is_same_resource(a: &str, b: &str) -> bool {
    let whole = |id: &str| id.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions"));
    if whole(a) && whole(b) {
        return a.trim_end_matches('/').eq_ignore_ascii_case(b.trim_end_matches('/'));
    }
    last_part(a).eq_ignore_ascii_case(last_part(b))
}

/// The type of a resource in lower case, from its `type` or else from its id.
pub(super) fn type_of(view: &View<'_>) -> Option<String> {
    let named = ["type", "resourcetype"].iter().find_map(|key| view.own(key)?.text());
    let named = named.filter(|text| text.contains('/')).map(|text| text.to_ascii_lowercase());
    named.or_else(|| type_in_id(&id_of(view)?))
}

/// The id of a resource, which clients call by two names.
pub(super) fn id_of(view: &View<'_>) -> Option<String> {
    let id = ["id", "resourceid"].iter().find_map(|key| view.own(key)?.text())?;
    id.starts_with('/').then_some(id)
}

fn type_in_id(id: &str) -> Option<String> {
    let start = id.to_ascii_lowercase().rfind("/providers/")? + "/providers/".len();
    let mut parts = id.get(start..)?.split('/');
    let mut kind = parts.next()?.to_ascii_lowercase();
    while let (Some(part), Some(_)) = (parts.next(), parts.next()) {
        kind.push('/');
        kind.push_str(&part.to_ascii_lowercase());
    }
    kind.contains('/').then_some(kind)
}

/// The name of a resource: its last part, where parents stand before it.
pub(super) fn name_of(view: &View<'_>) -> String {
    let named = ["name", "resourcename"].iter().find_map(|key| view.own(key)?.text());
    let id = || id_of(view).map(|id| last_part(&id).to_owned());
    named.or_else(id).map(into_last).unwrap_or_default()
}

/// The last part of `parent/child`; an unresolved expression may hold slashes of its own.
pub(super) fn last_name(name: &str) -> &str {
    match name.rfind([']', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => &name[at + 1..],
        _ => name,
    }
}

/// [`last_name`] of a name that is not needed any more.
pub(super) fn into_last(mut name: String) -> String {
    name.drain(..name.len() - last_name(&name).len());
    name
}

/// What stands before the last part of `parent/child`.
pub(super) fn parent_name(name: &str) -> Option<String> {
    let parent = name.strip_suffix(last_name(name))?.strip_suffix('/')?;
    (!parent.is_empty()).then(|| last_name(parent).to_owned())
}

/// The name and the id of what is only known by a reference to it, which may be either.
pub(super) fn name_and_id(reference: String) -> (String, Option<String>) {
    match reference.starts_with('/') {
        true => (last_part(&reference).to_owned(), Some(reference)),
        false => (reference, None),
    }
}

/// Something in a document of which not all is known, or nothing.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Passed<'a> {
    /// A resource of this type.
    #[error("not read: {0}")]
    Type(&'a str),
    /// A list, with what stands in its place.
    #[error("the {0} are not known: {1}")]
    List(&'static str, &'a str),
    /// A parent of which only children are there.
    #[error("the {0} {1} itself is not among the files")]
    Parent(&'static str, &'a str),
    /// A list that the export has not.
    #[error("the export has no list of {0}")]
    NoList(&'static str),
}

/// Texts that PowerShell writes where it did not go deeper.
const CUT: [&str; 5] = ["System.", "Microsoft.Azure.", "@{", "System.Object", "Microsoft.Azure.Commands."];

/// Refuses texts that PowerShell's `ConvertTo-Json` writes in place of values that lie too deep.
///
/// # Errors
/// With the place, and what to type instead.
pub(super) fn refuse_cut(view: &View<'_>) -> Result<(), ReadError> {
    let is_cut = |text: &str| {
        let text = text.trim();
        let joined = || {
            let mut parts = text.split_ascii_whitespace();
            text.contains(' ') && parts.all(|part| part.parse::<crate::addr::IpPrefix>().is_ok())
        };
        CUT.iter().any(|start| text.starts_with(start)) || joined()
    };
    let texts = view.flat_texts();
    match texts.iter().find(|text| is_cut(text)) {
        None => Ok(()),
        Some(text) => Err(ReadError::new(
            view.place(),
            format_args!(
                "`{text}` stands in place of values: PowerShell cut the depth off; export it again with \
                 `ConvertTo-Json -Depth 10`"
            ),
        )),
    }
}

/// The items of a list of objects. A text in the place of one is what PowerShell leaves of it, or an expression.
///
/// # Errors
/// As [`refuse_cut`].
pub(super) fn objects<'v, 'd>(
    list: &'v View<'d>,
) -> Result<impl Iterator<Item = Item<'d>> + use<'v, 'd>, ReadError> {
    refuse_cut(list)?;
    Ok(list.each().filter(|item| item.view().is_map()))
}

/// What in a list is no object and not resolved.
pub(super) fn unresolved(list: &View<'_>) -> Option<String> {
    list.flat_texts().into_iter().next()
}
