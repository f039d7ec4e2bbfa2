//! Facts with dates: since when a row holds and until when, and what else begins or ends on a day.

use std::fmt;

pub use jiff::civil::Date;

use super::fields::{CatalogReader, Fields};
use super::form_problem::FormProblem;
use crate::tags::Cloud;

/// Since when a row of the catalogue holds, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dates {
    /// The first day on which the need is there.
    pub from: Option<Date>,
    /// The day on which it ends: from then on the row is not taken.
    pub until: Option<Date>,
    /// When the change was announced.
    pub announced: Option<Date>,
    /// Whether the row is taken after its end as well, because documents still have it.
    pub kept: bool,
    /// Where the dates are written; several documents with `; ` between.
    pub source: String,
}

impl Dates {
    /// Reads the keys of a row; `None` where it has none of them.
    pub(super) fn read<'t>(reader: &mut CatalogReader<'t>, fields: &mut Fields<'_, 't>) -> Option<Dates> {
        let dates = Dates {
            from: fields.date(reader, "from"),
            until: fields.date(reader, "until"),
            announced: fields.date(reader, "announced"),
            kept: fields.flag(reader, "kept-after-end").unwrap_or(false),
            source: fields.plain_texts(reader, "dates-source").join("; "),
        };
        if let (Some(from), Some(until)) = (dates.from, dates.until)
            && from >= until
        {
            reader.problem(fields.span.clone(), FormProblem::Dates { from, until });
        }
        if dates.from.is_none() && dates.until.is_none() {
            if dates != Dates::default() {
                let text = "`announced`, `kept-after-end` and `dates-source` go with `from` or `until`";
                reader.problem(fields.span.clone(), text);
            }
            return None;
        }
        if dates.kept && dates.until.is_none() {
            reader.problem(fields.span.clone(), "`kept-after-end` goes with `until`");
        }
        Some(dates)
    }

    /// Why the row is not taken on a day; `None` where it is.
    pub(super) fn away(&self, day: Date) -> Option<Away> {
        let away = |turn, date| Away { turn, date, documented: self.source.clone(), as_of: day };
        match (self.from, self.until) {
            (Some(from), _) if day < from => Some(away(Turn::Begins, from)),
            (_, Some(until)) if day >= until && !self.kept => Some(away(Turn::Ends, until)),
            _ => None,
        }
    }

    /// Whether the row has ended on a day, kept or not.
    pub(super) fn has_ended(&self, day: Date) -> bool {
        self.until.is_some_and(|until| day >= until)
    }

    /// The facts that the dates of a row are; `what` says what the row is for.
    pub(super) fn facts(&self, workload: &str, row: &str, what: &str) -> impl Iterator<Item = DatedFact> {
        let turns = [(self.from, Turn::Begins), (self.until, Turn::Ends)];
        turns.into_iter().filter_map(move |(date, turn)| {
            Some(DatedFact {
                date: date?,
                turn,
                subject: format!("{workload}/{row}"),
                workloads: vec![workload.to_owned()],
                clouds: Vec::new(),
                what: what.to_owned(),
                announced: self.announced,
                kept: self.kept && turn == Turn::Ends,
                source: self.source.clone(),
            })
        })
    }
}

/// Whether something begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// It begins.
    Begins,
    /// It ends.
    Ends,
}

impl Turn {
    /// The name in catalogue files.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Begins => "begins",
            Turn::Ends => "ends",
        }
    }

    /// The verb for a day in the past or to come.
    fn verb(self, past: bool) -> &'static str {
        match (self, past) {
            (Turn::Begins, true) => "began",
            (Turn::Begins, false) => "begins",
            (Turn::Ends, true) => "ended",
            (Turn::Ends, false) => "ends",
        }
    }
}

/// That a row is not there on a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} on {date} ({documented}); the catalogue is taken as of {as_of}", .turn.verb(*.turn == Turn::Ends))]
pub struct Away {
    /// Whether it begins later or has ended.
    pub turn: Turn,
    /// When.
    pub date: Date,
    /// Where that is written.
    pub documented: String,
    /// The day whose facts are taken.
    pub as_of: Date,
}

