//! [`Fleet`]: many environments from policies, templates and tables.

mod columns;
mod form;
mod table;
mod table_problem;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use columns::Columns;
pub use form::schema;
use form::{FleetIntent, is_fleet};
use table::{Table, of_row};
use table_problem::TableProblem;

use super::one::{Environment, EnvironmentError, read_layers};
use super::text::{TextError, read_text};
use crate::policy::{self, Layers, PolicyErrors};
use crate::tags::Cloud;
use crate::text::{Joined, sha256_hex};

/// Environments, in order of their names. Little more than the tables is held: each is put together when it is asked
/// for.
///
/// ```
/// use tagwall::environment::Fleet;
/// let folder = tempfile::tempdir()?;
/// let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
/// write("spoke.toml", "schema = 1\nregion = \"westeurope\"\nnetwork.address-space = [\"${space}\"]\n\
///     subnets.a.prefixes = [\"${space}\"]\n[[allow]]\nto = \"Storage\"\n")?;
/// write("spokes.csv", "name,space\nspoke-1,10.1.0.0/24\nspoke-2,10.2.0.0/24\n")?;
/// write("fleet.toml", "schema = 1\ntemplate = \"spoke.toml\"\ntable = \"spokes.csv\"\n")?;
/// let fleet = Fleet::read(&[folder.path().join("fleet.toml")], None, None)?;
/// assert_eq!(fleet.names().collect::<Vec<_>>(), ["spoke-1", "spoke-2"]);
/// assert_eq!(fleet.environment(1)?.source().intent.network.address_space, ["10.2.0.0/24"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Fleet {
    groups: Vec<Group>,
    entries: Vec<Member>,
    limits: Option<PathBuf>,
    digest: String,
    /// What is worth saying about how the files were understood.
    pub notes: Vec<String>,
}

/// Rows that stand upon one template.
#[derive(Debug)]
struct Group {
    template: Layers,
    table: Table,
    columns: Columns,
}

#[derive(Debug)]
struct Member {
    name: String,
    from: From,
}

#[derive(Debug, Clone)]
enum From {
    Policy(PathBuf),
    Row { group: usize, row: usize },
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// A file cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A folder cannot be read.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Files are wrong; a report for each.
    #[error("{}", Joined(.0, "\n"))]
    Wrong(Vec<PolicyErrors>),
    /// Two environments have the same name: the first of such pairs, and how many more there are.
    #[error("{}{}", Joined(.pairs, "\n"), more_pairs(*.more))]
    SameName {
        /// The first pairs.
        pairs: Vec<SameName>,
        /// How many more there are.
        more: usize,
    },
    /// A table is named without what its rows stand upon.
    #[error("{}: a table stands upon a template: name it with --template", .0.display())]
    NoTemplate(PathBuf),
    /// No file of a folder is a policy.
    #[error("{}: there is no policy {start}*{end}", .folder.display())]
    NoPolicy {
        /// The folder.
        folder: PathBuf,
        /// How the names of policies begin.
        start: String,
        /// How they end.
        end: String,
    },
    /// A policy or a template cannot be read for another reason.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

/// Two environments of one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{one} and {other} are both called {name}; give one another name")]
pub struct SameName {
    /// Where one is from.
    pub one: String,
    /// Where the other is from.
    pub other: String,
    /// Their name.
    pub name: String,
}

fn more_pairs(more: usize) -> impl fmt::Display {
    fmt::from_fn(move |f| match more {
        0 => Ok(()),
        more => write!(f, "\nand {more} more names are there twice"),
    })
}

impl std::convert::From<PolicyErrors> for FleetError {
    fn from(errors: PolicyErrors) -> Self {
        FleetError::Wrong(vec![errors])
    }
}

impl Fleet {
    /// Reads fleet files, policies, folders with policies, and, upon `template`, tables. `limits` is the file of limits of
    /// policies that have none beside them.
    ///
    /// # Errors
    /// [`FleetError`] with everything that keeps the environments from being told apart: a table that is none, columns
    /// without a meaning, a name that is missing or there twice. What is wrong with one environment alone is said by
    /// [`Fleet::environment`].
    pub fn read(
        inputs: &[PathBuf],
        template: Option<&Path>,
        limits: Option<PathBuf>,
    ) -> Result<Fleet, FleetError> {
        let mut reader = FleetReader { limits, ..FleetReader::default() };
        for path in inputs {
            reader.input(path, template)?;
        }
        let FleetReader { groups, found, wrong, notes, mut texts, limits } = reader;
        if !wrong.is_empty() {
            return Err(FleetError::Wrong(wrong));
        }
        let mut entries: Vec<Member> = found;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        texts.sort();
        let digest = sha256_hex(texts.concat().as_bytes());
        let fleet = Fleet { groups, entries, limits, digest, notes };
        fleet.distinct()?;
        Ok(fleet)
    }

