//! What Flink's expressions have that `sqlparser` does not know.

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Value,
};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::types::parse_type;
use super::words;

/// The function that a table as an argument is made of: `TABLE t PARTITION BY k` is `TABLE(t, k)`.
pub(crate) const TABLE: &str = "TABLE";

/// Flink's SQL.
#[derive(Debug)]
pub(crate) struct FlinkDialect;

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`' || ch == '"'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_' || ch == '$'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_match_recognize(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let Token::Word(word) = &parser.peek_token_ref().token else { return None };
        let is_call = parser.peek_nth_token_ref(1).token == Token::LParen;
        match word.keyword {
            _ if word.quote_style.is_some() => None,
            Keyword::TABLE if !is_call => Some(parse_table(parser)),
            Keyword::CAST if is_call => Some(parse_cast(parser, CastKind::Cast)),
            Keyword::TRY_CAST if is_call => Some(parse_cast(parser, CastKind::TryCast)),
            // `MAP['a', 1]`: what is `['a', 1]` of a column `MAP` to others.
            Keyword::MAP if parser.peek_nth_token_ref(1).token == Token::LBracket => {
                Some(parse_map(parser))
            }
            _ if is_call && is_json_function(&word.value) => Some(parse_json(parser)),
            // A type before a text: TIMESTAMP_LTZ is none that is known elsewhere.
            _ if word.value.eq_ignore_ascii_case("TIMESTAMP_LTZ")
                && matches!(parser.peek_nth_token_ref(1).token, Token::SingleQuotedString(_)) =>
            {
                Some(parse_moment(parser))
            }
            _ => None,
        }
    }
}

fn call(name: Ident, args: Vec<Expr>) -> Expr {
    let unnamed = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(unnamed).collect(),
            clauses: Vec::new(),
        }),
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    })
}

/// `TABLE t [PARTITION BY a, b]`, also in parentheses.
fn parse_table(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    let mut args = vec![Expr::Identifier(parser.parse_identifier()?)];
    if parser.parse_keywords(&[Keyword::PARTITION, Keyword::BY]) {
        let in_parens = parser.consume_token(&Token::LParen);
        // A comma behind an unparenthesised column ends the argument, unless another column follows that is no call.
        loop {
            args.push(Expr::Identifier(parser.parse_identifier()?));
            let goes_on = parser.peek_token_ref().token == Token::Comma
                && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
                && matches!(parser.peek_nth_token_ref(2).token, Token::Comma | Token::RParen)
                && (in_parens || parser.peek_nth_token_ref(2).token == Token::Comma);
            if !goes_on {
                break;
            }
            parser.next_token();
        }
        if in_parens {
            parser.expect_token(&Token::RParen)?;
        }
    }
    Ok(call(Ident::with_span(token.span, TABLE), args))
}

/// `CAST(x AS type)`: the type goes through as its text, which [`type_of`](super::type_of) reads.
fn parse_cast(parser: &mut Parser<'_>, kind: CastKind) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    parser.expect_keyword(Keyword::AS)?;
    let ty = parse_type(parser)?;
    parser.expect_token(&Token::RParen)?;
    let name = Ident::with_span(token.span, ty.to_string());
    let data_type =
        DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(name)]), Vec::new());
    Ok(Expr::Cast { kind, expr: Box::new(expr), data_type, format: None })
}

/// `MAP[key, value, ...]`.
fn parse_map(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    parser.expect_token(&Token::LBracket)?;
    let mut args = Vec::new();
    if parser.peek_token_ref().token != Token::RBracket {
        args = parser.parse_comma_separated(Parser::parse_expr)?;
    }
    parser.expect_token(&Token::RBracket)?;
    Ok(call(Ident::with_span(token.span, "MAP"), args))
}

/// `TIMESTAMP_LTZ '2020-01-01 00:00:00Z'`.
fn parse_moment(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    let text = parser.parse_expr()?;
    let name = Ident::with_span(token.span, "TIMESTAMP_LTZ(9)");
    let data_type =
        DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(name)]), Vec::new());
    Ok(Expr::Cast { kind: CastKind::Cast, expr: Box::new(text), data_type, format: None })
}

fn is_json_function(name: &str) -> bool {
    ["JSON_VALUE", "JSON_QUERY"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `JSON_VALUE(text, path [RETURNING type])`: the value, cast with TRY_CAST to the type; and
/// `JSON_QUERY(text, path [[WITH|WITHOUT] [CONDITIONAL] [ARRAY] WRAPPER])`, with the wrapper as a text behind the path.
/// What follows `NULL ON EMPTY` and `NULL ON ERROR` is what both do.
fn parse_json(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let token = parser.next_token();
    let name = token.token.to_string().to_uppercase();
    parser.expect_token(&Token::LParen)?;
    let mut args = vec![parser.parse_expr()?];
    while parser.consume_token(&Token::Comma) {
        args.push(parser.parse_expr()?);
    }
    let mut returning = None;
    if name == "JSON_VALUE" && words(parser, &["RETURNING"]) {
        returning = Some(parse_type(parser)?);
    }
    if name == "JSON_QUERY" {
        let wrapper = match () {
            () if words(parser, &["WITHOUT"]) => Some("WITHOUT"),
            () if words(parser, &["WITH", "CONDITIONAL"]) => Some("CONDITIONAL"),
            () if words(parser, &["WITH"]) => Some("WITH"),
            () => None,
        };
        if let Some(wrapper) = wrapper {
            words(parser, &["UNCONDITIONAL"]);
            words(parser, &["ARRAY"]);
            if !words(parser, &["WRAPPER"]) {
                return parser.expected("WRAPPER", parser.peek_token());
            }
            args.push(Expr::value(Value::SingleQuotedString(wrapper.to_owned())));
        }
    }
    words(parser, &["NULL", "ON", "EMPTY"]);
    words(parser, &["NULL", "ON", "ERROR"]);
    parser.expect_token(&Token::RParen)?;
    let expr = call(Ident::with_span(token.span, name), args);
    Ok(match returning {
        None => expr,
        Some(ty) => {
            let name = Ident::with_span(token.span, ty.to_string());
            let data_type =
                DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(name)]), Vec::new());
            Expr::Cast { kind: CastKind::TryCast, expr: Box::new(expr), data_type, format: None }
        }
    })
}
