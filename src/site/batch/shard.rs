//! [`Shard`]: which part of a batch a process makes, as it is told or as the engine says that started it.

use std::fmt;
use std::str::FromStr;

/// One part of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    pub shard: u32,
    /// Of how many.
    pub shards: u32,
}

/// Why it is not known which part it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The text is none of a shard.
    #[error("`{0}` is no shard: it is I/N, such as 3/8, with I from 1 to N")]
    Form(String),
    /// No engine says anything.
    #[error(
        "no engine says which shard this is: there is none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, \
         AWS_BATCH_JOB_ARRAY_INDEX, CLOUD_RUN_TASK_INDEX, SGE_TASK_ID, PBS_ARRAY_INDEX, CI_NODE_INDEX, \
         SYSTEM_JOBPOSITIONINPHASE; name it with --shard I/N"
    )]
    None,
    /// Two engines say something.
    #[error("{0} and {1} are both set, which are of different engines: name the shard with --shard I/N")]
    Two(&'static str, &'static str),
    /// A variable is missing.
    #[error("{have} is set, but {lack} is not: give --shards N, or name the shard with --shard I/N")]
    Half {
        /// What is set.
        have: &'static str,
        /// What is not.
        lack: &'static str,
    },
    /// A variable is not what it has to be.
    #[error("{name} is `{value}`, which is no number of a shard")]
    NoNumber {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// The engine's numbers do not fit.
    #[error("{0}")]
    Range(String),
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shard, self.shards)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError::Form(text.to_owned());
        let (shard, shards) = text.split_once('/').ok_or_else(wrong)?;
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match (number(shard), number(shards)) {
            (Some(shard), Some(shards)) if (1..=shards).contains(&shard) => Ok(Shard { shard, shards }),
            _ => Err(wrong()),
        }
    }
}

/// An engine that starts many processes of one job, and the variables by which each knows which it is.
struct Engine {
    index: &'static str,
    /// The number of the first.
    first: u32,
    count: Count,
}

