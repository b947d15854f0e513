//! A field of CSV as a value of a row. It is NULL if it is the NULL literal, or is empty where that is no value: it is one of
//! text and BYTES, and of an ARRAY if there is a NULL literal.

use tidewire_event::{DataType, RowWriter, Value};

use super::csv_text::CsvOptions;
use super::target::Target;
use super::text::{Bad, Scalar, is_nested};

/// Whether an empty field is a value of the type, and not NULL.
#[inline]
fn may_be_empty(ty: &DataType, options: &CsvOptions) -> bool {
    match ty {
        DataType::Array(_) => options.null.is_some(),
        ty => ty.is_text() || *ty == DataType::Bytes,
    }
}

/// Writes a field into a row.
#[inline]
pub(super) fn put<M>(
    target: &Target<M>,
    field: &[u8],
    options: &CsvOptions,
    row: &mut RowWriter<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), Bad> {
    let is_null = options.null.as_ref().is_some_and(|null| null.as_bytes() == field);
    if is_null || (field.is_empty() && !may_be_empty(&target.ty, options)) {
        return target.put_null(row);
    }
    if !is_nested(&target.ty) {
        return Scalar::put_text(&target.ty, field, scratch, row, &target.slot);
    }
    let value = nested(&target.ty, field, options)?;
    scratch.clear();
    value.encode(&target.ty, scratch);
    row.text(&target.slot, scratch).map_err(Bad::NoRoom)
}

/// An array or a row in one field.
fn nested(ty: &DataType, field: &[u8], options: &CsvOptions) -> Result<Value, Bad> {
    let text = std::str::from_utf8(field).map_err(|_| Bad::Utf8)?;
    let mut items = text.split(&options.array_delimiter);
    let value = |ty: &DataType, text: &str| {
        let is_null = options.null.as_deref() == Some(text) || (text.is_empty() && !ty.is_text());
        match is_null {
            true => Ok(Value::Null),
            false => Scalar::read(ty, text.as_bytes(), &mut Vec::new()).map(Scalar::to_value),
        }
    };
    match ty {
        DataType::Array(_) if text.is_empty() => Ok(Value::List(Vec::new())),
        DataType::Array(of) => {
            items.map(|item| value(of, item)).collect::<Result<_, _>>().map(Value::List)
        }
        DataType::Row(fields) => {
            let values: Result<Vec<_>, _> = fields
                .iter()
                .map(|field| value(&field.ty, items.next().ok_or(Bad::Type)?))
                .collect();
            let values = values?;
            if items.next().is_some() { Err(Bad::Type) } else { Ok(Value::List(values)) }
        }
        _ => Err(Bad::Type),
    }
}
