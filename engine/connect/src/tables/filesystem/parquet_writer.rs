//! Parquet as output: a column chunk for each column, in row groups of bounded size.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use tidewire_event::{DataType, Slot};

use super::super::{Columns, OptionError, TableError};
use super::COMPRESSION;
use super::sink::{RowFile, RowFormat};

/// The most rows of a row group.
const GROUP_ROWS_MAX: usize = 128 << 10;
/// The most bytes of text of a row group.
const GROUP_BYTES_MAX: usize = 64 << 20;

/// Parquet.
pub(super) struct ParquetFormat {
    columns: Vec<(DataType, Slot)>,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
}

/// A file that is being written, with the row group at hand.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<File>,
    columns: Vec<Chunk>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in the row group at hand.
struct Chunk {
    /// 1 for each value that is there, 0 for each NULL; empty where there may be no NULL.
    levels: Vec<i16>,
    nullable: bool,
    values: Values,
}

enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    /// Each a multiple of so many ns, for times.
    Int64(Vec<i64>, i64),
    Wide(Vec<i128>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    /// All texts, and where each ends.
    Bytes(Vec<u8>, Vec<usize>),
}

pub(super) fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

/// The unit of a time of so many digits, and its ns.
fn unit(digits: u8) -> (TimeUnit, i64) {
    match digits {
        0..=3 => (TimeUnit::MILLIS, 1_000_000),
        4..=6 => (TimeUnit::MICROS, 1_000),
        _ => (TimeUnit::NANOS, 1),
    }
}

impl ParquetFormat {
    pub(super) fn new(columns: &Columns, compression: Option<&str>) -> Result<Self, TableError> {
        let compression = match compression {
            None | Some("snappy") => Compression::SNAPPY,
            Some("none") => Compression::UNCOMPRESSED,
            Some("zstd") => Compression::ZSTD(ZstdLevel::default()),
            Some(other) => {
                return Err(OptionError::value(COMPRESSION, other, "none, snappy or zstd").into());
            }
        };
        let wrong = |error: ParquetError| TableError::Output {
            place: "the columns".to_owned(),
            problem: error.to_string(),
        };
        let mut fields = Vec::new();
        for column in &columns.columns {
            fields.push(Arc::new(field(column)?.map_err(wrong)?));
        }
        let schema = Type::group_type_builder("row").with_fields(fields).build().map_err(wrong)?;
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by("tidewire".to_owned())
            .build();
        let typed = columns.columns.iter().zip(columns.layout.slots());
        Ok(Self {
            columns: typed.map(|(column, slot)| (column.field.ty.clone(), *slot)).collect(),
            schema: Arc::new(schema),
            properties: Arc::new(properties),
        })
    }
}

/// The type of a column in the file.
fn field(column: &super::super::Column) -> Result<parquet::errors::Result<Type>, OptionError> {
    let (name, ty) = (&column.field.name, &column.field.ty);
    let integer = |bits| Some(LogicalType::integer(bits, true));
    let (physical, logical) = match ty {
        DataType::Boolean => (Physical::BOOLEAN, None),
        DataType::TinyInt => (Physical::INT32, integer(8)),
        DataType::SmallInt => (Physical::INT32, integer(16)),
        DataType::Int => (Physical::INT32, None),
        DataType::BigInt => (Physical::INT64, None),
        DataType::Float => (Physical::FLOAT, None),
        DataType::Double => (Physical::DOUBLE, None),
        DataType::Decimal { precision, scale } => {
            let logical = Some(LogicalType::decimal((*scale).into(), (*precision).into()));
            match precision {
                0..=18 => (Physical::INT64, logical),
                _ => (Physical::FIXED_LEN_BYTE_ARRAY, logical),
            }
        }
        DataType::Char(_) | DataType::VarChar(_) | DataType::String => {
            (Physical::BYTE_ARRAY, Some(LogicalType::String))
        }
        DataType::Bytes => (Physical::BYTE_ARRAY, None),
        DataType::Date => (Physical::INT32, Some(LogicalType::Date)),
        DataType::Time(digits) => {
            // In ms a time would be of 32 bits.
            let unit = if *digits <= 6 { TimeUnit::MICROS } else { TimeUnit::NANOS };
            (Physical::INT64, Some(LogicalType::time(false, unit)))
        }
        DataType::Timestamp(digits) => {
            (Physical::INT64, Some(LogicalType::timestamp(false, unit(*digits).0)))
        }
        DataType::TimestampLtz(digits) => {
            (Physical::INT64, Some(LogicalType::timestamp(true, unit(*digits).0)))
        }
        other => {
            let expected = format!("a column of type {other} has no form in parquet: take 'json'");
            return Err(OptionError::value("format", "parquet", format!("'{name}': {expected}")));
        }
    };
    let repetition =
        if column.field.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let mut builder = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical);
    if let DataType::Decimal { precision, scale } = ty {
        builder = builder.with_precision((*precision).into()).with_scale((*scale).into());
    }
    if physical == Physical::FIXED_LEN_BYTE_ARRAY {
        builder = builder.with_length(size_of::<i128>() as i32);
    }
    Ok(builder.build())
}