/// How an engine says how many there are.
enum Count {
    /// In a variable.
    Variable(&'static str),
    /// In the numbers of the first and last, and the step between two.
    Range { first: &'static str, last: &'static str, step: &'static str },
    /// Not at all.
    Untold,
}

const ENGINES: [Engine; 9] = [
    // A part of an array that is submitted again has another count, so that it is not believed alone.
    Engine {
        index: "SLURM_ARRAY_TASK_ID",
        first: 1,
        count: Count::Range {
            first: "SLURM_ARRAY_TASK_MIN",
            last: "SLURM_ARRAY_TASK_MAX",
            step: "SLURM_ARRAY_TASK_STEP",
        },
    },
    Engine { index: "JOB_COMPLETION_INDEX", first: 0, count: Count::Untold },
    Engine {
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: 0,
        count: Count::Variable("AWS_BATCH_JOB_ARRAY_SIZE"),
    },
    Engine { index: "CLOUD_RUN_TASK_INDEX", first: 0, count: Count::Variable("CLOUD_RUN_TASK_COUNT") },
    Engine {
        index: "SGE_TASK_ID",
        first: 1,
        count: Count::Range { first: "SGE_TASK_FIRST", last: "SGE_TASK_LAST", step: "SGE_TASK_STEPSIZE" },
    },
    Engine { index: "PBS_ARRAY_INDEX", first: 1, count: Count::Untold },
    Engine { index: "PBS_ARRAYID", first: 1, count: Count::Untold },
    Engine { index: "CI_NODE_INDEX", first: 1, count: Count::Variable("CI_NODE_TOTAL") },
    Engine {
        index: "SYSTEM_JOBPOSITIONINPHASE",
        first: 1,
        count: Count::Variable("SYSTEM_TOTALJOBSINPHASE"),
    },
];

/// The shard that the engine says, by the variables of the environment, which `get` gives. `shards` is how many there
/// are, where the caller knows; then the engine's own number has to be the same.
///
/// # Errors
/// [`ShardError`] if no engine or more than one says anything, or half of it, or what does not fit.
///
/// ```
/// use tagwall::site::batch::detect;
/// let slurm = |name: &str| match name {
///     "SLURM_ARRAY_TASK_ID" => Some("3".to_owned()),
///     "SLURM_ARRAY_TASK_MIN" => Some("1".to_owned()),
///     "SLURM_ARRAY_TASK_MAX" => Some("8".to_owned()),
///     "SLURM_ARRAY_TASK_STEP" => Some("1".to_owned()),
///     _ => None,
/// };
/// assert_eq!(detect(slurm, None).unwrap().to_string(), "3/8");
/// assert!(detect(slurm, Some(7)).is_err());
/// ```
pub fn detect(get: impl Fn(&str) -> Option<String>, shards: Option<u32>) -> Result<Shard, ShardError> {
    let get = |name: &str| get(name).filter(|value| !value.is_empty() && value != "undefined");
    let mut found: Option<&Engine> = None;
    for engine in ENGINES.iter().filter(|engine| get(engine.index).is_some()) {
        if let Some(other) = found {
            return Err(ShardError::Two(other.index, engine.index));
        }
        found = Some(engine);
    }
    let Some(engine) = found else { return Err(without_index(&get)) };
    let shard = number(engine.index, get(engine.index).as_deref().unwrap_or_default())?;
    let told = match &engine.count {
        Count::Untold => None,
        Count::Variable(name) => get(name).map(|value| number(name, &value)).transpose()?,
        Count::Range { first, last, step } => range(&get, engine, (first, last, step), shards)?,
    };
    let shards = match (told, shards) {
        (Some(told), Some(shards)) if told != shards => {
            return Err(ShardError::Range(format!("the engine says {told} shards, and --shards {shards}")));
        }
        (Some(told), _) => told,
        (None, Some(shards)) => shards,
        (None, None) => return Err(ShardError::Half { have: engine.index, lack: lacking(&engine.count) }),
    };
    let (first, last) = (engine.first, shards.saturating_sub(1).saturating_add(engine.first));
    if shards == 0 || !(first..=last).contains(&shard) {
        let text = format!("{} is {shard}, and {shards} shards are numbered {first} to {last}", engine.index);
        return Err(ShardError::Range(text));
    }
    Ok(Shard { shard: shard - first + 1, shards })
}

fn lacking(count: &Count) -> &'static str {
    match count {
        Count::Variable(name) => name,
        Count::Range { last, .. } => last,
        Count::Untold => "the number of shards",
    }
}

/// What is said where no engine has an index: a count alone is half a pair, but for jobs that are one by themselves.
fn without_index(get: &impl Fn(&str) -> Option<String>) -> ShardError {
    for engine in &ENGINES {
        let counts: &[&'static str] = match &engine.count {
            Count::Variable(name) => &[name],
            Count::Range { last, .. } => &[last],
            Count::Untold => &[],
        };
        let set = counts.iter().find(|name| get(name).is_some_and(|value| value != "1"));
        if let Some(have) = set {
            return ShardError::Half { have, lack: engine.index };
        }
    }
    ShardError::None
}

/// How many shards the engine's range has; nothing where it is not whole and the caller knows.
fn range(
    get: &impl Fn(&str) -> Option<String>,
    engine: &Engine,
    (first, last, step): (&'static str, &'static str, &'static str),
    known: Option<u32>,
) -> Result<Option<u32>, ShardError> {
    let read = |name: &'static str| get(name).map(|value| number(name, &value)).transpose();
    let (from, to, by) = (read(first)?, read(last)?, read(step)?.unwrap_or(1));
    match (from, to) {
        (Some(from), Some(to)) if from == engine.first && by == 1 && known.is_none_or(|n| n == to) => {
            Ok(Some(to))
        }
        // A part of the array, submitted again: what it is a part of, only the caller knows.
        (Some(from), Some(to)) => match known {
            Some(shards) if from >= engine.first && to <= shards => Ok(None),
            Some(shards) => Err(ShardError::Range(format!(
                "{first} to {last} are {from} to {to}, which are not all of 1 to {shards}"
            ))),
            None => Err(ShardError::Range(format!(
                "{first} to {last} are {from} to {to} by {by}: a part of an array, whose shards it would get wrong; \
                 give --shards N, the number of the whole"
            ))),
        },
        (None, None) => Ok(None),
        (Some(_), None) => Err(ShardError::Half { have: first, lack: last }),
        (None, Some(_)) => Err(ShardError::Half { have: last, lack: first }),
    }
}

fn number(name: &'static str, value: &str) -> Result<u32, ShardError> {
    let wrong = || ShardError::NoNumber { name, value: value.to_owned() };
    value.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], shards: Option<u32>) -> Result<String, ShardError> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        detect(get, shards).map(|shard| shard.to_string())
    }

    #[test]
    fn every_engine_says_which_shard_it_is() {
        let slurm = |min, max, id| {
            [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_MAX", max),
                ("SLURM_ARRAY_TASK_STEP", "1"),
            ]
        };
        for (variables, shards, want) in [
            (&slurm("1", "4", "4")[..], None, "4/4"),
            (&slurm("1", "4", "4")[..], Some(4), "4/4"),
            // One of eight, submitted again alone.
            (&slurm("3", "3", "3")[..], Some(8), "3/8"),
            (&[("JOB_COMPLETION_INDEX", "0")], Some(8), "1/8"),
            (&[("JOB_COMPLETION_INDEX", "7")], Some(8), "8/8"),
            (&[("AWS_BATCH_JOB_ARRAY_INDEX", "2")], Some(3), "3/3"),
            (&[("AWS_BATCH_JOB_ARRAY_INDEX", "2"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")], None, "3/3"),
            (&[("CLOUD_RUN_TASK_INDEX", "0"), ("CLOUD_RUN_TASK_COUNT", "3")], None, "1/3"),
            (
                &[
                    ("SGE_TASK_ID", "2"),
                    ("SGE_TASK_FIRST", "1"),
                    ("SGE_TASK_LAST", "3"),
                    ("SGE_TASK_STEPSIZE", "1"),
                ],
                None,
                "2/3",
            ),
            // Grid Engine says `undefined` outside of an array.
            (&[("SGE_TASK_ID", "undefined"), ("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "5")], None, "2/5"),
            (&[("PBS_ARRAY_INDEX", "2")], Some(3), "2/3"),
            (&[("PBS_ARRAYID", "2")], Some(3), "2/3"),
            (&[("SYSTEM_JOBPOSITIONINPHASE", "1"), ("SYSTEM_TOTALJOBSINPHASE", "4")], None, "1/4"),
        ] {
            assert_eq!(with(variables, shards).as_deref(), Ok(want), "{variables:?}");
        }
    }

    #[test]
    fn what_could_be_the_wrong_shard_is_refused() {
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_MAX", "5")];
        for (variables, shards, words) in [
            (&[][..], None, "no engine"),
            (&[("CI_NODE_TOTAL", "1")], None, "no engine"),
            (&[("CI_NODE_TOTAL", "3")], None, "CI_NODE_TOTAL is set, but CI_NODE_INDEX is not"),
            (&[("CI_NODE_INDEX", "3")], None, "CI_NODE_INDEX is set, but CI_NODE_TOTAL is not"),
            (&[("JOB_COMPLETION_INDEX", "3")], None, "give --shards N"),
            (&[("JOB_COMPLETION_INDEX", "3")], Some(3), "numbered 0 to 2"),
            (&[("JOB_COMPLETION_INDEX", "x")], Some(3), "`x`, which is no number"),
            (&[("JOB_COMPLETION_INDEX", "1"), ("CI_NODE_INDEX", "1")], Some(3), "different engines"),
            (
                &[("CLOUD_RUN_TASK_INDEX", "0"), ("CLOUD_RUN_TASK_COUNT", "3")],
                Some(4),
                "the engine says 3 shards",
            ),
            (&slurm, None, "a part of an array"),
            (&slurm, Some(4), "not all of 1 to 4"),
            (&slurm[..2], Some(4), "SLURM_ARRAY_TASK_MIN is set, but SLURM_ARRAY_TASK_MAX is not"),
            (&[("SLURM_ARRAY_TASK_ID", "0")], Some(4), "numbered 1 to 4"),
            (&[("PBS_ARRAY_INDEX", "1")], Some(0), "numbered"),
        ] {
            let text = with(variables, shards).unwrap_err().to_string();
            assert!(text.contains(words), "{variables:?}: {text}");
        }
    }

    #[test]
    fn texts_of_shards() {
        assert_eq!("3/8".parse(), Ok(Shard { shard: 3, shards: 8 }));
        for wrong in ["", "3", "0/8", "9/8", "1/0", "a/b", "+1/2", "1/2/3", " 1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
