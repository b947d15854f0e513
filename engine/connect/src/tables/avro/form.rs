//! How values lie in the bytes of Avro, and what they become: a schema, worked out for the columns of a table.

/// How a value lies in the bytes, and what it becomes.
///
/// Source: Apache Avro 1.12, "Binary Encoding" and "Logical Types".
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// No bytes.
    Null,
    Boolean,
    /// A whole number between `min` and `max`.
    Whole {
        /// An `int`; else a `long`.
        is_int: bool,
        min: i64,
        max: i64,
    },
    /// A time in units of so many ns.
    Time {
        /// An `int`; else a `long`.
        is_int: bool,
        unit: i64,
        /// How many digits behind the second it becomes.
        digits: u8,
        /// A time of day; else a date and time.
        is_of_day: bool,
    },
    Float,
    Double,
    /// A whole number of the column's scale, in two's complement with the highest byte first.
    Decimal {
        /// The size of a `fixed`; `None` of `bytes`.
        size: Option<usize>,
        /// The digits of the column.
        precision: u8,
    },
    String,
    Bytes,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Box<Self>),
    /// Texts with values.
    Map(Box<Self>),
    Record(Record),
    Union(Vec<Self>),
}

/// The fields of a record, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) fields: Vec<Field>,
    /// How many values it becomes.
    pub(super) columns: usize,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) form: Form,
    /// Which of the record's values it becomes, if it is used.
    pub(super) column: Option<usize>,
}

impl Form {
    /// Whether NULL can be written as it.
    pub(super) fn takes_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Union(branches) => branches.contains(&Self::Null),
            _ => false,
        }
    }

    /// Whether its values take no bytes at all: so many of them as one likes fit into a message.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Fixed(0) | Self::Decimal { size: Some(0), .. } => true,
            Self::Record(record) => record.fields.iter().all(|field| field.form.is_empty()),
            _ => false,
        }
    }
}
