//! The tables of the index, and their version.

use rusqlite::Connection;

use super::fault::Fault;

/// Version of the tables; an index of another one is made again.
const VERSION: i64 = 1;

/// Marks the file as an index of this program ("tagw").
const APPLICATION: i64 = 0x7461_6777;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS week (
    cloud TEXT NOT NULL,           -- public, usgov, china, germany
    kind TEXT NOT NULL,            -- file or api
    number INTEGER NOT NULL,       -- 0 is the oldest of its cloud and kind
    date TEXT NOT NULL,            -- day of publication, 2026-06-22
    change_number INTEGER NOT NULL,
    digest TEXT NOT NULL,          -- content digest of the snapshot
    PRIMARY KEY (cloud, kind, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tag (
    id INTEGER PRIMARY KEY,
    cloud TEXT NOT NULL,
    kind TEXT NOT NULL,
    place INTEGER NOT NULL,        -- order of arrival
    name TEXT NOT NULL,            -- as the newest week that has it spells it
    UNIQUE (cloud, kind, place)
);
CREATE TABLE IF NOT EXISTS run (
    tag INTEGER NOT NULL REFERENCES tag (id),
    first_week INTEGER NOT NULL,
    last_week INTEGER,             -- NULL: still so in the newest week
    prefixes_v4 INTEGER NOT NULL,  -- as published
    prefixes_v6 INTEGER NOT NULL,
    addresses_v4 TEXT NOT NULL,
    addresses_v6 TEXT NOT NULL,
    hash TEXT NOT NULL,            -- SHA-256 of the fewest prefixes, one a line
    PRIMARY KEY (tag, first_week)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (
    tag INTEGER NOT NULL REFERENCES tag (id),
    prefix TEXT NOT NULL,
    first BLOB NOT NULL,           -- first address, 4 or 16 bytes in network order
    last BLOB NOT NULL,            -- last address
    first_week INTEGER NOT NULL,
    last_week INTEGER              -- NULL: held in the newest week
);
CREATE INDEX IF NOT EXISTS held_by_tag ON held (tag);
CREATE VIEW IF NOT EXISTS history AS
    SELECT tag.cloud, tag.kind, tag.name AS tag, held.prefix, held.first, held.last, a.date AS first_date,
        b.date AS last_date, held.last_week IS NULL AS current
    FROM held JOIN tag ON tag.id = held.tag
    JOIN week a ON a.cloud = tag.cloud AND a.kind = tag.kind AND a.number = held.first_week
    JOIN week b ON b.cloud = tag.cloud AND b.kind = tag.kind AND b.number = coalesce(held.last_week,
        (SELECT max(number) FROM week w WHERE w.cloud = tag.cloud AND w.kind = tag.kind));
";

/// Makes the tables in a file that has none.
pub(super) fn make(connection: &Connection) -> Result<(), Fault> {
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    if (version, application) == (VERSION, APPLICATION) {
        return Ok(());
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(Fault::Broken(format!("its tables are of version {version}, not {VERSION}")));
    }
    // The data is that of the store: what a crash takes is made again.
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;{TABLES}PRAGMA user_version = {VERSION};PRAGMA application_id = {APPLICATION};COMMIT"
    ))?;
    Ok(())
}

/// Makes sure that the tables are those of this version.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    match (pragma(connection, "user_version")?, pragma(connection, "application_id")?) {
        (VERSION, APPLICATION) => Ok(()),
        (version, _) => Err(Fault::Broken(format!("its tables are of version {version}, not {VERSION}"))),
    }
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, Fault> {
    Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
}
