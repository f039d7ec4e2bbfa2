//! Timelines as rows of the index, and back.

use std::collections::HashMap;

use jiff::civil::Date;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use crate::addr::{Address, Count, Interval, IpPrefix, Prefix};
use crate::store::entry::Kind;
use crate::tags::{Cloud, Piece, Run, TagHistory, TagName, Timeline, Week};

/// A cloud, and the kind of its source.
type Series = (Cloud, Kind);

fn broken(why: impl Into<String>) -> Fault {
    Fault::Broken(why.into())
}

/// The weeks that the index holds.
pub(super) fn read_weeks(connection: &Connection, (cloud, kind): Series) -> Result<Vec<Week>, Fault> {
    let mut query = connection.prepare(
        "SELECT date, change_number, digest FROM week WHERE cloud = ?1 AND kind = ?2 ORDER BY number",
    )?;
    let rows = query.query_map([cloud.name(), kind.name()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?))
    })?;
    let mut weeks = Vec::new();
    for row in rows {
        let (date, number, digest) = row?;
        let date: Date = date.parse().map_err(|_| broken("a week has no date"))?;
        let change_number = u64::try_from(number).map_err(|_| broken("a change number is negative"))?;
        weeks.push(Week { date, change_number, digest });
    }
    Ok(weeks)
}

/// The whole timeline of the index.
pub(super) fn read(connection: &Connection, series: Series) -> Result<Timeline, Fault> {
    let weeks = read_weeks(connection, series)?;
    let (mut tags, places) = read_tags(connection, series)?;
    let most = weeks.len() as u32;
    read_runs(connection, series, &places, &mut tags, most)?;
    read_pieces(connection, series, &places, &mut tags, most)?;
    Ok(Timeline::new(weeks, tags))
}

/// The tags without anything in them, and the place of each by its id.
fn read_tags(
    connection: &Connection,
    (cloud, kind): Series,
) -> Result<(Vec<TagHistory>, HashMap<i64, usize>), Fault> {
    let mut query = connection
        .prepare("SELECT id, place, name FROM tag WHERE cloud = ?1 AND kind = ?2 ORDER BY place")?;
    let mut rows = query.query([cloud.name(), kind.name()])?;
    let (mut tags, mut places) = (Vec::new(), HashMap::new());
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? != tags.len() as i64 {
            return Err(broken("places of tags have a gap"));
        }
        places.insert(row.get(0)?, tags.len());
        let name = TagName::new(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
        tags.push(TagHistory { name, runs: Vec::new(), v4: Vec::new(), v6: Vec::new() });
    }
    Ok((tags, places))
}

/// The first and last week of a row, which have to be there.
fn weeks_of(row: &Row<'_>, at: usize, most: u32) -> Result<(u32, Option<u32>), Fault> {
    let (from, last): (u32, Option<u32>) = (row.get(at)?, row.get(at + 1)?);
    if from >= most || last.is_some_and(|last| last < from || last >= most) {
        return Err(broken("a span of weeks is none"));
    }
    Ok((from, last))
}

const OF_SERIES: &str = "JOIN tag ON tag.id = tag WHERE cloud = ?1 AND kind = ?2";

fn read_runs(
    connection: &Connection,
    (cloud, kind): Series,
    places: &HashMap<i64, usize>,
    tags: &mut [TagHistory],
    most: u32,
) -> Result<(), Fault> {
    let mut query = connection.prepare(&format!(
        "SELECT tag, first_week, last_week, prefixes_v4, prefixes_v6, addresses_v4, addresses_v6, hash FROM run \
         {OF_SERIES} ORDER BY tag, first_week"
    ))?;
    let mut rows = query.query([cloud.name(), kind.name()])?;
    while let Some(row) = rows.next()? {
        let (from, last) = weeks_of(row, 1, most)?;
        let count = |at| -> Result<Count, Fault> {
            let text: String = row.get(at)?;
            text.parse().map_err(|_| broken("a number of addresses is none"))
        };
        let run = Run {
            from,
            last,
            prefixes: [row.get(3)?, row.get(4)?],
            addresses: [count(5)?, count(6)?],
            hash: row.get(7)?,
        };
        tags[place(places, row.get(0)?)?].runs.push(run);
    }
    Ok(())
}

fn place(places: &HashMap<i64, usize>, tag: i64) -> Result<usize, Fault> {
    places.get(&tag).copied().ok_or_else(|| broken("a row is of no tag"))
}

