//! Parquet as input.
//!
//! 1. Columns are known by their names, and only those that a job uses are read.
//! 2. A column of the file must be of the same kind as that of the table: whole numbers may be narrower or wider, decimals
//!    and times of another scale. A value that does not fit is an error.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{self as data, ByteArray, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use tidewire_event::{DataType, RowWriter};

use super::super::options::nearest;
use super::super::target::Target;
use super::super::text::{Bad, Scalar, cut};
use super::super::{Columns, TableError};
use super::files::{InputFile, failed};
use super::plan::{Metadata, Plan};
use super::reader::Format;

/// Values that are read at a time.
const BATCH_ROWS: usize = 4096;

/// Reads Parquet.
pub(super) struct ParquetReader {
    plan: Plan,
    file: Option<SerializedFileReader<File>>,
    place: InputFile,
    bytes: Arc<AtomicU64>,
    /// Of each target that is not metadata, its column in the file.
    columns: Vec<Option<Column>>,
    group: usize,
    /// Rows of the group that are left.
    rows_left: usize,
    /// The number of the row in the file, from 1.
    row: u64,
}

/// A column of the file.
struct Column {
    at: usize,
    meaning: Meaning,
    nullable: bool,
    reader: Option<ColumnReader>,
    levels: Vec<i16>,
    next_level: usize,
    values: Values,
    next_value: usize,
}

/// What the numbers of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    /// Units of 10^-scale.
    Decimal(u8),
    /// Units of so many ns.
    Time(i64),
}

enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

fn unit_ns(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000_000,
        TimeUnit::MICROS => 1_000,
        TimeUnit::NANOS => 1,
    }
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    let scale = |scale: i32| Meaning::Decimal(u8::try_from(scale).unwrap_or_default());
    match column.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => return scale(decimal.scale),
        Some(LogicalType::Time(time)) => return Meaning::Time(unit_ns(&time.unit)),
        Some(LogicalType::Timestamp(time)) => return Meaning::Time(unit_ns(&time.unit)),
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::DECIMAL => scale(column.type_scale()),
        ConvertedType::TIME_MILLIS | ConvertedType::TIMESTAMP_MILLIS => Meaning::Time(1_000_000),
        ConvertedType::TIME_MICROS | ConvertedType::TIMESTAMP_MICROS => Meaning::Time(1_000),
        _ if column.physical_type() == Physical::INT96 => Meaning::Time(1),
        _ => Meaning::Plain,
    }
}

/// Whether a column of the file can be read as one of the table.
fn fits(physical: Physical, meaning: Meaning, ty: &DataType) -> bool {
    let is_int = matches!(physical, Physical::INT32 | Physical::INT64);
    let is_bytes = matches!(physical, Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY);
    match (meaning, ty) {
        (Meaning::Plain, DataType::Boolean) => physical == Physical::BOOLEAN,
        (Meaning::Plain, DataType::Date) => physical == Physical::INT32,
        (Meaning::Plain, DataType::Float) => physical == Physical::FLOAT,
        (Meaning::Plain, DataType::Double) => {
            matches!(physical, Physical::FLOAT | Physical::DOUBLE)
        }
        (Meaning::Plain, DataType::Bytes) => is_bytes,
        (Meaning::Plain, DataType::Decimal { .. }) => is_int,
        (Meaning::Plain, ty) if ty.is_text() => is_bytes,
        (Meaning::Plain, ty) => ty.is_integer() && is_int,
        (Meaning::Decimal(_), DataType::Decimal { .. }) => is_int || is_bytes,
        (Meaning::Time(_), DataType::Time(_)) => is_int,
        (Meaning::Time(_), DataType::Timestamp(_) | DataType::TimestampLtz(_)) => {
            physical == Physical::INT64 || physical == Physical::INT96
        }
        _ => false,
    }
}

impl ParquetReader {
    pub(super) fn new(columns: &Columns) -> Result<Self, TableError> {
        Ok(Self {
            plan: Plan::new(columns)?,
            file: None,
            place: InputFile { path: Default::default(), size: 0, modified: 0 },
            bytes: Arc::default(),
            columns: Vec::new(),
            group: 0,
            rows_left: 0,
            row: 0,
        })
    }

