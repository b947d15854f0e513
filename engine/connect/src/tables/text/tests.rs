use proptest::prelude::*;

use super::*;

fn read(ty: &DataType, text: &str) -> Result<Value, Bad> {
    Scalar::read(ty, text.as_bytes(), &mut Vec::new()).map(Scalar::to_value)
}

#[test]
fn whole_numbers_have_the_range_of_their_type() {
    for (ty, min, max) in [
        (DataType::TinyInt, i64::from(i8::MIN), i64::from(i8::MAX)),
        (DataType::SmallInt, i16::MIN.into(), i16::MAX.into()),
        (DataType::Int, i32::MIN.into(), i32::MAX.into()),
        (DataType::BigInt, i64::MIN, i64::MAX),
    ] {
        for inside in [min, max] {
            assert_eq!(read(&ty, &inside.to_string()), Ok(Value::Int(inside)));
        }
        for outside in [i128::from(min) - 1, i128::from(max) + 1, i128::MAX] {
            assert_eq!(read(&ty, &outside.to_string()), Err(Bad::Range), "{ty}");
        }
    }
    for bad in ["", "-", "+", "1.0", "1e3", "0x1", "--1", "1 2", "1111111111111111111x"] {
        assert_eq!(read(&DataType::BigInt, bad), Err(Bad::Type), "{bad}");
    }
    assert_eq!(read(&DataType::BigInt, " +000000000000000000000007 "), Ok(Value::Int(7)));
}

#[test]
fn decimals_are_refused_where_digits_would_be_lost() {
    let ty = |precision, scale| DataType::Decimal { precision, scale };
    assert_eq!(read(&ty(4, 2), "99.994"), Ok(Value::Int(9_999)));
    assert_eq!(read(&ty(4, 2), "99.995"), Err(Bad::Range));
    assert_eq!(read(&ty(38, 0), &"9".repeat(38)), Ok(Value::Wide(10_i128.pow(38) - 1)));
    assert_eq!(read(&ty(38, 0), &"9".repeat(39)), Err(Bad::Range));
    for bad in ["", ".", "-", "1.2.3", "NaN", "Infinity", "1,5"] {
        assert_eq!(read(&ty(10, 2), bad), Err(Bad::Type), "{bad}");
    }
}

#[test]
fn intervals_are_read_as_they_are_written() {
    let written = |value, ty: &DataType| {
        let mut text = String::new();
        Scalar::Int(value).write(ty, ' ', &mut text).unwrap();
        assert_eq!(read(ty, &text), Ok(Value::Int(value)));
        text
    };
    let hour = 3_600_000_000_000;
    assert_eq!(written(-25 * hour, &DataType::Interval), "-1 01:00:00.000");
    assert_eq!(written(hour + 1, &DataType::Interval), "+0 01:00:00.000000001");
    assert_eq!(written(-14, &DataType::Months), "-1-02");
}

#[test]
fn floats_are_the_shortest_that_read_back() {
    let text = |value, ty: DataType| {
        let mut text = String::new();
        Scalar::Float(value).write(&ty, ' ', &mut text).unwrap();
        text
    };
    assert_eq!(text(0.1_f32.into(), DataType::Float), "0.1");
    assert_eq!(text(100.0, DataType::Double), "100.0");
    assert_eq!(text(1e300, DataType::Double), "1e300");
    assert_eq!(text(f64::NEG_INFINITY, DataType::Double), "-Infinity");
    assert_eq!(read(&DataType::Double, "-Infinity"), Ok(Value::Float(f64::NEG_INFINITY)));
}

proptest! {
    /// The fast way to read a decimal, and the one that knows all forms.
    #[test]
    fn plain_decimals_are_decimals(text in "[-+]?[0-9]{0,20}[.]?[0-9]{0,6}", scale in 0_u8..18) {
        if let Some(fast) = plain_decimal(text.as_bytes(), scale) {
            prop_assert_eq!(Some(i128::from(fast)), text::read_decimal(text.as_bytes(), scale));
        }
    }
}
