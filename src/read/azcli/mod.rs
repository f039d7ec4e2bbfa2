//! Scripts for the Azure command line: the commands that make rules, routes and groups, with their arguments as the
//! shell would give them. A shell can do anything anywhere, so that every line of a script has to be one that is known.

mod classic;
mod known;
mod shell;
mod subnets;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::arm::{self, GROUPS, IP_GROUPS};
use super::error::{Files, Line, ReadError, Wrong, utf8};
use super::tree::{self, Strings, Tree};
use crate::read::resources::{Nsg, Resources, Route, RouteTable, SecurityRule, Setting, SettingKind};
use crate::text::says;
use shell::{Cursor, REPLACED, Word, is_plain, shell_text};

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    let mut lists = BTreeMap::new();
    for (name, bytes) in files.iter().filter(|(name, _)| is_list(name)) {
        lists.insert(*name, list(name, utf8(name, bytes)?)?);
    }
    let mut used = BTreeSet::new();
    for (name, bytes) in files.iter().filter(|(name, _)| !is_list(name)) {
        let cursor = Cursor::new(name, utf8(name, bytes)?);
        let mut script = Script {
            cursor,
            files: &lists,
            used: BTreeSet::new(),
            lists: HashMap::new(),
            found: Resources::default(),
        };
        script.read()?;
        used.extend(script.used);
        resources.extend(script.found);
    }
    match lists.keys().find(|name| !used.contains(*name)) {
        Some(name) => Err(ReadError::new(*name, "no script names the list")),
        None => Ok(resources),
    }
}

/// Whether a file is a list for a script.
pub(super) fn is_list(name: &str) -> bool {
    name.starts_with("azcli/") && name.ends_with(".txt")
}

/// The lines of a list, each of which becomes a word.
fn list<'a>(name: &str, text: &'a str) -> Result<Vec<&'a str>, ReadError> {
    let lines: Vec<&str> = text.lines().collect();
    // An option would be taken for one, and of some characters nobody knows what becomes.
    let strange = |line: &&str| {
        line.is_empty() || line.starts_with('-') || line.contains(|c: char| !c.is_ascii_graphic())
    };
    match lines.iter().position(strange) {
        Some(index) => Err(ReadError::new(Line(name, index + 1), "an address is expected")),
        None if !text.ends_with('\n') || text.contains('\r') => {
            Err(ReadError::new(name, "whole lines are expected"))
        }
        None => Ok(lines),
    }
}

/// A script, and what it has made so far.
struct Script<'a> {
    cursor: Cursor<'a>,
    files: &'a BTreeMap<&'a str, Vec<&'a str>>,
    /// The lists that were named.
    used: BTreeSet<&'a str>,
    /// Variables that hold lists.
    lists: HashMap<&'a str, &'a [&'a str]>,
    found: Resources,
}

/// A command with its name and options: the words up to the next one, or the one value after `=`.
struct Command<'a> {
    place: Line<'a>,
    name: Cow<'a, str>,
    options: HashMap<String, Vec<String>>,
}

impl<'a> Script<'a> {
    fn read(&mut self) -> Result<(), ReadError> {
        self.cursor.known(known::HEAD)?;
        if !self.cursor.takes(known::NO_GROUP) {
            self.setting("resource_group=\"${RESOURCE_GROUP:-", SettingKind::ResourceGroup)?;
        }
        self.setting("location=\"${LOCATION:-", SettingKind::Location)?;
        if self.cursor.starts_with("nsg=") {
            self.security_group()?;
        } else if self.cursor.starts_with("route_table=") {
            self.route_table()?;
        } else if self.cursor.starts_with(known::ASSOCIATIONS) {
            self.associations()?;
        } else if self.cursor.starts_with("firewall=") {
            self.classic()?;
        } else {
            self.puts()?;
        }
        if self.cursor.is_at_end() {
            Ok(())
        } else {
            Err(self.cursor.error("the end of the script is expected"))
        }
    }