    fn failed(&self, error: ParquetError) -> TableError {
        failed(&self.place.path, format!("no whole Parquet file: {error}"))
    }

    /// Finds the column of a target in the file.
    fn column(
        &self,
        target: &Target<Metadata>,
        of: &[Arc<ColumnDescriptor>],
    ) -> Result<Column, TableError> {
        let (name, ty) = (&target.name, &target.ty);
        let is_it = |column: &Arc<ColumnDescriptor>| {
            column.path().parts().first().is_some_and(|part| part == name)
        };
        let Some((at, column)) = of.iter().enumerate().find(|(_, column)| is_it(column)) else {
            let known: Vec<_> = of.iter().map(|column| column.name()).collect();
            let near = nearest(name, &known);
            let problem = format!("it has no column '{name}'{near}; it has {}", known.join(", "));
            return Err(failed(&self.place.path, problem));
        };
        let (physical, meaning) = (column.physical_type(), meaning(column));
        let is_flat = column.path().parts().len() == 1 && column.max_rep_level() == 0;
        if !is_flat || !fits(physical, meaning, ty) {
            let is = match (is_flat, column.logical_type_ref()) {
                (false, _) => "nested".to_owned(),
                (true, Some(logical)) => format!("{physical} ({logical:?})"),
                (true, None) => physical.to_string(),
            };
            let problem = format!("the column '{name}' is {is} in the file, and {ty} in the table");
            return Err(failed(&self.place.path, problem));
        }
        Ok(Column {
            at,
            meaning,
            nullable: column.max_def_level() > 0,
            reader: None,
            levels: Vec::new(),
            next_level: 0,
            values: Values::of(physical),
            next_value: 0,
        })
    }

    /// Opens the next group of rows; false if there is none.
    fn next_group(&mut self) -> Result<bool, TableError> {
        let Some(file) = &self.file else { return Ok(false) };
        if self.group > 0 {
            let size = file.metadata().row_group(self.group - 1).compressed_size();
            self.bytes.fetch_add(u64::try_from(size).unwrap_or_default(), Ordering::Relaxed);
        }
        if self.group >= file.num_row_groups() {
            return Ok(false);
        }
        let opened = file.get_row_group(self.group).and_then(|group| {
            for column in self.columns.iter_mut().flatten() {
                column.reader = Some(group.get_column_reader(column.at)?);
                column.clear();
            }
            Ok(group.metadata().num_rows())
        });
        let rows = opened.map_err(|error| self.failed(error))?;
        self.rows_left = usize::try_from(rows).unwrap_or_default();
        self.group += 1;
        Ok(true)
    }
}

