//! Types of Avro that have no others in them, with their logical types.
//!
//! Source: Apache Avro 1.12, "Primitive Types" and "Logical Types". A logical type that is not known here is passed over, as
//! the specification wants it: the value is that of the type below.

use serde_json::Value as Json;
use tidewire_event::DataType;
use tidewire_event::time::{MICROSECOND, MILLISECOND};

use super::form::Form;

/// The names of the primitive types.
pub(super) const PLAIN: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// A form, the types of columns that it can become, and which they are.
type Fitting = (Form, &'static str, fn(&DataType) -> bool);

/// The form of a primitive type for a column; `None`: it is none.
///
/// # Errors
/// The column is of another type.
pub(super) fn plain(
    name: &str,
    logical: Option<&str>,
    schema: &Json,
    ty: Option<&DataType>,
) -> Result<Option<Form>, String> {
    let (form, fitting, fits) = match name {
        "null" => return Ok(Some(Form::Null)),
        "bytes" => return bytes(name, None, schema, ty).map(Some),
        "boolean" => fitting(Form::Boolean, "BOOLEAN", |ty| *ty == DataType::Boolean),
        "float" => fitting(Form::Float, "FLOAT or DOUBLE", |ty| {
            matches!(ty, DataType::Float | DataType::Double)
        }),
        "double" => fitting(Form::Double, "DOUBLE", |ty| *ty == DataType::Double),
        "string" => fitting(Form::String, "STRING", DataType::is_text),
        "int" => int(logical, ty),
        "long" => long(logical, ty),
        _ => return Ok(None),
    };
    match ty.is_none_or(fits) {
        true => Ok(Some(form)),
        false => Err(misfit(logical.unwrap_or(name), ty, fitting)),
    }
}

fn fitting(form: Form, fitting: &'static str, fits: fn(&DataType) -> bool) -> Fitting {
    (form, fitting, fits)
}

fn int(logical: Option<&str>, ty: Option<&DataType>) -> Fitting {
    match logical {
        Some("date") => fitting(whole(true, ty), "DATE", |ty| *ty == DataType::Date),
        Some("time-millis") => time_of_day(true, MILLISECOND, ty),
        _ => integer(true, ty),
    }
}

fn long(logical: Option<&str>, ty: Option<&DataType>) -> Fitting {
    match logical {
        Some("time-micros") => time_of_day(false, MICROSECOND, ty),
        Some("timestamp-millis") => moment(MILLISECOND, ty),
        Some("timestamp-micros") => moment(MICROSECOND, ty),
        Some("timestamp-nanos") => moment(1, ty),
        Some("local-timestamp-millis") => local(MILLISECOND, ty),
        Some("local-timestamp-micros") => local(MICROSECOND, ty),
        Some("local-timestamp-nanos") => local(1, ty),
        _ => integer(false, ty),
    }
}

fn integer(is_int: bool, ty: Option<&DataType>) -> Fitting {
    fitting(whole(is_int, ty), "TINYINT, SMALLINT, INT or BIGINT", DataType::is_integer)
}

fn time_of_day(is_int: bool, unit: i64, ty: Option<&DataType>) -> Fitting {
    let form = Form::Time { is_int, unit, digits: digits(ty), is_of_day: true };
    fitting(form, "TIME", |ty| matches!(ty, DataType::Time(_)))
}

fn date_time(unit: i64, ty: Option<&DataType>) -> Form {
    Form::Time { is_int: false, unit, digits: digits(ty), is_of_day: false }
}

fn moment(unit: i64, ty: Option<&DataType>) -> Fitting {
    fitting(date_time(unit, ty), "TIMESTAMP_LTZ or TIMESTAMP", DataType::is_timestamp)
}

fn local(unit: i64, ty: Option<&DataType>) -> Fitting {
    fitting(date_time(unit, ty), "TIMESTAMP", |ty| matches!(ty, DataType::Timestamp(_)))
}

fn digits(ty: Option<&DataType>) -> u8 {
    match ty {
        Some(
            DataType::Time(digits) | DataType::Timestamp(digits) | DataType::TimestampLtz(digits),
        ) => *digits,
        _ => 9,
    }
}

fn whole(is_int: bool, ty: Option<&DataType>) -> Form {
    let (min, max) = match ty {
        Some(DataType::TinyInt) => (i8::MIN.into(), i8::MAX.into()),
        Some(DataType::SmallInt) => (i16::MIN.into(), i16::MAX.into()),
        Some(DataType::Int | DataType::Date) => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    Form::Whole { is_int, min, max }
}

/// The form of `bytes`, or of a `fixed` of so many, for a column.
///
/// # Errors
/// The column is of another type, or has another scale.
pub(super) fn bytes(
    name: &str,
    size: Option<usize>,
    schema: &Json,
    ty: Option<&DataType>,
) -> Result<Form, String> {
    let plain = size.map_or(Form::Bytes, Form::Fixed);
    if schema.get("logicalType").and_then(Json::as_str) != Some("decimal") {
        return match ty {
            None | Some(DataType::Bytes) => Ok(plain),
            Some(_) => Err(misfit(name, ty, "BYTES")),
        };
    }
    let number = |key: &str| schema.get(key).and_then(Json::as_u64);
    let precision = number("precision").ok_or("a decimal without a 'precision' of digits")?;
    let scale = number("scale").unwrap_or(0);
    match ty {
        None => Ok(plain),
        Some(DataType::Decimal { precision, scale: own }) if u64::from(*own) == scale => {
            Ok(Form::Decimal { size, precision: *precision })
        }
        Some(_) => Err(misfit("decimal", ty, &format!("DECIMAL({}, {scale})", precision.min(38)))),
    }
}

/// What to say of a column whose type does not fit.
pub(super) fn misfit(avro: &str, ty: Option<&DataType>, fitting: &str) -> String {
    let ty = ty.map_or_else(String::new, DataType::to_string);
    format!("a column of {ty} can not be of Avro's {avro}: it can be {fitting}")
}