    /// `name="${VARIABLE:-default}"`, up to the default.
    fn setting(&mut self, before: &str, kind: SettingKind) -> Result<&'a str, ReadError> {
        let place = self.cursor.place();
        let value = self.cursor.name_between(before, "}\"")?;
        self.note(place, kind, value);
        Ok(value)
    }

    /// Notes what a script says of itself.
    fn note(&mut self, place: Line<'_>, kind: SettingKind, value: &str) {
        self.found.settings.push(Setting { place: place.to_string(), kind, value: value.to_owned() });
    }

    /// The lines in which a script says what it keeps, `|…|` each.
    fn wanted(&mut self) -> Result<Vec<&'a str>, ReadError> {
        self.cursor.known("wanted='|\n")?;
        let mut lines = Vec::new();
        while !self.cursor.takes("'\n") {
            let line = self.cursor.between("|", "|")?;
            if line.contains(['\'', '|']) {
                return Err(self.cursor.error(Wrong::IsNo(line, "rule or route")));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    fn security_group(&mut self) -> Result<(), ReadError> {
        let name = self.cursor.name_between("nsg='", "'")?.to_owned();
        self.names("own='", SettingKind::OwnRules)?;
        self.names("keep='", SettingKind::KeptRules)?;
        let (place, wanted) = (self.cursor.place(), self.wanted()?);
        self.head(known::RULES, known::KEPT_RULE_BEFORE, known::KEPT_RULE)?;
        let mut rules = Vec::new();
        while !self.cursor.is_at_end() {
            self.cursor.known("\n")?;
            while self.cursor.takes("mapfile -t ") {
                self.mapfile()?;
            }
            let command = self.command("rule")?;
            rules.push(rule(command)?);
        }
        let made = |line: &str, r: &SecurityRule| {
            says(line, format_args!("{} {} {}", r.direction, r.priority, r.name))
        };
        same(place, (&wanted, &rules), made)?;
        self.found.nsgs.push(Nsg { name, rules });
        Ok(())
    }

    /// What stands before rules or routes, guarded where a service keeps some.
    fn head(&mut self, head: &str, before: &str, [line, guarded]: [&str; 2]) -> Result<(), ReadError> {
        if self.cursor.takes(before) {
            return self.cursor.known(&head.replacen(line, guarded, 1));
        }
        self.cursor.known(head)
    }

    /// The lines of a variable that says which rules are tagwall's, or stay: names, or patterns of those that stay.
    fn names(&mut self, before: &str, kind: SettingKind) -> Result<(), ReadError> {
        let (place, own) = (self.cursor.place(), kind == SettingKind::OwnRules);
        let text = self.cursor.quoted(before)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.- ".contains(c) || (!own && c == '*');
        const CLOSING: [&str; 4] = ["vnet-in", "vnet-out", "load-balancer-in", "deny-rest-"];
        // A shorter beginning would take rules of others for tagwall's.
        let narrow =
            |line: &str| !own || CLOSING.contains(&line) || line.ends_with("-in-") || line.ends_with("-out-");
        let wrong = |line: &&str| line.is_empty() || !line.chars().all(plain) || !narrow(line);
        match text.lines().find(wrong) {
            None => {
                self.note(place, kind, text);
                Ok(())
            }
            Some(line) => Err(self.cursor.error(Wrong::QuotedIsNo(line, "name of rules"))),
        }
    }

    fn route_table(&mut self) -> Result<(), ReadError> {
        let name = self.cursor.name_between("route_table='", "'")?.to_owned();
        let disable_bgp = match self.cursor.name_between("disable_bgp=", "")? {
            "true" => true,
            "false" => false,
            other => return Err(self.cursor.error(format_args!("disable_bgp is {other}"))),
        };
        let (place, wanted) = (self.cursor.place(), self.wanted()?);
        self.head(known::ROUTES, known::KEPT_ROUTE_BEFORE, known::KEPT_ROUTE)?;
        let mut routes = Vec::new();
        while !self.cursor.is_at_end() {
            self.cursor.known("\n")?;
            let command = self.command("route")?;
            routes.push(route(command)?);
        }
        let made = |line: &str, r: &Route| says(line, format_args!("{} {}", r.address_prefix, r.name));
        same(place, (&wanted, &routes), made)?;
        self.found.route_tables.push(RouteTable {
            name,
            disable_bgp: Some(disable_bgp),
            disable_peering_route: None,
            routes,
        });
        Ok(())
    }

    /// `mapfile -t LIST <'FILE'` after its first words: the lines of a file as a list.
    fn mapfile(&mut self) -> Result<(), ReadError> {
        let place = self.cursor.place();
        let line = self.cursor.between("", "'")?;
        let (list, file) = line.split_once(" <'").unwrap_or_default();
        if !["source", "destination"].contains(&list) {
            return Err(ReadError::new(place, "`mapfile -t LIST <'FILE'` is expected"));
        }
        let Some((file, lines)) = self.files.get_key_value(file) else {
            return Err(ReadError::new(place, Wrong::NoSuch("list", file)));
        };
        self.used.insert(file);
        self.lists.insert(list, lines);
        Ok(())
    }

    /// A command of that name with its options, up to the end of its line.
    fn command(&mut self, called: &str) -> Result<Command<'a>, ReadError> {
        let place = self.cursor.place();
        let error = |wrong: Wrong<'_>| ReadError::new(place, wrong);
        let mut words = self.cursor.words()?.into_iter();
        let (first, name) = (words.next(), words.next());
        self.cursor.known("\n")?;
        let Some(Word::Text(name)) = name.filter(|_| first == Some(Word::Text(called.into()))) else {
            return Err(ReadError::new(place, format_args!("`{called} NAME` is expected")));
        };
        if name.starts_with('-') {
            return Err(error(Wrong::IsNo(&name, "name")));
        }
        let mut command = Command { place, name, options: HashMap::new() };
        let mut current = String::new();
        for word in words {
            match word {
                Word::Text(word) if word.starts_with('-') => {
                    let option = word.strip_prefix("--");
                    let option =
                        option.ok_or_else(|| ReadError::new(place, format_args!("{word} is not known")))?;
                    let (key, value) = option.split_once('=').map_or((option, None), |(k, v)| (k, Some(v)));
                    // After a value no other follows.
                    let key = key.to_owned();
                    if command.options.contains_key(&key) {
                        return Err(error(Wrong::Option(&key, "is given twice")));
                    }
                    current = if value.is_some() { String::new() } else { key.clone() };
                    command.options.insert(key, value.map(str::to_owned).into_iter().collect());
                }
                word => {
                    let values = command.options.get_mut(&current);
                    let values = values.ok_or_else(|| ReadError::new(place, "a value without an option"))?;
                    match word {
                        Word::Text(text) => values.push(text.into_owned()),
                        Word::List(list) => {
                            let list = self.lists.get(list);
                            let list = list.ok_or_else(|| ReadError::new(place, "the list is not set"))?;
                            values.extend(list.iter().map(|line| (*line).to_owned()));
                        }
                    }
                }
            }
        }
        Ok(command)
    }

    /// Requests that each make or replace a resource.
    fn puts(&mut self) -> Result<(), ReadError> {
        let policy = match self.cursor.starts_with("firewall_policy=") {
            true => Some(self.setting("firewall_policy=\"${FIREWALL_POLICY:-", SettingKind::FirewallPolicy)?),
            false => None,
        };
        let draft = policy.is_some() && self.cursor.holds(known::IS_DRAFT);
        let (place, version) =
            (self.cursor.place(), self.versioned(if draft { known::DRAFT } else { known::PUT })?);
        if policy.is_some() {
            self.note(place, SettingKind::Draft, if draft { "draft" } else { "in force at once" });
        }
        while !self.cursor.is_at_end() {
            self.cursor.known("\n")?;
            let place = self.cursor.place();
            let (kind, name) = match policy {
                Some(_) => {
                    let path = "put \"firewallPolicies/$firewall_policy/ruleCollectionGroups/";
                    (Cow::Borrowed(GROUPS), self.path(path, "\" <<BODY")?)
                }
                None => {
                    let path = self.path("put '", "' <<BODY")?;
                    let (kind, name) = path.split_once('/').unwrap_or_default();
                    (Cow::Owned(format!("Microsoft.Network/{kind}")), name)
                }
            };
            if !is_plain(name) {
                return Err(ReadError::new(place, "the path of a resource is expected"));
            }
            let body = self.body(place)?;
            let body = json(place, &body)?;
            let template = template(place, policy, (kind, name), version, body)?;
            let mut found = arm::read_template(place, "", &template)?;
            // The script has said it once.
            found.settings.clear();
            self.found.extend(found);
        }
        Ok(())
    }

    /// Passes lines that have to stand here to the letter but for the version of the API in them, which is given.
    fn versioned(&mut self, text: &str) -> Result<&'a str, ReadError> {
        let (before, after) = text.split_once(known::VERSION).expect("the text names the version");
        let (lines, line) =
            before.rsplit_once('\n').map_or(("", before), |(l, _)| before.split_at(l.len() + 1));
        let (end, after) = after.split_once('\n').map_or((after, ""), |(end, after)| (end, after));
        self.cursor.known(lines)?;
        let place = self.cursor.place();
        let version = self.cursor.between(line, end)?;
        arm::known_version(version).map_err(|wrong| ReadError::new(place, wrong))?;
        self.cursor.known(&after.replace(known::VERSION, version))?;
        arm::template_version(&mut self.found, place, version);
        Ok(version)
    }

    /// What stands between `before` and `after`, which ends with the beginning of a here-document.
    fn path(&mut self, before: &str, after: &str) -> Result<&'a str, ReadError> {
        let path = self.cursor.rest_of_line();
        let inner = path.strip_prefix(before).and_then(|p| p.strip_suffix(after));
        let inner = inner.ok_or_else(|| self.cursor.error(Wrong::Between(before, after)))?;
        self.cursor.takes(&path[..path.len() - "<<BODY".len()]);
        Ok(inner)
    }

    /// The text of a here-document, with what the shell replaces marked.
    fn body(&mut self, place: Line<'_>) -> Result<String, ReadError> {
        let document = self.cursor.document()?;
        shell_text(document).ok_or_else(|| ReadError::new(place, Wrong::Shell("the body")))
    }

    /// A firewall that is asked for, gets collections and is sent back.
    fn classic(&mut self) -> Result<(), ReadError> {
        let firewall = self.setting("firewall=\"${FIREWALL:-", SettingKind::Firewall)?;
        let version = self.versioned(known::PUT)?;
        self.cursor.known(known::COLLECTION)?;
        let mut present: Vec<(&classic::Kind, classic::Held)> = Vec::new();
        for (index, kind) in classic::KINDS.iter().enumerate() {
            present.extend(self.query(kind, index == 0)?.into_iter().map(|held| (kind, held)));
        }
        if self.versioned(known::CURRENT)? != version {
            return Err(self.cursor.error(format_args!("API version {version} is expected, as above")));
        }
        for (_, held) in &present {
            self.cursor.known_with(format_args!("  fill '{}' \"${}\"\n", held.word, held.variable))?;
        }
        self.cursor.known(known::SEND)?;
        let mut bodies = Vec::new();
        for (kind, held) in &present {
            self.cursor.known_with(format_args!("\ncollection {} ", held.variable))?;
            let place = self.cursor.place();
            bodies.push((kind.name, place, self.body(place)?));
        }
        if !self.cursor.takes("\nsend\n") {
            return Err(ReadError::new(self.cursor.name, "the collections are not sent"));
        }
        let mut variables = Vec::new();
        for kind in &classic::KINDS {
            let own = bodies.iter().filter(|(other, ..)| *other == kind.name);
            let trees = own.map(|(_, place, body)| json(*place, body)).collect::<Result<_, _>>()?;
            variables.push((kind.collections, Tree::List(trees)));
        }
        let template = classic_template(firewall, version, Tree::map(variables));
        let mut found = arm::read_template(self.cursor.name, "", &template)?;
        found.settings.clear();
        self.names_fit(&found)?;
        self.found.extend(found);
        Ok(())
    }

    /// The line that asks for the collections of a kind without ours; the words that stand in their place.
    fn query(&mut self, kind: &classic::Kind, more: bool) -> Result<Vec<classic::Held>, ReadError> {
        let place = self.cursor.place();
        let before = format!("    {0}: [properties.{0}[?name!='", kind.collections);
        let inner = self.cursor.between(&before, if more { "][]," } else { "][]" })?;
        let (names, held) = classic::query(kind, inner)
            .filter(|(names, _)| names.iter().all(|name| is_plain(name)))
            .ok_or_else(|| ReadError::new(place, "the names of collections are expected"))?;
        for (name, setting) in names.into_iter().zip([kind.rules.setting, kind.denies.setting]) {
            self.note(place, setting, name);
        }
        Ok(held)
    }

    /// Makes sure that the collections that are put in are those that were taken out.
    fn names_fit(&self, found: &Resources) -> Result<(), ReadError> {
        let settings = self.found.settings.iter();
        let replaced: Vec<&Setting> = settings.filter(|s| classic::is_collection(s.kind)).collect();
        let other = found.rule_collections().find(|c| !replaced.iter().any(|s| s.value == c.name));
        match other {
            Some(other) => {
                let text = format_args!("the collection {} is not the one that is replaced", other.name);
                Err(ReadError::new(self.cursor.name, text))
            }
            None => Ok(()),
        }
    }
}