/// Something that begins or ends on a day: a row of a workload, or an event such as the retirement of a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatedFact {
    /// The day.
    pub date: Date,
    /// Whether it begins or ends.
    pub turn: Turn,
    /// The row as `workload/row`, or the name of the event.
    pub subject: String,
    /// The workloads that it matters for; none: all.
    pub workloads: Vec<String>,
    /// The clouds that it matters in; none: all.
    pub clouds: Vec<Cloud>,
    /// What it is, and for an event what to do.
    pub what: String,
    /// When it was announced.
    pub announced: Option<Date>,
    /// Whether a row is taken after its end as well.
    pub kept: bool,
    /// Where this is written.
    pub source: String,
}

impl DatedFact {
    /// Reads an `[[event]]`.
    pub(super) fn read<'t>(reader: &mut CatalogReader<'t>, mut fields: Fields<'_, 't>) -> Option<DatedFact> {
        let date = fields.date(reader, "date");
        if date.is_none() {
            reader.problem(fields.span.clone(), FormProblem::Missing("date"));
        }
        let turn = match fields.required_text(reader, "turn").as_str() {
            "begins" => Turn::Begins,
            "ends" | "" => Turn::Ends,
            other => {
                reader.problem(fields.span.clone(), FormProblem::Turn(other));
                Turn::Ends
            }
        };
        let mut clouds = Vec::new();
        for (name, span) in fields.texts(reader, "clouds") {
            match Cloud::find(&name) {
                Some(cloud) => clouds.push(cloud),
                None => reader.problem(span, FormProblem::Cloud(&name)),
            }
        }
        let fact = DatedFact {
            date: date.unwrap_or_default(),
            turn,
            subject: fields.required_text(reader, "id"),
            workloads: fields.plain_texts(reader, "workloads"),
            clouds,
            what: fields.required_text(reader, "text"),
            announced: fields.date(reader, "announced"),
            kept: false,
            source: fields.required_text(reader, "source"),
        };
        fields.finish(reader);
        date.map(|_| fact)
    }

    /// Whether the day lies at most `days` before or after `day`.
    pub fn is_near(&self, day: Date, days: u32) -> bool {
        let between = self.date.since(day).map(|span| span.get_days().unsigned_abs());
        between.is_ok_and(|between| between <= days)
    }

    /// The fact as a sentence of the day `as_of`: what lies before it is past.
    pub fn sentence(&self, as_of: Date) -> String {
        let verb = self.turn.verb(self.date <= as_of);
        let kept = if self.kept { ", and is kept, since documents still have it" } else { "" };
        format!("{} {verb} on {}{kept}: {}", self.subject, self.date, self)
    }
}

/// What it is, when it was announced, and where this is written.
impl fmt::Display for DatedFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.what)?;
        if let Some(day) = self.announced {
            write!(f, "announced {day}; ")?;
        }
        write!(f, "{})", self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn rows_hold_from_the_first_day_to_the_one_before_the_last() {
        let dates = Dates {
            from: Some(day("2025-03-31")),
            until: Some(day("2026-03-31")),
            source: "page".into(),
            ..Dates::default()
        };
        assert!(
            dates.away(day("2025-03-30")).unwrap().to_string().starts_with("begins on 2025-03-31 (page)")
        );
        assert_eq!(dates.away(day("2025-03-31")), None);
        assert_eq!(dates.away(day("2026-03-30")), None);
        assert!(dates.away(day("2026-03-31")).unwrap().to_string().starts_with("ended on 2026-03-31"));
        let kept = Dates { kept: true, ..dates };
        assert_eq!(kept.away(day("2027-01-01")), None);
        assert!(kept.has_ended(day("2027-01-01")));
        let facts: Vec<DatedFact> = kept.facts("w", "r", "what").collect();
        assert_eq!(facts[0].sentence(day("2025-01-01")), "w/r begins on 2025-03-31: what (page)");
        assert!(facts[1].sentence(day("2027-01-01")).starts_with("w/r ended on 2026-03-31, and is kept"));
        assert!(facts[0].is_near(day("2025-03-01"), 30) && !facts[0].is_near(day("2025-03-01"), 29));
        assert!(facts[0].is_near(day("2025-04-30"), 30) && !facts[0].is_near(day("2025-05-01"), 30));
    }
}