    fn distinct(&self) -> Result<(), FleetError> {
        const MOST_SHOWN: usize = 20;
        let pairs = self.entries.windows(2).enumerate().filter(|(_, pair)| pair[0].name == pair[1].name);
        let same = |(at, pair): (usize, &[Member])| SameName {
            one: self.place(at),
            other: self.place(at + 1),
            name: pair[0].name.clone(),
        };
        let mut pairs: Vec<SameName> = pairs.map(same).collect();
        let more = pairs.len().saturating_sub(MOST_SHOWN);
        pairs.truncate(MOST_SHOWN);
        if pairs.is_empty() { Ok(()) } else { Err(FleetError::SameName { pairs, more }) }
    }

    /// Digest of all texts that the environments are made from, whatever files they are in. Of a shard it is that of the
    /// whole fleet.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many environments there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The name of the environment at `index`.
    pub fn name(&self, index: usize) -> &str {
        &self.entries[index].name
    }

    /// Where the environment at `index` is from: its file, or the file and row of a table.
    pub fn place(&self, index: usize) -> String {
        match &self.entries[index].from {
            From::Policy(path) => path.display().to_string(),
            From::Row { group, row } => format!("{} row {}", self.groups[*group].table.file(), row + 1),
        }
    }

    /// The clouds whose service tags are needed; those of environments that are wrong are left out.
    pub fn clouds(&self) -> BTreeSet<Cloud> {
        let cloud = |layers: &Layers| layers.text_at("cloud").map_or(Some(Cloud::Public), Cloud::find);
        let of_rows = self.groups.iter().flat_map(|group| {
            let fixed = !group.columns.sets("cloud");
            let rows = if fixed { 0..1 } else { 0..group.table.len() };
            rows.filter_map(
                move |row| if fixed { cloud(&group.template) } else { cloud(&group.layers(row).ok()?) },
            )
        });
        let of_files = self.entries.iter().filter_map(|entry| match &entry.from {
            From::Policy(path) => cloud(&read_layers(path, self.limits.as_deref()).ok()?),
            From::Row { .. } => None,
        });
        of_rows.chain(of_files).collect()
    }

    /// The environment at `index` as texts upon each other.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn layers(&self, index: usize) -> Result<Layers, EnvironmentError> {
        match &self.entries[index].from {
            From::Policy(path) => read_layers(path, self.limits.as_deref()),
            From::Row { group, row } => {
                let layers = self.groups[*group].layers(*row);
                Ok(layers.map_err(crate::Error::from)?)
            }
        }
    }

    /// The environment at `index`.
    ///
    /// # Errors
    /// [`EnvironmentError`] with all that is wrong with it, by file, row and column.
    pub fn environment(&self, index: usize) -> Result<Environment, EnvironmentError> {
        Environment::of(self.layers(index)?)
    }

    /// Keeps the environments of one shard: those whose names have this remainder. One environment more or less moves
    /// no other.
    ///
    /// ```
    /// # use tagwall::environment::shard_of;
    /// assert!((1..=7).contains(&shard_of("spoke-1", 7)));
    /// assert_eq!(shard_of("spoke-1", 1), 1);
    /// ```
    pub fn keep_shard(&mut self, shard: u32, shards: u32) {
        self.entries.retain(|entry| shard_of(&entry.name, shards) == shard);
    }
}