/// Makes sure that a script keeps what it makes, and nothing else; `is` says whether a line means one that is made.
fn same<T>(
    place: Line<'_>,
    (wanted, made): (&[&str], &[T]),
    is: impl Fn(&str, &T) -> bool,
) -> Result<(), ReadError> {
    if wanted.len() == made.len() && wanted.iter().zip(made).all(|(line, one)| is(line, one)) {
        return Ok(());
    }
    Err(match wanted.iter().find(|line| !made.iter().any(|one| is(line, one))) {
        Some(line) => ReadError::new(place, format_args!("{line} is kept, but not made")),
        None => ReadError::new(place, "what is kept is not what is made"),
    })
}

/// The JSON of a request, with what the shell replaces as expressions.
fn json<'b>(place: Line<'_>, body: &'b str) -> Result<Tree<'b>, ReadError> {
    expressions(place, tree::parse(body, place, Strings::default())?)
}

impl Command<'_> {
    fn many(&mut self, key: &str) -> Result<Vec<String>, ReadError> {
        match self.options.remove(key) {
            Some(values) if !values.is_empty() => Ok(values),
            _ => Err(ReadError::new(self.place, Wrong::Option(key, "is missing"))),
        }
    }

    fn one(&mut self, key: &str) -> Result<String, ReadError> {
        match <[String; 1]>::try_from(self.many(key)?) {
            Ok([value]) => Ok(value),
            Err(_) => Err(ReadError::new(self.place, Wrong::Option(key, "has one value"))),
        }
    }

    fn end(&self) -> Result<(), ReadError> {
        match self.options.keys().min() {
            Some(key) => Err(ReadError::new(self.place, Wrong::Option(key, "is not written by tagwall"))),
            None => Ok(()),
        }
    }
}

