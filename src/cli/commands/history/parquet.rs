//! The history as a Parquet file.

use std::sync::Arc;

use jiff::civil::{Date, date};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::held::{Held, last_week};
use crate::tags::Timeline;

const SCHEMA: &str = "message history {
    REQUIRED BYTE_ARRAY tag (UTF8);
    REQUIRED BYTE_ARRAY prefix (UTF8);
    REQUIRED INT32 family;
    REQUIRED INT32 first_date (DATE);
    REQUIRED INT32 last_date (DATE);
    REQUIRED BOOLEAN current;
}";

/// How many rows stand in a group.
const GROUP: usize = 1 << 17;

/// The bytes of the file.
pub(super) fn file(timeline: &Timeline, rows: &[Held<'_>]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_created_by("tagwall".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        texts(&mut group, rows.iter().map(|held| held.tag.to_owned()))?;
        texts(&mut group, rows.iter().map(|held| held.prefix.to_string()))?;
        numbers(&mut group, rows.iter().map(|held| if held.prefix.is_v4() { 4 } else { 6 }))?;
        numbers(&mut group, rows.iter().map(|held| days(timeline.date(held.first))))?;
        numbers(&mut group, rows.iter().map(|held| days(timeline.date(last_week(timeline, held)))))?;
        let current: Vec<bool> = rows.iter().map(|held| held.last.is_none()).collect();
        let mut column = group.next_column()?.expect("the schema has another column");
        column.typed::<BoolType>().write_batch(&current, None, None)?;
        column.close()?;
        group.close()?;
    }
    writer.into_inner()
}

/// Days since 1970-01-01.
fn days(day: Date) -> i32 {
    day.since(date(1970, 1, 1)).map_or(0, |span| span.get_days())
}

fn texts(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = String>,
) -> Result<()> {
    let values: Vec<ByteArray> = values.map(|text| ByteArray::from(text.into_bytes())).collect();
    let mut column = group.next_column()?.expect("the schema has another column");
    column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
    column.close()
}

fn numbers(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = i32>,
) -> Result<()> {
    let values: Vec<i32> = values.collect();
    let mut column = group.next_column()?.expect("the schema has another column");
    column.typed::<Int32Type>().write_batch(&values, None, None)?;
    column.close()
}
