//! A JSON object as a row.
//!
//! 1. An object is gone over once, and the wanted values in it are noted: their places, and what was learned of them. Of a
//!    name that comes twice the last value counts.
//! 2. Values are then written in the order of the columns. What was learned suffices for most: plain strings, and numbers of
//!    few digits. All others are read from their text. Numbers never become floats on the way.

use tidewire_event::RowWriter;

use super::json_known::{Form, Kind};
use super::json_scan::{Found, NoObject, ObjectScan};
use super::json_value::{nested, unescape};
use super::target::Target;
use super::text::{Bad, Scalar, is_nested};
use super::{OptionError, Options};

/// Reads objects.
#[derive(Debug)]
pub(super) struct JsonRow {
    pub(super) options: JsonOptions,
    /// Of each target its value, and what its column makes of one.
    found: Vec<Found>,
    kinds: Vec<Kind>,
    scan: ObjectScan,
    scratch: Scratch,
}

/// Where values are made that do not stand in the text as they are.
#[derive(Debug, Default)]
struct Scratch {
    unescaped: Vec<u8>,
    decoded: Vec<u8>,
}

impl JsonRow {
    /// Reads these targets of each object.
    pub(super) fn new<M>(options: JsonOptions, targets: &[Target<M>]) -> Self {
        let kinds: Vec<_> = targets.iter().map(|target| Kind::of(&target.ty)).collect();
        let found = vec![Found::default(); kinds.len()];
        let (scan, scratch) = (ObjectScan::default(), Scratch::default());
        Self { options, found, kinds, scan, scratch }
    }

    /// Notes the values of the targets.
    #[inline]
    pub(super) fn find<M>(&mut self, targets: &[Target<M>], text: &[u8]) -> Result<(), NoObject> {
        let Self { found, scan, scratch, .. } = self;
        found.fill(Found::default());
        let column = |name: &[u8], is_escaped: bool| {
            let name = match is_escaped {
                false => name,
                // No column has a name that is no text.
                true if unescape(name, &mut scratch.unescaped).is_err() => return None,
                true => &scratch.unescaped,
            };
            let is_it =
                |target: &Target<M>| target.metadata.is_none() && target.name.as_bytes() == name;
            targets.iter().position(is_it)
        };
        scan.values(text, column, |at, value| found[at] = value)
    }

    /// The value of a target in the text in which it was found, and where that begins.
    pub(super) fn value<'t>(&self, at: usize, text: &'t [u8]) -> (usize, &'t [u8]) {
        let Found { from, to, .. } = self.found[at];
        (from, &text[from..to])
    }

    /// Writes the value of a target into a row.
    #[inline]
    pub(super) fn put<M>(
        &mut self,
        at: usize,
        target: &Target<M>,
        text: &[u8],
        row: &mut RowWriter<'_>,
    ) -> Result<(), Bad> {
        let Found { known, from, to } = self.found[at];
        let slot = &target.slot;
        match (known.form, self.kinds[at]) {
            (Form::Number, kind) => {
                if let Some(value) = known.number_in(kind) {
                    return value?.put(row, slot);
                }
            }
            (Form::Plain, Kind::Text) => {
                return row.text(slot, &text[from + 1..to - 1]).map_err(Bad::NoRoom);
            }
            (Form::True | Form::False, Kind::Boolean) => {
                row.bool(slot, known.form == Form::True);
                return Ok(());
            }
            (Form::Null, _) => return target.put_null(row),
            (Form::Missing, _) if self.options.needs_all => return Err(Bad::Missing),
            (Form::Missing, _) => return target.put_null(row),
            _ => {}
        }
        put_text(target, &text[from..to], row, &mut self.scratch)
    }
}

/// The options of JSON, whether a table is read or written.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonOptions {
    /// What can not be read is NULL or left out.
    pub(super) ignores: bool,
    needs_all: bool,
    /// What stands between a date and a time that are written; both forms are read.
    pub(super) between: char,
    /// Whether what is NULL is not written.
    pub(super) without_null: bool,
}

impl JsonOptions {
    pub(super) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let style =
            options.parse(
                "json.timestamp-format.standard",
                "SQL or ISO-8601",
                |text| match text {
                    "SQL" => Some(' '),
                    "ISO-8601" => Some('T'),
                    _ => None,
                },
            )?;
        let plain = "json.encode.decimal-as-plain-number";
        if options.flag(plain)? == Some(false) {
            return Err(OptionError::value(plain, "false", "decimals are written plain: true"));
        }
        Ok(Self {
            ignores: options.flag("json.ignore-parse-errors")?.unwrap_or(false),
            needs_all: options.flag("json.fail-on-missing-field")?.unwrap_or(false),
            between: style.unwrap_or(' '),
            without_null: options.flag("json.encode.ignore-null-fields")?.unwrap_or(false),
        })
    }
}