fn rule(mut command: Command<'_>) -> Result<SecurityRule, ReadError> {
    let priority = command.one("priority")?;
    let no_priority = |_| ReadError::new(command.place, Wrong::IsNo(&priority, "priority"));
    let rule = SecurityRule {
        priority: priority.parse().map_err(no_priority)?,
        direction: command.one("direction")?.into(),
        access: command.one("access")?.into(),
        protocol: command.one("protocol")?.into(),
        sources: side(&mut command, ["source-asgs", "source-address-prefixes"])?,
        destinations: side(&mut command, ["destination-asgs", "destination-address-prefixes"])?,
        source_ports: command.many("source-port-ranges")?,
        destination_ports: command.many("destination-port-ranges")?,
        description: command.one("description")?,
        name: std::mem::take(&mut command.name).into_owned(),
    };
    command.end()?;
    Ok(rule)
}

/// One side of a rule: addresses, a tag, or application security groups.
fn side(command: &mut Command<'_>, [groups, prefixes]: [&str; 2]) -> Result<Vec<String>, ReadError> {
    if command.options.contains_key(groups) {
        return Ok(command.many(groups)?.into_iter().map(|name| format!("asg:{name}")).collect());
    }
    command.many(prefixes)
}

fn route(mut command: Command<'_>) -> Result<Route, ReadError> {
    let address = "next-hop-ip-address";
    let route = Route {
        address_prefix: command.one("address-prefix")?,
        next_hop_type: command.one("next-hop-type")?,
        next_hop_address: command.options.contains_key(address).then(|| command.one(address)).transpose()?,
        name: std::mem::take(&mut command.name).into_owned(),
    };
    command.end()?;
    Ok(route)
}

