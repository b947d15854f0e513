//! What rows are made of: columns with SQL's types.
//!
//! A type says what values mean; its [`Repr`] says how they are computed with and how they lie in a row.

use std::fmt;

/// The most digits of a DECIMAL.
pub const DECIMAL_DIGITS_MAX: u8 = 38;

/// The most digits behind the point that a time or a timestamp has: nanoseconds.
pub const TIME_DIGITS_MAX: u8 = 9;

/// The type of a column or of an expression. Two are equal when Flink calls them so, but for NOT NULL, which a
/// [`Field`] says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// That of a bare NULL.
    Null,
    /// True, false.
    Boolean,
    /// 8 bits.
    TinyInt,
    /// 16 bits.
    SmallInt,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// IEEE 754, 32 bits.
    Float,
    /// IEEE 754, 64 bits.
    Double,
    /// A whole number of 10^-scale.
    Decimal {
        /// How many digits it has, 1 to 38.
        precision: u8,
        /// How many of them stand behind the point.
        scale: u8,
    },
    /// Text of exactly so many characters.
    Char(u32),
    /// Text of at most so many characters.
    VarChar(u32),
    /// Text of any length.
    String,
    /// Bytes of any length.
    Bytes,
    /// A day: days since 1970-01-01.
    Date,
    /// A time of day with so many digits behind the second: ns since midnight.
    Time(u8),
    /// A date and time of no zone, with so many digits behind the second: ns since 1970-01-01 00:00:00.
    Timestamp(u8),
    /// A moment, with so many digits behind the second: ns since 1970-01-01 00:00:00 UTC.
    TimestampLtz(u8),
    /// A length of time in ns: INTERVAL DAY TO SECOND.
    Interval,
    /// A number of months: INTERVAL YEAR TO MONTH.
    Months,
    /// Values of one type.
    Array(Box<Self>),
    /// Keys with values.
    Map(Box<Self>, Box<Self>),
    /// Named values.
    Row(Vec<Field>),
}

/// How values of a type are computed with, and lie in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repr {
    /// A byte, 0 or 1.
    Bool,
    /// A signed integer of so many bytes: 1, 2, 4 or 8. Numbers, decimals of up to 18 digits, times.
    Int(u8),
    /// 128 bits: decimals of more digits.
    Wide,
    /// IEEE 754, of 4 or 8 bytes.
    Float(u8),
    /// Bytes: text, binary, and values of nested types.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: DataType,
    /// Whether a value may be NULL.
    pub nullable: bool,
}

impl Field {
    /// A column whose values may be NULL.
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        Self { name: name.into(), ty, nullable: true }
    }

    /// The same, without NULL.
    #[must_use]
    pub fn not_null(self) -> Self {
        Self { nullable: false, ..self }
    }
}

impl DataType {
    /// How its values lie in a row.
    #[must_use]
    pub fn repr(&self) -> Repr {
        match self {
            Self::Null | Self::Boolean => Repr::Bool,
            Self::TinyInt => Repr::Int(1),
            Self::SmallInt => Repr::Int(2),
            Self::Int | Self::Date | Self::Months => Repr::Int(4),
            Self::BigInt
            | Self::Time(_)
            | Self::Timestamp(_)
            | Self::TimestampLtz(_)
            | Self::Interval => Repr::Int(8),
            Self::Decimal { precision, .. } if *precision <= 18 => Repr::Int(8),
            Self::Decimal { .. } => Repr::Wide,
            Self::Float => Repr::Float(4),
            Self::Double => Repr::Float(8),
            Self::Char(_)
            | Self::VarChar(_)
            | Self::String
            | Self::Bytes
            | Self::Array(_)
            | Self::Map(..)
            | Self::Row(_) => Repr::Bytes,
        }
    }

    /// Whether it is CHAR, VARCHAR or STRING.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Char(_) | Self::VarChar(_) | Self::String)
    }

    /// Whether it is a whole number: TINYINT to BIGINT.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// Whether it is a number of any kind.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, Self::Float | Self::Double | Self::Decimal { .. })
    }

    /// Whether it is TIMESTAMP or TIMESTAMP_LTZ: what can be the time of events.
    #[must_use]
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }
}

/// As SQL writes it.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::Char(length) => write!(f, "CHAR({length})"),
            Self::VarChar(length) => write!(f, "VARCHAR({length})"),
            Self::String => f.write_str("STRING"),
            Self::Bytes => f.write_str("BYTES"),
            Self::Date => f.write_str("DATE"),
            Self::Time(digits) => write!(f, "TIME({digits})"),
            Self::Timestamp(digits) => write!(f, "TIMESTAMP({digits})"),
            Self::TimestampLtz(digits) => write!(f, "TIMESTAMP_LTZ({digits})"),
            Self::Interval => f.write_str("INTERVAL DAY TO SECOND"),
            Self::Months => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::Array(of) => write!(f, "ARRAY<{of}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (at, field) in fields.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{field}")?;
                }
                f.write_str(">")
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_null = if self.nullable { "" } else { " NOT NULL" };
        write!(f, "{} {}{not_null}", self.name, self.ty)
    }
}