/// The shard, from 1 to `shards`, to which an environment belongs by its name.
///
/// # Panics
/// If `shards` is 0.
pub fn shard_of(name: &str, shards: u32) -> u32 {
    let digest = sha256_hex(name.as_bytes());
    let number = u64::from_str_radix(&digest[..15], 16).expect("hexadecimal digits");
    u32::try_from(number % u64::from(shards)).expect("less than a u32") + 1
}

impl Group {
    fn layers(&self, row: usize) -> Result<Layers, PolicyErrors> {
        self.template.with(&self.columns.overlay(&self.table.row(row)?))
    }

    /// The name of a row.
    fn name(&self, row: usize) -> Result<String, PolicyErrors> {
        let text = self.table.row(row)?;
        let name = match text.cell("name") {
            Some(cell) => Some(cell.text()).filter(|name| !name.is_empty()),
            None => self.template.with(&self.columns.overlay(&text))?.name().map(str::to_owned),
        };
        name.ok_or_else(|| {
            let span = text.cell("name").map_or(0..0, |cell| cell.span.clone());
            of_row(text.source.as_ref().clone(), span, TableProblem::NoName)
        })
    }
}

/// Reads what is named, and notes what is wrong.
#[derive(Default)]
struct FleetReader {
    groups: Vec<Group>,
    found: Vec<Member>,
    wrong: Vec<PolicyErrors>,
    notes: Vec<String>,
    /// Digests of the texts that environments are made from.
    texts: Vec<String>,
    limits: Option<PathBuf>,
}

impl FleetReader {
    fn input(&mut self, path: &Path, template: Option<&Path>) -> Result<(), FleetError> {
        if path.is_dir() {
            return self.folder(path);
        }
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if matches!(ending.as_deref(), Some("csv" | "tsv" | "json")) || template.is_some() {
            let Some(template) = template else {
                return Err(FleetError::NoTemplate(path.to_path_buf()));
            };
            return self.group(template, path, &[]);
        }
        let text = read_text(path)?;
        if is_fleet(&text) { self.fleet(path, &text) } else { self.policy(path, false) }
    }

    /// The `.toml` files of a folder. Those without a name are what others extend.
    fn folder(&mut self, folder: &Path) -> Result<(), FleetError> {
        self.matching(folder, "", ".toml")
    }