/// What the shell replaces, as a template says it: the place of a resource, and the ids of IP groups.
fn expressions<'a>(place: Line<'_>, tree: Tree<'a>) -> Result<Tree<'a>, ReadError> {
    let inner = |tree| expressions(place, tree);
    Ok(match tree {
        Tree::Text(text) if text.contains(REPLACED) => {
            let name = text.strip_prefix(REPLACED).unwrap_or_default();
            match name.strip_prefix("scope/ipGroups/") {
                Some(group) if is_plain(group) => {
                    Tree::code(arm::ResourceId::of(IP_GROUPS, group).to_string())
                }
                None if name == "location" => Tree::code("parameters('location')"),
                _ => {
                    let text = text.replace(REPLACED, "$");
                    return Err(ReadError::new(place, Wrong::Shell(&text)));
                }
            }
        }
        Tree::List(items) => Tree::List(items.into_iter().map(inner).collect::<Result<_, _>>()?),
        Tree::Map(members) => {
            if members.iter().any(|(key, _)| key.contains(REPLACED)) {
                return Err(ReadError::new(place, Wrong::Shell("the name of a member")));
            }
            let one = |(key, value)| Ok((key, inner(value)?));
            Tree::Map(members.into_iter().map(one).collect::<Result<_, ReadError>>()?)
        }
        other => other,
    })
}

