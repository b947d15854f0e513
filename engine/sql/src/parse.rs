//! The text of a job, as statements.
//!
//! 1. The text is cut into statements at the token level, so that an error in one is reported where it stands.
//! 2. Queries and expressions are parsed by `sqlparser`, with a [`dialect`] for what it does not know. Statements that
//!    Flink writes in a way of its own (`CREATE TABLE` with `WATERMARK FOR`, `SET`, statement sets) are parsed here.

mod create;
mod dialect;
mod types;

use sqlparser::ast::{Expr, Ident, Query, Spanned};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError};

use self::dialect::FlinkDialect;
use crate::error::{Span, SqlError};
use crate::plan::Emit;

pub use create::{ColumnDef, ColumnKind, CreateTable, TableOption};
pub use types::type_of;

/// How deep expressions and queries may be nested.
const DEPTH_MAX: usize = 64;

/// A statement, and where it begins.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Where it begins.
    pub at: Span,
    /// What it says.
    pub kind: StatementKind,
}

/// What a statement says.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `CREATE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE [TEMPORARY] VIEW name [(columns)] AS query`.
    CreateView {
        /// Its name.
        name: Ident,
        /// The names of its columns, where they are given.
        columns: Vec<Ident>,
        /// Whether a view of this name may be there already, which then stays.
        if_not_exists: bool,
        /// What it shows.
        query: EmitQuery,
    },
    /// `INSERT INTO table [(columns)] query`.
    Insert {
        /// The table.
        table: Ident,
        /// The columns that are given, if they are named.
        columns: Vec<Ident>,
        /// The rows.
        query: EmitQuery,
    },
    /// A query whose rows are shown.
    Select(EmitQuery),
    /// `EXPLAIN [PLAN FOR] statement`.
    Explain(Box<Statement>),
    /// `SHOW TABLES`.
    ShowTables,
    /// `DESCRIBE table`.
    Describe(Ident),
    /// `DROP TABLE` or `DROP VIEW`.
    Drop {
        /// What.
        name: Ident,
        /// Whether it is a view.
        is_view: bool,
        /// Whether it may be missing.
        if_exists: bool,
    },
    /// `SET`, of all or of one.
    Set(Option<Setting>),
    /// `RESET`, of all or of one.
    Reset(Option<String>),
}

/// `'name' = 'value'`.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Where the name stands.
    pub at: Span,
}

/// A query, with `EMIT ON ...` behind it.
#[derive(Debug, Clone)]
pub struct EmitQuery {
    /// The query.
    pub query: Box<Query>,
    /// When its results leave.
    pub emit: Emit,
}

/// The statements of a job's text.
///
/// # Errors
/// What can not be parsed, with its place.
pub fn parse(text: &str) -> Result<Vec<Statement>, SqlError> {
    let tokens = tokens_of(text)?;
    let mut statements = Vec::new();
    for tokens in tokens.split(|token| token.token == Token::SemiColon) {
        let tokens: Vec<_> = tokens.iter().filter(|token| !is_blank(token)).cloned().collect();
        if let Some(first) = tokens.first() {
            let at = span_of(first.span);
            if let Some(kind) = parse_statement(tokens)? {
                statements.push(Statement { at, kind });
            }
        }
    }
    Ok(statements)
}

/// An expression by itself: what documents and tests have.
///
/// # Errors
/// What can not be parsed.
pub fn parse_expr(text: &str) -> Result<Expr, SqlError> {
    let mut parser = parser_of(tokens_of(text)?);
    let expr = parser.parse_expr().map_err(|error| parser_error(&error, &parser))?;
    end(&parser)?;
    Ok(expr)
}

