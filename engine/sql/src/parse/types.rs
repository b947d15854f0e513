//! The names of types.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;
use tidewire_event::schema::{DECIMAL_DIGITS_MAX, TIME_DIGITS_MAX};
use tidewire_event::{DataType, Field};

use super::{is_word, parser_error, parser_of, span_of, words};
use crate::error::SqlError;

/// The type that a text names.
///
/// # Errors
/// It names none.
pub fn type_of(text: &str) -> Result<DataType, SqlError> {
    let mut parser = parser_of(super::tokens_of(text)?);
    let ty = parse_type(&mut parser).map_err(|error| parser_error(&error, &parser))?;
    super::end(&parser)?;
    Ok(ty)
}

/// Parses a type.
pub(super) fn parse_type(parser: &mut Parser<'_>) -> Result<DataType, ParserError> {
    parse(parser, 0)
}

/// Types in types are followed so deep.
const TYPE_DEPTH_MAX: usize = 16;

fn parse(parser: &mut Parser<'_>, depth: usize) -> Result<DataType, ParserError> {
    if depth > TYPE_DEPTH_MAX {
        return Err(ParserError::RecursionLimitExceeded);
    }
    let token = parser.next_token();
    let Token::Word(word) = &token.token else {
        parser.prev_token();
        return parser.expected("a type", parser.peek_token());
    };
    let name = word.value.to_ascii_uppercase();
    let mut ty = match name.as_str() {
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "TINYINT" => DataType::TinyInt,
        "SMALLINT" => DataType::SmallInt,
        "INT" | "INTEGER" => DataType::Int,
        "BIGINT" => DataType::BigInt,
        "FLOAT" | "REAL" => DataType::Float,
        "DOUBLE" => {
            words(parser, &["PRECISION"]);
            DataType::Double
        }
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(parser)?,
        "STRING" => DataType::String,
        "CHAR" => DataType::Char(length(parser)?.unwrap_or(1)),
        "VARCHAR" => length(parser)?.map_or(DataType::VarChar(1), DataType::VarChar),
        "BYTES" => DataType::Bytes,
        "BINARY" | "VARBINARY" => {
            length(parser)?;
            DataType::Bytes
        }
        "DATE" => DataType::Date,
        "TIME" => {
            let digits = digits(parser)?.unwrap_or(0);
            words(parser, &["WITHOUT", "TIME", "ZONE"]);
            DataType::Time(digits)
        }
        "TIMESTAMP" => {
            let digits = digits(parser)?.unwrap_or(6);
            if words(parser, &["WITH", "LOCAL", "TIME", "ZONE"]) {
                DataType::TimestampLtz(digits)
            } else if words(parser, &["WITH", "TIME", "ZONE"]) {
                return Err(wrong(
                    &token,
                    "there is no TIMESTAMP WITH TIME ZONE: use TIMESTAMP_LTZ",
                ));
            } else {
                words(parser, &["WITHOUT", "TIME", "ZONE"]);
                DataType::Timestamp(digits)
            }
        }
        "TIMESTAMP_LTZ" => DataType::TimestampLtz(digits(parser)?.unwrap_or(6)),
        "INTERVAL" => interval(parser)?,
        "ARRAY" => {
            open(parser)?;
            let of = parse(parser, depth + 1)?;
            close(parser)?;
            DataType::Array(Box::new(of))
        }
        "MAP" => {
            open(parser)?;
            let key = parse(parser, depth + 1)?;
            parser.expect_token(&Token::Comma)?;
            let value = parse(parser, depth + 1)?;
            close(parser)?;
            DataType::Map(Box::new(key), Box::new(value))
        }
        "ROW" => DataType::Row(fields(parser, depth)?),
        _ => {
            let error = SqlError::new(span_of(token.span), "").nearest(&name, NAMES);
            let help = error.help.map_or_else(String::new, |help| format!(" ({help})"));
            return Err(wrong(&token, &format!("there is no type {}{help}", word.value)));
        }
    };
    while is_word(&parser.peek_token_ref().token, "ARRAY") {
        parser.next_token();
        ty = DataType::Array(Box::new(ty));
    }
    Ok(ty)
}