/// A request as a template: type and name from its path, the rest from its body.
fn template<'a>(
    place: Line<'_>,
    policy: Option<&'a str>,
    (kind, name): (Cow<'a, str>, &'a str),
    version: &'a str,
    body: Tree<'a>,
) -> Result<Tree<'a>, ReadError> {
    let Tree::Map(members) = body else { return Err(ReadError::new(place, "an object is expected")) };
    let known = ["location", "properties"];
    if let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.as_ref())) {
        return Err(ReadError::new(place, format_args!("`{key}`: such a member is not written by tagwall")));
    }
    let (parameters, name) = match policy {
        None => (Tree::map([location()]), Tree::text(name)),
        Some(policy) => {
            let code = format!("format('{{0}}/{{1}}', parameters('firewallPolicyName'), '{name}')");
            (Tree::map([text_parameter("firewallPolicyName", policy)]), Tree::code(code))
        }
    };
    let head = [
        (Cow::Borrowed("type"), Tree::Text(kind)),
        (Cow::Borrowed("apiVersion"), Tree::text(version)),
        (Cow::Borrowed("name"), name),
    ];
    let resource = Tree::Map(head.into_iter().chain(members).collect());
    Ok(Tree::map([
        ("$schema", Tree::text(arm::SCHEMA)),
        ("contentVersion", Tree::text(arm::CONTENT_VERSION)),
        ("parameters", parameters),
        ("resources", Tree::List(vec![resource])),
    ]))
}

fn location<'a>() -> (&'static str, Tree<'a>) {
    let default = Tree::code("resourceGroup().location");
    ("location", Tree::map([("type", Tree::text("string")), ("defaultValue", default)]))
}

fn text_parameter<'a>(name: &'static str, default: &'a str) -> (&'static str, Tree<'a>) {
    (name, Tree::map([("type", Tree::text("string")), ("defaultValue", Tree::text(default))]))
}

/// The template that puts collections into a firewall and leaves all else of it as it is, as the script does.
fn classic_template<'a>(firewall: &'a str, version: &'a str, variables: Tree<'a>) -> Tree<'a> {
    let given = |name: &'static str, kind: &'static str| (name, Tree::map([("type", Tree::text(kind))]));
    let parameters = Tree::map([
        text_parameter("firewallName", firewall),
        location(),
        given("zones", "array"),
        given("tags", "object"),
        given("firewallProperties", "object"),
        given("otherNetworkRuleCollections", "array"),
        given("otherApplicationRuleCollections", "array"),
    ]);
    let resource = Tree::map([
        ("type", Tree::text("Microsoft.Network/azureFirewalls")),
        ("apiVersion", Tree::text(version)),
        ("name", Tree::code("parameters('firewallName')")),
        ("location", Tree::code("parameters('location')")),
        ("zones", Tree::code("parameters('zones')")),
        ("tags", Tree::code("parameters('tags')")),
        ("properties", Tree::code(arm::WITH_VARIABLES)),
    ]);
    Tree::map([
        ("$schema", Tree::text(arm::SCHEMA)),
        ("contentVersion", Tree::text(arm::CONTENT_VERSION)),
        ("parameters", parameters),
        ("variables", variables),
        ("resources", Tree::List(vec![resource])),
    ])
}