/// The tokens of a text. There are no shifts here: `>>` closes two types.
fn tokens_of(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let tokens = Tokenizer::new(&FlinkDialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| tokenizer_error(&error))?;
    let halves = |token: TokenWithSpan| match token.token {
        Token::ShiftRight => [Some(Token::Gt), Some(Token::Gt)]
            .map(|half| half.map(|half| TokenWithSpan::new(half, token.span))),
        _ => [Some(token), None],
    };
    Ok(tokens.into_iter().flat_map(halves).flatten().collect())
}

fn is_blank(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

/// A parser of these tokens and their end, which has a place too.
fn parser_of(mut tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    let end = tokens.last().map_or(Location::new(1, 1), |last| last.span.end);
    tokens.push(TokenWithSpan::new(Token::EOF, sqlparser::tokenizer::Span::new(end, end)));
    Parser::new(&FlinkDialect).with_recursion_limit(DEPTH_MAX).with_tokens_with_locations(tokens)
}

/// Where something of `sqlparser`'s stands.
#[must_use]
pub fn span_of(span: sqlparser::tokenizer::Span) -> Span {
    let (start, end) = (span.start, span.end);
    let end_column = if end.line == start.line { end.column } else { 0 };
    Span { line: start.line as u32, column: start.column as u32, end: end_column as u32 }
}

/// Where a part of a query stands.
pub fn place_of(part: &impl Spanned) -> Span {
    span_of(part.span())
}

fn tokenizer_error(error: &TokenizerError) -> SqlError {
    let (line, column) = (error.location.line as u32, error.location.column as u32);
    SqlError::new(Span { line, column, end: 0 }, error.message.clone())
}

/// The error with the place of the token that the parser stopped at.
fn parser_error(error: &ParserError, parser: &Parser<'_>) -> SqlError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            let at = span_of(parser.peek_token_ref().span);
            return SqlError::new(at, format!("this is nested more than {DEPTH_MAX} deep"))
                .help("give the inner parts names with WITH or CREATE VIEW");
        }
    };
    let (what, place) = message.rsplit_once(" at Line: ").unwrap_or((message.as_str(), ""));
    let mut numbers = place.split(", Column: ").map(str::parse::<u32>);
    let at = match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) if line > 0 => Span { line, column, end: 0 },
        _ => span_of(parser.peek_token_ref().span),
    };
    let what = what.strip_prefix("sql parser error: ").unwrap_or(what);
    let what = what.strip_prefix("Expected: ").map_or(what.to_owned(), |what| {
        format!("expected {}", what.replace(", found: ", ", found "))
    });
    SqlError::new(at, what.replace("found EOF", "found the end of the statement"))
}

/// An error at the next token.
fn unexpected(parser: &Parser<'_>, expected: &str) -> SqlError {
    let found = match &parser.peek_token_ref().token {
        Token::EOF => "the end of the statement".to_owned(),
        token => token.to_string(),
    };
    SqlError::new(
        span_of(parser.peek_token_ref().span),
        format!("expected {expected}, found {found}"),
    )
}

fn end(parser: &Parser<'_>) -> Result<(), SqlError> {
    match parser.peek_token_ref().token {
        Token::EOF => Ok(()),
        _ => Err(unexpected(parser, "the end of the statement")),
    }
}

/// Whether the next token is this word, which need not be a keyword of `sqlparser`; then it is taken.
fn word(parser: &mut Parser<'_>, word: &str) -> bool {
    let is_it = is_word(&parser.peek_token_ref().token, word);
    if is_it {
        parser.next_token();
    }
    is_it
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(it) if it.quote_style.is_none() && it.value.eq_ignore_ascii_case(word))
}

fn words(parser: &mut Parser<'_>, all: &[&str]) -> bool {
    let next = |at: usize| &parser.peek_nth_token_ref(at).token;
    let are_next = all.iter().enumerate().all(|(at, word)| is_word(next(at), word));
    if are_next {
        all.iter().for_each(|_| drop(parser.next_token()));
    }
    are_next
}

fn need_word(parser: &mut Parser<'_>, expected: &str) -> Result<(), SqlError> {
    if word(parser, expected) { Ok(()) } else { Err(unexpected(parser, expected)) }
}

