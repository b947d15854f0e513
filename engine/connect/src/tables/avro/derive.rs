//! The schema of columns, where none is given: as Flink derives it.

use serde_json::{Value as Json, json};
use tidewire_event::{DataType, Field as Column};

use super::schema::BadSchema;

/// The schema of columns.
///
/// # Errors
/// Avro has no type for a column.
pub(super) fn derive(columns: &[Column]) -> Result<Json, BadSchema> {
    derive_record(columns, &mut 0)
}

fn derive_record(columns: &[Column], records: &mut usize) -> Result<Json, BadSchema> {
    *records += 1;
    let name = format!("record_{records}");
    let field = |column: &Column| {
        let ty = derive_type(&column.ty, records).map_err(|bad| {
            let place = bad.place.map_or_else(String::new, |place| format!(".{place}"));
            BadSchema { place: Some(format!("{}{place}", column.name)), ..bad }
        })?;
        let ty = if column.nullable { json!(["null", ty]) } else { ty };
        Ok(json!({"name": column.name, "type": ty}))
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"type": "record", "name": name, "fields": fields}))
}

fn derive_type(ty: &DataType, records: &mut usize) -> Result<Json, BadSchema> {
    let timestamp = |digits: u8| match digits {
        0..=3 => "timestamp-millis",
        4..=6 => "timestamp-micros",
        _ => "timestamp-nanos",
    };
    Ok(match ty {
        DataType::Boolean => json!("boolean"),
        DataType::TinyInt | DataType::SmallInt | DataType::Int => json!("int"),
        DataType::BigInt => json!("long"),
        DataType::Float => json!("float"),
        DataType::Double => json!("double"),
        DataType::Char(_) | DataType::VarChar(_) | DataType::String => json!("string"),
        DataType::Bytes => json!("bytes"),
        DataType::Decimal { precision, scale } => {
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
        }
        DataType::Date => json!({"type": "int", "logicalType": "date"}),
        DataType::Time(0..=3) => json!({"type": "int", "logicalType": "time-millis"}),
        DataType::Time(4..=6) => json!({"type": "long", "logicalType": "time-micros"}),
        DataType::Timestamp(digits) | DataType::TimestampLtz(digits) => {
            json!({"type": "long", "logicalType": timestamp(*digits)})
        }
        DataType::Array(of) => {
            json!({"type": "array", "items": nullable(derive_type(of, records)?)})
        }
        DataType::Map(key, of) if key.is_text() => {
            json!({"type": "map", "values": nullable(derive_type(of, records)?)})
        }
        DataType::Row(fields) => derive_record(fields, records)?,
        DataType::Null
        | DataType::Time(_)
        | DataType::Interval
        | DataType::Months
        | DataType::Map(..) => {
            return Err(BadSchema { place: None, problem: format!("Avro has no type for {ty}") });
        }
    })
}

/// Items and values may be NULL: our types do not say that they are not.
fn nullable(schema: Json) -> Json {
    json!(["null", schema])
}