fn batch<T: data::DataType>(
    reader: &mut ColumnReaderImpl<T>,
    levels: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<usize, ParquetError> {
    Ok(reader.read_records(BATCH_ROWS, Some(levels), None, values)?.0)
}

impl Column {
    fn clear(&mut self) {
        self.levels.clear();
        self.values.clear();
        (self.next_level, self.next_value) = (0, 0);
    }

    /// Reads the next values.
    fn fill(&mut self) -> Result<(), ParquetError> {
        self.clear();
        let Self { reader, levels, values, .. } = self;
        let rows = match (reader, values) {
            (Some(ColumnReader::BoolColumnReader(it)), Values::Bool(to)) => batch(it, levels, to),
            (Some(ColumnReader::Int32ColumnReader(it)), Values::Int32(to)) => batch(it, levels, to),
            (Some(ColumnReader::Int64ColumnReader(it)), Values::Int64(to)) => batch(it, levels, to),
            (Some(ColumnReader::Int96ColumnReader(it)), Values::Int96(to)) => batch(it, levels, to),
            (Some(ColumnReader::FloatColumnReader(it)), Values::Float(to)) => batch(it, levels, to),
            (Some(ColumnReader::DoubleColumnReader(it)), Values::Double(to)) => {
                batch(it, levels, to)
            }
            (Some(ColumnReader::ByteArrayColumnReader(it)), Values::Bytes(to)) => {
                batch(it, levels, to)
            }
            (Some(ColumnReader::FixedLenByteArrayColumnReader(it)), Values::Fixed(to)) => {
                batch(it, levels, to)
            }
            _ => Err(ParquetError::General("a column of another type".to_owned())),
        }?;
        if rows == 0 {
            return Err(ParquetError::EOF("a column has fewer rows than its group".to_owned()));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        match self.nullable {
            true => self.next_level == self.levels.len(),
            false => self.next_value == self.values.len(),
        }
    }

    /// Writes the next value into a row.
    fn put(&mut self, target: &Target<Metadata>, row: &mut RowWriter<'_>) -> Result<(), Bad> {
        if self.nullable {
            let level = self.levels.get(self.next_level).copied().unwrap_or_default();
            self.next_level += 1;
            if level == 0 {
                return target.put_null(row);
            }
        }
        let at = self.next_value;
        self.next_value += 1;
        let scalar = match &self.values {
            Values::Bool(values) => Scalar::Bool(*values.get(at).ok_or(Bad::Missing)?),
            Values::Int32(values) => {
                let value = *values.get(at).ok_or(Bad::Missing)?;
                number(value.into(), self.meaning, &target.ty)?
            }
            Values::Int64(values) => {
                let value = *values.get(at).ok_or(Bad::Missing)?;
                number(value.into(), self.meaning, &target.ty)?
            }
            Values::Int96(values) => {
                number(int96_ns(values.get(at).ok_or(Bad::Missing)?), self.meaning, &target.ty)?
            }
            Values::Float(values) => Scalar::Float((*values.get(at).ok_or(Bad::Missing)?).into()),
            Values::Double(values) => Scalar::Float(*values.get(at).ok_or(Bad::Missing)?),
            Values::Bytes(values) => {
                bytes(values.get(at).ok_or(Bad::Missing)?.data(), self.meaning, &target.ty)?
            }
            Values::Fixed(values) => {
                bytes(values.get(at).ok_or(Bad::Missing)?.data(), self.meaning, &target.ty)?
            }
        };
        scalar.put(row, &target.slot)
    }
}

/// A time as ns since the epoch: ns of the day, and the Julian day.
fn int96_ns(time: &Int96) -> i128 {
    let data = time.data();
    let word = |at: usize| data.get(at).copied().unwrap_or_default();
    let of_day = u64::from(word(1)) << 32 | u64::from(word(0));
    (i128::from(word(2)) - 2_440_588) * 86_400_000_000_000 + i128::from(of_day)
}

/// A number of the file as a value of the table.
fn number<'a>(value: i128, meaning: Meaning, ty: &DataType) -> Result<Scalar<'a>, Bad> {
    let of = |value: i128, min: i64, max: i64| {
        let value = i64::try_from(value).map_err(|_| Bad::Range)?;
        if (min..=max).contains(&value) { Ok(Scalar::Int(value)) } else { Err(Bad::Range) }
    };
    let time = |digits: u8| {
        let Meaning::Time(unit) = meaning else { return Err(Bad::Type) };
        let ns = value.checked_mul(unit.into()).and_then(|ns| i64::try_from(ns).ok());
        ns.map(|ns| Scalar::Int(cut(ns, digits))).ok_or(Bad::Range)
    };
    match ty {
        DataType::TinyInt => of(value, i8::MIN.into(), i8::MAX.into()),
        DataType::SmallInt => of(value, i16::MIN.into(), i16::MAX.into()),
        DataType::Int | DataType::Date => of(value, i32::MIN.into(), i32::MAX.into()),
        DataType::BigInt => of(value, i64::MIN, i64::MAX),
        DataType::Time(digits) | DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
            time(*digits)
        }
        DataType::Decimal { precision, scale } => {
            let from = if let Meaning::Decimal(scale) = meaning { scale } else { 0 };
            let value = rescale(value, from, *scale).ok_or(Bad::Range)?;
            match value.unsigned_abs() < 10_u128.pow((*precision).into()) {
                false => Err(Bad::Range),
                true if *precision <= 18 => of(value, i64::MIN, i64::MAX),
                true => Ok(Scalar::Wide(value)),
            }
        }
        _ => Err(Bad::Type),
    }
}

/// Units of 10^-from as units of 10^-to, a half rounded up, away from zero.
fn rescale(value: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return value.checked_mul(10_i128.checked_pow((to - from).into())?);
    }
    let unit = 10_i128.checked_pow((from - to).into())?;
    let (whole, rest) = (value / unit, value % unit);
    Some(whole + if rest.abs() >= unit - rest.abs() { rest.signum() } else { 0 })
}