fn read_pieces(
    connection: &Connection,
    (cloud, kind): Series,
    places: &HashMap<i64, usize>,
    tags: &mut [TagHistory],
    most: u32,
) -> Result<(), Fault> {
    let mut query = connection.prepare(&format!(
        "SELECT tag, first_week, last_week, first, last FROM held {OF_SERIES} ORDER BY held.rowid"
    ))?;
    let mut rows = query.query([cloud.name(), kind.name()])?;
    while let Some(row) = rows.next()? {
        let (from, last_week) = weeks_of(row, 1, most)?;
        let blob = |at| row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from);
        let (first, last) = (blob(3)?, blob(4)?);
        let tag = &mut tags[place(places, row.get(0)?)?];
        match (first.len(), last.len()) {
            (4, 4) => tag.v4.push(piece(number(first), number(last), from, last_week)?),
            (16, 16) => tag.v6.push(piece(number(first), number(last), from, last_week)?),
            _ => return Err(broken("an address has neither 4 nor 16 bytes")),
        }
    }
    Ok(())
}

fn piece<A: Address>(first: u128, last: u128, from: u32, last_week: Option<u32>) -> Result<Piece<A>, Fault> {
    let address = |wide| A::from_u128(wide).ok_or_else(|| broken("an address does not fit"));
    let interval = Interval::new(address(first)?, address(last)?);
    Ok(Piece { interval: interval.ok_or_else(|| broken("a block is empty"))?, from, last: last_week })
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Removes all of one cloud and kind.
pub(super) fn clear(connection: &Connection, (cloud, kind): Series) -> Result<(), Fault> {
    let series = [cloud.name(), kind.name()];
    for table in ["held", "run"] {
        let sql =
            format!("DELETE FROM {table} WHERE tag IN (SELECT id FROM tag WHERE cloud = ?1 AND kind = ?2)");
        connection.execute(&sql, series)?;
    }
    for table in ["tag", "week"] {
        connection.execute(&format!("DELETE FROM {table} WHERE cloud = ?1 AND kind = ?2"), series)?;
    }
    Ok(())
}

/// Writes the weeks from `first` on, and all of the tags at the places `changed`.
pub(super) fn write(
    connection: &Connection,
    (cloud, kind): Series,
    timeline: &Timeline,
    first: usize,
    changed: &[u32],
) -> Result<(), Fault> {
    let mut insert = connection.prepare("INSERT INTO week VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (number, week) in timeline.weeks().iter().enumerate().skip(first) {
        let date = week.date.to_string();
        let row =
            params![cloud.name(), kind.name(), number as i64, date, week.change_number as i64, week.digest];
        insert.execute(row)?;
    }
    let mut writer = Writer::new(connection)?;
    for &place in changed {
        let tag = &timeline.tags()[place as usize];
        let id = connection.query_row(
            "INSERT INTO tag (cloud, kind, place, name) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (cloud, kind, place) DO UPDATE SET name = excluded.name RETURNING id",
            params![cloud.name(), kind.name(), place, tag.name.as_str()],
            |row| row.get(0),
        )?;
        writer.write(id, tag)?;
    }
    Ok(())
}

struct Writer<'c> {
    delete_runs: rusqlite::Statement<'c>,
    delete_held: rusqlite::Statement<'c>,
    run: rusqlite::Statement<'c>,
    held: rusqlite::Statement<'c>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection) -> Result<Self, Fault> {
        Ok(Writer {
            delete_runs: connection.prepare("DELETE FROM run WHERE tag = ?1")?,
            delete_held: connection.prepare("DELETE FROM held WHERE tag = ?1")?,
            run: connection.prepare("INSERT INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
            held: connection.prepare("INSERT INTO held VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
        })
    }

    /// Puts a tag's rows in place of those that were there.
    fn write(&mut self, id: i64, tag: &TagHistory) -> Result<(), Fault> {
        self.delete_runs.execute([id])?;
        self.delete_held.execute([id])?;
        for run in &tag.runs {
            let [v4, v6] = run.addresses.map(|count| count.to_string());
            let row = params![id, run.from, run.last, run.prefixes[0], run.prefixes[1], v4, v6, run.hash];
            self.run.execute(row)?;
        }
        for piece in &tag.v4 {
            self.pieces(id, piece, IpPrefix::V4, |address| address.to_be_bytes())?;
        }
        for piece in &tag.v6 {
            self.pieces(id, piece, IpPrefix::V6, |address| address.to_be_bytes())?;
        }
        Ok(())
    }

    fn pieces<A: Address, const N: usize>(
        &mut self,
        id: i64,
        piece: &Piece<A>,
        wrap: impl Fn(Prefix<A>) -> IpPrefix,
        bytes: impl Fn(A) -> [u8; N],
    ) -> Result<(), Fault> {
        for prefix in piece.interval.prefixes() {
            let (first, last) = (bytes(prefix.first()), bytes(prefix.last()));
            let text = wrap(prefix).to_string();
            self.held.execute(params![
                id,
                text,
                first.as_slice(),
                last.as_slice(),
                piece.from,
                piece.last
            ])?;
        }
        Ok(())
    }
}