/// Reads the text of a value, and writes that into a row.
#[inline(never)]
fn put_text<M>(
    target: &Target<M>,
    json: &[u8],
    row: &mut RowWriter<'_>,
    scratch: &mut Scratch,
) -> Result<(), Bad> {
    let text = match json {
        _ if is_nested(&target.ty) => {
            let value = nested(&target.ty, json)?;
            scratch.decoded.clear();
            value.encode(&target.ty, &mut scratch.decoded);
            return row.text(&target.slot, &scratch.decoded).map_err(Bad::NoRoom);
        }
        [b'"', inner @ .., b'"'] if inner.contains(&b'\\') => {
            let Scratch { unescaped, decoded } = scratch;
            unescape(inner, unescaped)?;
            return Scalar::put_text(&target.ty, unescaped, decoded, row, &target.slot);
        }
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    };
    Scalar::put_text(&target.ty, text, &mut scratch.decoded, row, &target.slot)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidewire_event::{DataType, Field, RowLayout};

    use super::super::Column;
    use super::super::testing::options;
    use super::*;

    fn types() -> Vec<DataType> {
        let decimals = [(1, 0), (4, 2), (12, 2), (18, 18), (18, 0), (19, 3), (38, 20)];
        let decimals = decimals.map(|(precision, scale)| DataType::Decimal { precision, scale });
        let others = [
            DataType::Boolean,
            DataType::TinyInt,
            DataType::SmallInt,
            DataType::Int,
            DataType::BigInt,
            DataType::Float,
            DataType::Double,
            DataType::String,
            DataType::VarChar(3),
            DataType::Bytes,
            DataType::Date,
            DataType::TimestampLtz(3),
        ];
        decimals.into_iter().chain(others).collect()
    }

    fn value() -> impl Strategy<Value = String> {
        let whole = prop_oneof![
            any::<i8>().prop_map(i64::from),
            any::<i16>().prop_map(i64::from),
            any::<i32>().prop_map(i64::from),
            any::<i64>(),
            prop::sample::select(vec![
                i64::MIN,
                i64::MAX,
                127,
                128,
                -128,
                -129,
                32_768,
                -32_769,
                1 << 31,
                -(1 << 31) - 1,
                1 << 53,
                (1 << 53) + 1,
                10_000_000_000_000_000,
                999_999_999_999_999_999,
                1_000_000_000_000_000_000,
            ]),
        ];
        prop_oneof![
            8 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
            8 => "-?(0|[1-9][0-9]{0,9})\\.[0-9]{1,8}",
            4 => whole.prop_map(|it| it.to_string()),
            1 => prop::sample::select(vec!["-0", "-0.0", "0.00", "0", "1.0"]).prop_map(str::to_owned),
            1 => prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
            2 => "\"-?[0-9]{1,20}(\\.[0-9]{1,4})?\"",
            2 => "\"([a-z é😀]|\\\\n|\\\\u00e9|\\\\uD83D){0,30}\"",
            1 => prop::sample::select(vec!["\"true\"", "\"null\"", "\"AQI=\"", "\"2024-02-29\"",
                "\"2024-02-29 12:34:56.789Z\"", "\"2024-02-29T12:34:56+01:00\"", "[1]", "{}"])
                .prop_map(str::to_owned),
        ]
    }

    /// The only column of a table, and the layout of its rows.
    fn one(ty: DataType, nullable: bool) -> ([Target<()>; 1], RowLayout) {
        let field = Field { nullable, ..Field::new("a", ty) };
        let layout = RowLayout::of_fields(std::slice::from_ref(&field)).unwrap();
        ([Target::new(&Column::physical(field), &layout.slots()[0], None)], layout)
    }

    const ROW_BYTES: usize = 64;

    #[test]
    fn what_is_missing_has_no_text_of_the_object_before() {
        let given = [("json.fail-on-missing-field", "true")];
        let json = JsonOptions::take(&mut options("json", &given)).unwrap();
        let (targets, layout) = one(DataType::Int, false);
        let mut reader = JsonRow::new(json, &targets);
        for (text, expected, value) in [
            ("{\"b\": \"longer than the next\", \"a\": 1}", Ok(()), "1"),
            ("{}", Err(Bad::Missing), ""),
            ("{\"a\":null}", Err(Bad::Null), "null"),
            ("{\"a\":1,\"a\":2.5}", Err(Bad::Type), "2.5"),
            ("{\"a\":2.5,\"a\":7}", Ok(()), "7"),
        ] {
            let mut row = [0; ROW_BYTES];
            reader.find(&targets, text.as_bytes()).unwrap();
            let mut writer = RowWriter::new(&mut row, &layout);
            let put = reader.put(0, &targets[0], text.as_bytes(), &mut writer);
            assert_eq!(put, expected, "{text}");
            assert_eq!(reader.value(0, text.as_bytes()).1, value.as_bytes(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// What was learned of a value while it was gone over says the same as its text.
        #[test]
        fn a_value_is_what_its_text_is(value in value(), nullable in any::<bool>()) {
            let json = JsonOptions::take(&mut options("json", &[])).unwrap();
            for ty in types() {
                let (targets, layout) = one(ty.clone(), nullable);
                let text = format!("{{\"b\":[{value}],\"a\": {value}}}");

                let (mut row, mut expected_row) = ([0; ROW_BYTES], [0; ROW_BYTES]);
                let mut reader = JsonRow::new(json, &targets);
                // The second time the names are known.
                for _ in 0..2 {
                    reader.find(&targets, text.as_bytes()).unwrap();
                    let mut writer = RowWriter::new(&mut row, &layout);
                    let put = reader.put(0, &targets[0], text.as_bytes(), &mut writer);
                    let mut writer = RowWriter::new(&mut expected_row, &layout);
                    let expected = match value.as_str() {
                        "null" => targets[0].put_null(&mut writer),
                        text => {
                            let scratch = &mut Scratch::default();
                            put_text(&targets[0], text.as_bytes(), &mut writer, scratch)
                        }
                    };
                    prop_assert_eq!(put, expected, "{} {}", ty, value);
                    prop_assert_eq!(row, expected_row, "{} {}", ty, value);
                    prop_assert_eq!(reader.value(0, text.as_bytes()).1, value.as_bytes());
                }
            }
        }
    }
}