const NAMES: [&str; 22] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "STRING",
    "CHAR",
    "VARCHAR",
    "BYTES",
    "BINARY",
    "VARBINARY",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "INTERVAL",
    "ARRAY",
    "MAP",
    "ROW",
];

fn wrong(token: &sqlparser::tokenizer::TokenWithSpan, problem: &str) -> ParserError {
    let start = token.span.start;
    ParserError::ParserError(format!("{problem} at Line: {}, Column: {}", start.line, start.column))
}

/// `(n)`, if it is there.
fn argument(parser: &mut Parser<'_>) -> Result<Option<u64>, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(None);
    }
    let argument = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Some(argument))
}

fn length(parser: &mut Parser<'_>) -> Result<Option<u32>, ParserError> {
    let token = parser.peek_token();
    let Some(length) = argument(parser)? else { return Ok(None) };
    match u32::try_from(length).ok().filter(|length| (1..=i32::MAX as u32).contains(length)) {
        Some(length) => Ok(Some(length)),
        None => Err(wrong(&token, "a length is 1 to 2147483647")),
    }
}

fn digits(parser: &mut Parser<'_>) -> Result<Option<u8>, ParserError> {
    let token = parser.peek_token();
    let Some(digits) = argument(parser)? else { return Ok(None) };
    match u8::try_from(digits).ok().filter(|digits| *digits <= TIME_DIGITS_MAX) {
        Some(digits) => Ok(Some(digits)),
        None => Err(wrong(&token, "a second has 0 to 9 digits behind the point")),
    }
}

fn decimal(parser: &mut Parser<'_>) -> Result<DataType, ParserError> {
    let token = parser.peek_token();
    if !parser.consume_token(&Token::LParen) {
        return Ok(DataType::Decimal { precision: 10, scale: 0 });
    }
    let precision = parser.parse_literal_uint()?;
    let scale = if parser.consume_token(&Token::Comma) { parser.parse_literal_uint()? } else { 0 };
    parser.expect_token(&Token::RParen)?;
    if precision == 0 || precision > DECIMAL_DIGITS_MAX.into() || scale > precision {
        return Err(wrong(
            &token,
            "a DECIMAL has 1 to 38 digits, and no more of them behind the point",
        ));
    }
    Ok(DataType::Decimal { precision: precision as u8, scale: scale as u8 })
}

fn interval(parser: &mut Parser<'_>) -> Result<DataType, ParserError> {
    let is_months = |word: &str| matches!(word, "YEAR" | "MONTH");
    let mut months = None;
    loop {
        let token = parser.next_token();
        let unit = match &token.token {
            Token::Word(word) => word.value.to_ascii_uppercase(),
            _ => String::new(),
        };
        if !matches!(unit.as_str(), "YEAR" | "MONTH" | "DAY" | "HOUR" | "MINUTE" | "SECOND") {
            return Err(wrong(&token, "expected YEAR, MONTH, DAY, HOUR, MINUTE or SECOND"));
        }
        argument(parser)?;
        if *months.get_or_insert(is_months(&unit)) != is_months(&unit) {
            return Err(wrong(
                &token,
                "an interval is of years and months, or of days and seconds",
            ));
        }
        if !words(parser, &["TO"]) {
            return Ok(if months == Some(true) { DataType::Months } else { DataType::Interval });
        }
    }
}

fn open(parser: &mut Parser<'_>) -> Result<(), ParserError> {
    parser.expect_token(&Token::Lt).map(drop)
}

fn close(parser: &mut Parser<'_>) -> Result<(), ParserError> {
    parser.expect_token(&Token::Gt).map(drop)
}

/// The fields of a ROW, in `<>` or in parentheses.
fn fields(parser: &mut Parser<'_>, depth: usize) -> Result<Vec<Field>, ParserError> {
    let in_parens = parser.consume_token(&Token::LParen);
    if !in_parens {
        open(parser)?;
    }
    let mut fields = Vec::new();
    loop {
        let name = parser.parse_identifier()?;
        let ty = parse(parser, depth + 1)?;
        let not_null = words(parser, &["NOT", "NULL"]);
        words(parser, &["NULL"]);
        fields.push(Field { name: name.value, ty, nullable: !not_null });
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    match in_parens {
        true => parser.expect_token(&Token::RParen).map(drop)?,
        false => close(parser)?,
    }
    Ok(fields)
}