fn need(parser: &mut Parser<'_>, expected: &Token) -> Result<(), SqlError> {
    if parser.consume_token(expected) {
        Ok(())
    } else {
        Err(unexpected(parser, &format!("'{expected}'")))
    }
}

/// Parses with one of `sqlparser`'s own functions.
fn with<'p, T>(
    parser: &mut Parser<'p>,
    parse: impl FnOnce(&mut Parser<'p>) -> Result<T, ParserError>,
) -> Result<T, SqlError> {
    parse(parser).map_err(|error| parser_error(&error, parser))
}

/// A name. `catalog.database.name` is not known here.
fn name(parser: &mut Parser<'_>) -> Result<Ident, SqlError> {
    let name = with(parser, Parser::parse_identifier)?;
    match parser.peek_token_ref().token {
        Token::Period => Err(SqlError::new(
            span_of(name.span),
            "names have one part only: there are no catalogs or databases",
        )),
        _ => Ok(name),
    }
}

fn text(parser: &mut Parser<'_>, meaning: &str) -> Result<String, SqlError> {
    match &parser.peek_token_ref().token {
        Token::SingleQuotedString(text) => {
            let text = text.clone();
            parser.next_token();
            Ok(text)
        }
        _ => Err(unexpected(parser, &format!("{meaning} in quotes, 'so'"))),
    }
}

/// A statement of these tokens; none for what only frames others.
fn parse_statement(mut tokens: Vec<TokenWithSpan>) -> Result<Option<StatementKind>, SqlError> {
    let at = tokens.first().map_or(Span::NONE, |first| span_of(first.span));
    let emit = take_emit(&mut tokens);
    let parser = &mut parser_of(tokens);
    if words(parser, &["EXECUTE", "STATEMENT", "SET", "BEGIN"])
        || words(parser, &["BEGIN", "STATEMENT", "SET"])
    {
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(None);
        }
    } else if words(parser, &["END"]) {
        end(parser)?;
        return Ok(None);
    }
    let kind = parse_kind(parser, emit)?;
    end(parser)?;
    if emit.is_some() && !takes_emit(&kind) {
        return Err(SqlError::new(at, "EMIT stands behind a query only"));
    }
    Ok(Some(kind))
}

fn takes_emit(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Select(_)
        | StatementKind::Insert { .. }
        | StatementKind::CreateView { .. } => true,
        StatementKind::Explain(statement) => takes_emit(&statement.kind),
        _ => false,
    }
}

/// Takes `EMIT ON WINDOW CLOSE` or `EMIT ON ARRIVAL` off the end of a statement.
fn take_emit(tokens: &mut Vec<TokenWithSpan>) -> Option<Emit> {
    let ends = [
        (&["EMIT", "ON", "WINDOW", "CLOSE"][..], Emit::Complete),
        (&["EMIT", "ON", "ARRIVAL"], Emit::OnArrival),
    ];
    for (words, emit) in ends {
        let Some(from) = tokens.len().checked_sub(words.len()) else { continue };
        if tokens[from..].iter().zip(words).all(|(token, word)| is_word(&token.token, word)) {
            tokens.truncate(from);
            return Some(emit);
        }
    }
    None
}

