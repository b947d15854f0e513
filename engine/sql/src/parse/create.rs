//! `CREATE TABLE`.

use sqlparser::ast::{Expr, Ident};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use tidewire_event::DataType;

use super::types::parse_type;
use super::{name, need, need_word, span_of, text, unexpected, with, word, words};
use crate::error::{Span, SqlError};

/// A table that is created.
#[derive(Debug, Clone)]
pub struct CreateTable {
    /// Its name.
    pub name: Ident,
    /// Whether a table of this name may be there already, which then stays.
    pub if_not_exists: bool,
    /// Its columns. None: those of its feed.
    pub columns: Vec<ColumnDef>,
    /// The column with the time of events, and the watermark.
    pub watermark: Option<(Ident, Expr)>,
    /// The columns of its primary key, which is not enforced.
    pub primary_key: Vec<Ident>,
    /// Its options.
    pub options: Vec<TableOption>,
}

/// `'name' = 'value'`, with the place of both.
#[derive(Debug, Clone)]
pub struct TableOption {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Where it stands.
    pub at: Span,
}

/// A column that is created.
#[derive(Debug, Clone)]
pub struct ColumnDef {
    /// Its name.
    pub name: Ident,
    /// What it is.
    pub kind: ColumnKind,
}

/// Where a column comes from.
#[derive(Debug, Clone)]
pub enum ColumnKind {
    /// From the data.
    Physical {
        /// Its type.
        ty: DataType,
        /// Whether it is never NULL.
        not_null: bool,
    },
    /// `AS expression`.
    Computed(Box<Expr>),
    /// `type METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata {
        /// Its type.
        ty: DataType,
        /// What it is called, where that is not its name.
        key: Option<String>,
        /// Whether it is only read.
        is_virtual: bool,
    },
}

/// Parses what follows `CREATE TABLE`.
pub(super) fn table(parser: &mut Parser<'_>) -> Result<CreateTable, SqlError> {
    let if_not_exists = words(parser, &["IF", "NOT", "EXISTS"]);
    let name = name(parser)?;
    let mut table = CreateTable {
        name,
        if_not_exists,
        columns: Vec::new(),
        watermark: None,
        primary_key: Vec::new(),
        options: Vec::new(),
    };
    if parser.consume_token(&Token::LParen) {
        loop {
            element(parser, &mut table)?;
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
        need(parser, &Token::RParen)?;
    }
    if word(parser, "COMMENT") {
        text(parser, "a comment")?;
    }
    if word(parser, "PARTITIONED") {
        let at = span_of(parser.peek_token_ref().span);
        return Err(SqlError::new(at, "PARTITIONED BY is not supported"));
    }
    if !word(parser, "WITH") {
        return Err(unexpected(parser, "WITH (the table's connector and its options)"));
    }
    need(parser, &Token::LParen)?;
    loop {
        let at = span_of(parser.peek_token_ref().span);
        let name = text(parser, "the name of an option")?;
        need(parser, &Token::Eq)?;
        let value = text(parser, "the value of the option")?;
        if table.options.iter().any(|option| option.name == name) {
            return Err(SqlError::new(at, format!("the option '{name}' is given twice")));
        }
        table.options.push(TableOption { name, value, at });
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    need(parser, &Token::RParen)?;
    if word(parser, "LIKE") {
        let at = span_of(parser.peek_token_ref().span);
        return Err(SqlError::new(at, "LIKE is not supported").help("write out the columns"));
    }
    Ok(table)
}

fn element(parser: &mut Parser<'_>, table: &mut CreateTable) -> Result<(), SqlError> {
    let at = span_of(parser.peek_token_ref().span);
    if words(parser, &["WATERMARK", "FOR"]) {
        let column = with(parser, Parser::parse_identifier)?;
        need_word(parser, "AS")?;
        let expr = with(parser, Parser::parse_expr)?;
        if table.watermark.is_some() {
            return Err(SqlError::new(at, "a table has one watermark"));
        }
        table.watermark = Some((column, expr));
        return Ok(());
    }
    if word(parser, "CONSTRAINT") {
        name(parser)?;
    }
    if words(parser, &["PRIMARY", "KEY"]) {
        one_key(table, at)?;
        need(parser, &Token::LParen)?;
        table.primary_key =
            with(parser, |parser| parser.parse_comma_separated(Parser::parse_identifier))?;
        need(parser, &Token::RParen)?;
        return not_enforced(parser);
    }
    let column = column(parser, table)?;
    let same = |other: &ColumnDef| other.name.value == column.name.value;
    if table.columns.iter().any(same) {
        let problem = format!("the column {} is there already", column.name);
        return Err(SqlError::new(span_of(column.name.span), problem));
    }
    table.columns.push(column);
    Ok(())
}

fn one_key(table: &CreateTable, at: Span) -> Result<(), SqlError> {
    match table.primary_key.is_empty() {
        true => Ok(()),
        false => Err(SqlError::new(at, "a table has one primary key")
            .help("PRIMARY KEY (a, b) NOT ENFORCED has several columns")),
    }
}

fn not_enforced(parser: &mut Parser<'_>) -> Result<(), SqlError> {
    if words(parser, &["NOT", "ENFORCED"]) {
        return Ok(());
    }
    Err(unexpected(parser, "NOT ENFORCED (nothing checks the keys of what is read)"))
}

fn column(parser: &mut Parser<'_>, table: &mut CreateTable) -> Result<ColumnDef, SqlError> {
    let name = name(parser)?;
    if word(parser, "AS") {
        let expr = with(parser, Parser::parse_expr)?;
        comment(parser)?;
        return Ok(ColumnDef { name, kind: ColumnKind::Computed(Box::new(expr)) });
    }
    let ty = with(parser, parse_type)?;
    let mut not_null = words(parser, &["NOT", "NULL"]);
    words(parser, &["NULL"]);
    if word(parser, "METADATA") {
        let key = if word(parser, "FROM") { Some(text(parser, "a key")?) } else { None };
        let is_virtual = word(parser, "VIRTUAL");
        comment(parser)?;
        return Ok(ColumnDef { name, kind: ColumnKind::Metadata { ty, key, is_virtual } });
    }
    let at = span_of(parser.peek_token_ref().span);
    if words(parser, &["PRIMARY", "KEY"]) {
        one_key(table, at)?;
        not_enforced(parser)?;
        table.primary_key.push(name.clone());
        not_null = true;
    }
    comment(parser)?;
    Ok(ColumnDef { name, kind: ColumnKind::Physical { ty, not_null } })
}

fn comment(parser: &mut Parser<'_>) -> Result<(), SqlError> {
    if word(parser, "COMMENT") {
        text(parser, "a comment")?;
    }
    Ok(())
}