impl Chunk {
    fn new(ty: &DataType, nullable: bool) -> Self {
        let values = match ty {
            DataType::Boolean => Values::Bool(Vec::new()),
            DataType::TinyInt | DataType::SmallInt | DataType::Int | DataType::Date => {
                Values::Int32(Vec::new())
            }
            DataType::Float => Values::Float(Vec::new()),
            DataType::Double => Values::Double(Vec::new()),
            DataType::Decimal { precision: 19.., .. } => Values::Wide(Vec::new()),
            DataType::Time(digits) => Values::Int64(Vec::new(), unit((*digits).max(4)).1),
            DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
                Values::Int64(Vec::new(), unit(*digits).1)
            }
            ty if ty.is_text() || *ty == DataType::Bytes => Values::Bytes(Vec::new(), Vec::new()),
            _ => Values::Int64(Vec::new(), 1),
        };
        Self { levels: Vec::new(), nullable, values }
    }

    /// Takes a value, and says how many bytes of text it has.
    fn push(&mut self, row: &[u8], slot: &Slot) -> usize {
        if self.nullable {
            let is_null = slot.is_null(row);
            self.levels.push(i16::from(!is_null));
            if is_null {
                return 0;
            }
        }
        match &mut self.values {
            Values::Bool(values) => values.push(slot.bool(row)),
            Values::Int32(values) => values.push(slot.int(row) as i32),
            Values::Int64(values, unit) => values.push(slot.int(row).div_euclid(*unit)),
            Values::Wide(values) => values.push(slot.wide(row)),
            Values::Float(values) => values.push(slot.float(row) as f32),
            Values::Double(values) => values.push(slot.float(row)),
            Values::Bytes(all, ends) => {
                let text = slot.text(row);
                all.extend(text);
                ends.push(all.len());
                return text.len();
            }
        }
        0
    }

    /// Writes all values, and forgets them.
    fn write(&mut self, writer: &mut ColumnWriter<'_>) -> parquet::errors::Result<()> {
        let levels = std::mem::take(&mut self.levels);
        let levels = self.nullable.then_some(&levels[..]);
        match (writer, &mut self.values) {
            (ColumnWriter::BoolColumnWriter(out), Values::Bool(values)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::Int32ColumnWriter(out), Values::Int32(values)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::Int64ColumnWriter(out), Values::Int64(values, _)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::FloatColumnWriter(out), Values::Float(values)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::DoubleColumnWriter(out), Values::Double(values)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(out), Values::Wide(values)) => {
                let of = |value: i128| FixedLenByteArray::from(value.to_be_bytes().to_vec());
                let values: Vec<_> = values.drain(..).map(of).collect();
                out.write_batch(&values, levels, None)?;
            }
            (ColumnWriter::ByteArrayColumnWriter(out), Values::Bytes(all, ends)) => {
                let all = Bytes::from(std::mem::take(all));
                let mut from = 0;
                let mut texts = Vec::with_capacity(ends.len());
                for to in ends.drain(..) {
                    texts.push(ByteArray::from(all.slice(from..to)));
                    from = to;
                }
                out.write_batch(&texts, levels, None)?;
            }
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        }
        Ok(())
    }
}

impl RowFormat for ParquetFormat {
    type File = ParquetFile;

    fn begin(&self, file: File) -> io::Result<ParquetFile> {
        let (schema, properties) = (Arc::clone(&self.schema), Arc::clone(&self.properties));
        let writer = SerializedFileWriter::new(file, schema, properties).map_err(failed)?;
        let chunk = |(ty, slot): &(DataType, Slot)| Chunk::new(ty, slot.null_bit.is_some());
        let columns = self.columns.iter().map(chunk).collect();
        Ok(ParquetFile { writer, columns, rows: 0, bytes: 0 })
    }

    fn row(&mut self, file: &mut ParquetFile, row: &[u8]) -> io::Result<()> {
        for (chunk, (_, slot)) in file.columns.iter_mut().zip(&self.columns) {
            file.bytes += chunk.push(row, slot);
        }
        file.rows += 1;
        if file.rows >= GROUP_ROWS_MAX || file.bytes >= GROUP_BYTES_MAX {
            file.write_group()?;
        }
        Ok(())
    }
}

impl ParquetFile {
    fn write_group(&mut self) -> io::Result<()> {
        let Self { writer, columns, rows, bytes } = self;
        let write = || {
            let mut group = writer.next_row_group()?;
            for chunk in columns {
                if let Some(mut column) = group.next_column()? {
                    chunk.write(column.untyped())?;
                    column.close()?;
                }
            }
            group.close().map(|_| ())
        };
        write().map_err(failed)?;
        (*rows, *bytes) = (0, 0);
        Ok(())
    }
}

impl RowFile for ParquetFile {
    fn end(mut self) -> io::Result<File> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.into_inner().map_err(failed)
    }
}