/// Bytes of the file as a value of the table.
fn bytes<'a>(bytes: &'a [u8], meaning: Meaning, ty: &DataType) -> Result<Scalar<'a>, Bad> {
    match ty {
        DataType::Decimal { .. } => {
            let negative = bytes.first().is_some_and(|byte| byte >> 7 != 0);
            let (head, tail) = bytes.split_at(bytes.len().saturating_sub(16));
            let sign = if negative { 0xff } else { 0 };
            let mut all = [sign; 16];
            all[16 - tail.len()..].copy_from_slice(tail);
            let value = i128::from_be_bytes(all);
            // What is longer must be nothing but sign.
            if head.iter().any(|byte| *byte != sign) || (value < 0) != negative {
                return Err(Bad::Range);
            }
            number(value, meaning, ty)
        }
        DataType::Bytes => Ok(Scalar::Bytes(bytes)),
        _ => match std::str::from_utf8(bytes) {
            Ok(_) => Ok(Scalar::Bytes(bytes)),
            Err(_) => Err(Bad::Utf8),
        },
    }
}

impl Values {
    fn of(physical: Physical) -> Self {
        match physical {
            Physical::BOOLEAN => Self::Bool(Vec::new()),
            Physical::INT32 => Self::Int32(Vec::new()),
            Physical::INT64 => Self::Int64(Vec::new()),
            Physical::INT96 => Self::Int96(Vec::new()),
            Physical::FLOAT => Self::Float(Vec::new()),
            Physical::DOUBLE => Self::Double(Vec::new()),
            Physical::BYTE_ARRAY => Self::Bytes(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => Self::Fixed(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Int96(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Fixed(values) => values.len(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Bool(values) => values.clear(),
            Self::Int32(values) => values.clear(),
            Self::Int64(values) => values.clear(),
            Self::Int96(values) => values.clear(),
            Self::Float(values) => values.clear(),
            Self::Double(values) => values.clear(),
            Self::Bytes(values) => values.clear(),
            Self::Fixed(values) => values.clear(),
        }
    }
}

impl Format for ParquetReader {
    fn begin(&mut self, file: &InputFile, bytes: &Arc<AtomicU64>) -> Result<(), TableError> {
        self.place = file.clone();
        self.plan.begin(file);
        self.bytes = Arc::clone(bytes);
        let opened = File::open(&file.path).map_err(|error| failed(&file.path, error))?;
        let opened = SerializedFileReader::new(opened).map_err(|error| self.failed(error))?;
        let descriptors = opened.metadata().file_metadata().schema_descr().columns();
        let columns = self.plan.targets.iter().map(|target| match target.metadata {
            Some(_) => Ok(None),
            None => self.column(target, descriptors).map(Some),
        });
        self.columns = columns.collect::<Result<_, _>>()?;
        self.file = Some(opened);
        (self.group, self.rows_left, self.row) = (0, 0, 0);
        Ok(())
    }

    fn read(&mut self, row: &mut [u8]) -> Result<bool, TableError> {
        while self.rows_left == 0 {
            if !self.next_group()? {
                return Ok(false);
            }
        }
        self.rows_left -= 1;
        self.row += 1;
        let mut writer = RowWriter::new(row, &self.plan.layout);
        for (target, column) in self.plan.targets.iter().zip(&mut self.columns) {
            let put = match (target.metadata, column) {
                (Some(metadata), _) => self.plan.put_metadata(target, metadata, &mut writer),
                (None, Some(column)) => {
                    let filled = if column.is_empty() { column.fill() } else { Ok(()) };
                    filled.map_err(|error| {
                        failed(&self.place.path, format!("no whole Parquet file: {error}"))
                    })?;
                    column.put(target, &mut writer)
                }
                (None, None) => Err(Bad::Missing),
            };
            put.map_err(|bad| TableError::Input {
                place: format!("{}: row {}", self.place.path.display(), self.row),
                problem: bad.explain(&target.name, &target.ty, b"a value"),
            })?;
        }
        Ok(true)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}