    fn matching(&mut self, folder: &Path, start: &str, end: &str) -> Result<(), FleetError> {
        let failed = |error| FleetError::Io { path: folder.to_path_buf(), error };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let fits =
                name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end);
            if fits && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        let before = self.found.len();
        for path in paths {
            self.policy(&path, true)?;
        }
        if before == self.found.len() && self.wrong.is_empty() {
            let (start, end) = (start.to_owned(), end.to_owned());
            return Err(FleetError::NoPolicy { folder: folder.to_path_buf(), start, end });
        }
        Ok(())
    }

    fn policy(&mut self, path: &Path, base: bool) -> Result<(), FleetError> {
        let layers = match read_layers(path, self.limits.as_deref()) {
            Ok(layers) => layers,
            Err(EnvironmentError::Text(error)) => return Err(error.into()),
            Err(EnvironmentError::Stage(crate::Error::Policy(errors))) => {
                self.wrong.push(errors);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match layers.name() {
            Some(name) => {
                self.texts.push(sha256_hex(layers.text().as_bytes()));
                self.found.push(Member { name: name.to_owned(), from: From::Policy(path.to_owned()) });
            }
            None if base => {
                self.notes.push(format!("{}: has no name, so it is only what others extend", path.display()));
            }
            // Read as a policy, the file says itself what it lacks.
            None => self.wrong.extend(policy::PolicySource::of(layers).err()),
        }
        Ok(())
    }

    fn fleet(&mut self, path: &Path, text: &str) -> Result<(), FleetError> {
        let file = path.display().to_string();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let intent: FleetIntent = match policy::read_as(&file, text, schema(), &[]) {
            Ok(intent) => intent,
            Err(errors) => {
                self.wrong.push(errors);
                return Ok(());
            }
        };
        if intent.schema != 1 {
            self.wrong.push(table::failed(&file, text, 0..0, TableProblem::Schema(intent.schema)));
            return Ok(());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        for name in &intent.policies {
            self.named(folder, name)?;
        }
        match (&intent.template, &intent.table, intent.environment.is_empty()) {
            (Some(template), Some(table), _) => {
                self.group(&folder.join(template), &folder.join(table), &intent.ignore)?;
            }
            (None, Some(_), _) | (None, _, false) => {
                self.wrong.push(table::failed(&file, text, 0..0, TableProblem::NoTemplate));
            }
            (Some(_), None, true) => {
                self.wrong.push(table::failed(&file, text, 0..0, TableProblem::OnlyTemplate));
            }
            _ => {}
        }
        if let (Some(template), false) = (&intent.template, intent.environment.is_empty()) {
            let rows = Table::inline(&file, text)?;
            self.rows(&folder.join(template), rows, &intent.ignore)?;
        }
        for group in &intent.group {
            self.group(&folder.join(&group.template), &folder.join(&group.table), &group.ignore)?;
        }
        Ok(())
    }

    /// Policies by the name of a file or folder, or a name with one `*`.
    fn named(&mut self, folder: &Path, name: &str) -> Result<(), FleetError> {
        let path = folder.join(name);
        let last = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match last.split_once('*') {
            Some((start, end)) => self.matching(path.parent().unwrap_or(folder), start, end),
            None if path.is_dir() => self.folder(&path),
            None => self.policy(&path, false),
        }
    }

    fn group(&mut self, template: &Path, table: &Path, ignore: &[String]) -> Result<(), FleetError> {
        let text = read_text(table)?;
        match Table::read(&table.display().to_string(), &text) {
            Ok(rows) => self.rows(template, rows, ignore),
            Err(errors) => {
                self.wrong.push(errors);
                Ok(())
            }
        }
    }

    fn rows(&mut self, template: &Path, table: Table, ignore: &[String]) -> Result<(), FleetError> {
        let template = match read_layers(template, self.limits.as_deref()) {
            Ok(template) => template,
            Err(EnvironmentError::Text(error)) => return Err(error.into()),
            Err(EnvironmentError::Stage(crate::Error::Policy(errors))) => {
                self.wrong.push(errors);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let columns = match Columns::of(&table, &template, ignore) {
            Ok(columns) => columns,
            Err(errors) => {
                self.wrong.push(errors);
                return Ok(());
            }
        };
        self.texts.push(sha256_hex(template.text().as_bytes()));
        self.texts.push(sha256_hex(table.text().as_bytes()));
        let group = Group { template, table, columns };
        let number = self.groups.len();
        for row in 0..group.table.len() {
            match group.name(row) {
                Ok(name) => self.found.push(Member { name, from: From::Row { group: number, row } }),
                Err(errors) => self.wrong.push(errors),
            }
        }
        self.groups.push(group);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOKE: &str = "schema = 1\nregion = \"westeurope\"\nnetwork.address-space = [\"${space}\"]\n\
        subnets.a.prefixes = [\"${space}\"]\nnsg.deny-rest = \"${closed}\"\n[[allow]]\nid = \"data\"\n\
        to = \"Storage.${region}\"\nwhy = \"${owner}: data\"\n";

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(files: &[(&str, &str)]) -> Place {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Place(folder)
        }

        fn read(&self, name: &str) -> Result<Fleet, FleetError> {
            Fleet::read(&[self.0.path().join(name)], None, None)
        }
    }

    fn spokes(table: &str) -> Place {
        let fleet = "schema = 1\ntemplate = \"spoke.toml\"\ntable = \"t.csv\"\nignore = [\"cost\"]\n";
        Place::new(&[("fleet.toml", fleet), ("spoke.toml", SPOKE), ("t.csv", table)])
    }

    #[test]
    fn a_row_sets_keys_and_names() {
        let place = spokes(
            "name,region,space,closed,owner,cost,allow.data.ports,subnets.b.prefixes\n\
             b,uksouth,10.2.0.0/24,false,ann,1,443;8443,\n\
             a,,10.1.0.0/24,,,2,,10.1.0.0/28\n",
        );
        let fleet = place.read("fleet.toml").unwrap();
        assert_eq!(fleet.names().collect::<Vec<_>>(), ["a", "b"]);
        let b = fleet.environment(1).unwrap();
        let intent = &b.source().intent;
        assert_eq!((intent.region.as_str(), intent.nsg.deny_rest), ("uksouth", false));
        assert_eq!(intent.allow[0].to.as_slice(), ["Storage.uksouth"]);
        assert_eq!(intent.allow[0].why.as_deref(), Some("ann: data"));
        assert!(format!("{:?}", intent.allow[0].ports).contains("8443"));
        assert!(fleet.place(1).ends_with("t.csv row 1"));
        // An empty cell leaves the template as it is, and what it says stands for the name.
        let a = fleet.environment(0).unwrap();
        let intent = &a.source().intent;
        assert_eq!((intent.region.as_str(), intent.nsg.deny_rest), ("westeurope", true));
        assert_eq!(intent.allow[0].to.as_slice(), ["Storage.westeurope"]);
        assert_eq!(intent.subnets["b"].prefixes, ["10.1.0.0/28"]);
    }

    #[test]
    fn what_is_wrong_with_a_row_names_row_and_column() {
        let place = spokes(
            "name,region,space,closed,owner\nx,uksouth,10.1.0.0/24,maybe,a\ny,uksouth,10.2.0.0/24,true,b\n",
        );
        let fleet = place.read("fleet.toml").unwrap();
        let text = fleet.environment(0).unwrap_err().to_string();
        assert!(
            text.contains("row 1, column `closed`: `nsg.deny-rest` must be true or false, not a text"),
            "{text}"
        );
        assert!(text.contains("t.csv:2:23"), "{text}");
        fleet.environment(1).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_table_stops_all_and_names_the_place() {
        for (table, words) in [
            ("name,regoin,space,closed,owner\n", "the column `regoin` is no key of a policy"),
            ("name,region,space,closed\n", "the table has no column `owner`"),
            (
                "name,region,space,closed,owner\na,,,,\n,,,,x\n",
                "row 2, column `name`: the environment has no name",
            ),
            ("name,region,space,closed,owner\na,,,,\na,,,,\n", "t.csv row 2 are both called a"),
            ("name,region,space,closed,owner,allow.dat.ports\na,,,,,1\n", "there is no `dat`"),
        ] {
            let error = match spokes(table).read("fleet.toml") {
                Ok(fleet) => fleet.environment(0).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn policies_come_from_files_folders_and_patterns() {
        let policy =
            |name: &str| SPOKE.replace("${space}", "10.1.0.0/24").replace("\"${closed}\"", "true") + name;
        let base = policy("");
        let files = [
            ("p/base.toml", base.as_str()),
            ("p/a.toml", "extends = \"base.toml\"\nname = \"a\"\n"),
            ("p/b.toml", "extends = \"base.toml\"\nname = \"b\"\n"),
            ("fleet.toml", "schema = 1\npolicies = [\"p/*.toml\"]\n"),
            ("none.toml", "schema = 1\npolicies = [\"p/x*.toml\"]\n"),
            ("typo.toml", "schema = 1\npolicies = []\ntabel = \"x\"\n"),
        ];
        let place = Place::new(&files);
        for input in ["p", "fleet.toml"] {
            let fleet = place.read(input).unwrap();
            assert_eq!(fleet.names().collect::<Vec<_>>(), ["a", "b"]);
            assert!(fleet.notes[0].contains("base.toml"));
        }
        assert!(place.read("none.toml").unwrap_err().to_string().contains("there is no policy x*.toml"));
        assert!(place.read("typo.toml").unwrap_err().to_string().contains("did you mean table?"));
    }

    #[test]
    fn one_environment_more_moves_no_other() {
        let names: Vec<String> = (0..2000).map(|n| format!("spoke-{n:05}")).collect();
        let mut counts = [0; 7];
        names.iter().for_each(|name| counts[shard_of(name, 7) as usize - 1] += 1);
        assert!(counts.iter().all(|count| (200..400).contains(count)), "{counts:?}");
        // Shards that run on machines of different age have to agree for ever.
        assert_eq!(["a", "b", "spoke-1"].map(|name| shard_of(name, 1000)), [141, 997, 437]);
    }
}