fn parse_kind(parser: &mut Parser<'_>, emit: Option<Emit>) -> Result<StatementKind, SqlError> {
    let query = |parser: &mut Parser<'_>| {
        let query = with(parser, Parser::parse_query)?;
        Ok(EmitQuery { query, emit: emit.unwrap_or_default() })
    };
    let at = span_of(parser.peek_token_ref().span);
    if word(parser, "CREATE") {
        let is_temporary = word(parser, "TEMPORARY");
        if word(parser, "TABLE") {
            return create::table(parser).map(|table| StatementKind::CreateTable(Box::new(table)));
        }
        if !word(parser, "VIEW") {
            let expected = if is_temporary { "TABLE or VIEW" } else { "TABLE, VIEW or TEMPORARY" };
            return Err(unexpected(parser, expected));
        }
        let if_not_exists = words(parser, &["IF", "NOT", "EXISTS"]);
        let name = name(parser)?;
        let columns = column_names(parser)?;
        need_word(parser, "AS")?;
        return Ok(StatementKind::CreateView {
            name,
            columns,
            if_not_exists,
            query: query(parser)?,
        });
    }
    if word(parser, "INSERT") {
        if word(parser, "OVERWRITE") {
            return Err(
                SqlError::new(at, "INSERT OVERWRITE is not supported").help("use INSERT INTO")
            );
        }
        need_word(parser, "INTO")?;
        let table = name(parser)?;
        let columns = column_names(parser)?;
        return Ok(StatementKind::Insert { table, columns, query: query(parser)? });
    }
    if word(parser, "EXPLAIN") {
        words(parser, &["PLAN", "FOR"]);
        let at = span_of(parser.peek_token_ref().span);
        let kind = parse_kind(parser, emit)?;
        return Ok(StatementKind::Explain(Box::new(Statement { at, kind })));
    }
    if word(parser, "SHOW") {
        need_word(parser, "TABLES")?;
        return Ok(StatementKind::ShowTables);
    }
    if word(parser, "DESCRIBE") || word(parser, "DESC") {
        return Ok(StatementKind::Describe(name(parser)?));
    }
    if word(parser, "DROP") {
        word(parser, "TEMPORARY");
        let is_view = word(parser, "VIEW");
        if !is_view {
            need_word(parser, "TABLE")?;
        }
        let if_exists = words(parser, &["IF", "EXISTS"]);
        return Ok(StatementKind::Drop { name: name(parser)?, is_view, if_exists });
    }
    if word(parser, "SET") {
        return parse_set(parser);
    }
    if word(parser, "RESET") {
        let all = parser.peek_token_ref().token == Token::EOF;
        let name = if all { None } else { Some(text(parser, "the name of a setting")?) };
        return Ok(StatementKind::Reset(name));
    }
    match parser.peek_token_ref().token {
        Token::LParen => {}
        _ => {
            let starts = [Keyword::SELECT, Keyword::WITH, Keyword::VALUES];
            let is_query = starts
                .iter()
                .any(|word| is_word(&parser.peek_token_ref().token, &word.to_string()));
            if !is_query {
                let known = "CREATE, INSERT, SELECT, WITH, VALUES, EXPLAIN, SHOW, DESCRIBE, DROP, SET or RESET";
                return Err(unexpected(parser, known));
            }
        }
    }
    Ok(StatementKind::Select(query(parser)?))
}

fn parse_set(parser: &mut Parser<'_>) -> Result<StatementKind, SqlError> {
    let at = span_of(parser.peek_token_ref().span);
    if parser.peek_token_ref().token == Token::EOF {
        return Ok(StatementKind::Set(None));
    }
    let name = text(parser, "the name of a setting")?;
    need(parser, &Token::Eq)?;
    let value = text(parser, "the value")?;
    Ok(StatementKind::Set(Some(Setting { name, value, at })))
}

/// `(a, b)`, if it is there and is not a query.
fn column_names(parser: &mut Parser<'_>) -> Result<Vec<Ident>, SqlError> {
    let starts_query = |token: &Token| {
        ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(token, word))
            || *token == Token::LParen
    };
    if parser.peek_token_ref().token != Token::LParen
        || starts_query(&parser.peek_nth_token_ref(1).token)
    {
        return Ok(Vec::new());
    }
    need(parser, &Token::LParen)?;
    let names = with(parser, |parser| parser.parse_comma_separated(Parser::parse_identifier))?;
    need(parser, &Token::RParen)?;
    Ok(names)
}

#[cfg(test)]
mod tests;
