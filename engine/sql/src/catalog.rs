//! The tables and views that a job's text creates.

use std::collections::BTreeMap;

use sqlparser::ast::Ident;
use tidewire_event::{DataType, Field};

use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::parse::EmitQuery;
use crate::plan::EventTime;

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, those that are computed behind those that are read.
    pub columns: Vec<TableColumn>,
    /// The columns in the order in which the text has them: what `SELECT *` shows.
    pub order: Vec<usize>,
    /// When its events happen.
    pub time: Option<EventTime>,
    /// The columns of its primary key.
    pub primary_key: Vec<usize>,
    /// What reads and writes it.
    pub connector: String,
    /// The connector's options.
    pub options: BTreeMap<String, String>,
    /// Where each option stands in the text.
    pub option_places: BTreeMap<String, Span>,
    /// Where it is created.
    pub at: Span,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct TableColumn {
    /// Its name and type.
    pub field: Field,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a column comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// From the data.
    Physical,
    /// From what the connector knows of a row beside its data, by this key.
    Metadata(String),
    /// From the columns before it.
    Computed(Expr),
}

/// The columns that a feed has by itself.
#[derive(Debug, Clone)]
pub struct FeedColumns {
    /// The columns.
    pub fields: Vec<Field>,
    /// The one with the time of events.
    pub time: Option<usize>,
    /// How many ns an event may come behind a later one.
    pub delay: i64,
}

/// What is known of connectors while a job's text is read.
pub trait Connectors {
    /// The columns of a feed, if the connector is one: then a table need not name them.
    ///
    /// # Errors
    /// There is no such connector, or its options say nothing that it can read: the option, if it is one, and what is wrong.
    fn feed(
        &self,
        connector: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Option<FeedColumns>, (Option<String>, String)>;
}

/// A view.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: EmitQuery,
}

/// All tables and views.
#[derive(Debug, Default)]
pub struct Catalog {
    pub(crate) tables: BTreeMap<String, Table>,
    pub(crate) views: BTreeMap<String, View>,
}

impl Catalog {
    /// The table of a name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// The names of all tables and views, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> =
            self.tables.keys().chain(self.views.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.contains_key(name)
    }

    pub(crate) fn missing(&self, name: &Ident) -> SqlError {
        let at = crate::parse::span_of(name.span);
        SqlError::new(at, format!("there is no table {}", name.value))
            .nearest(&name.value, self.names())
    }
}

impl Table {
    /// The columns that `INSERT INTO` fills, by their numbers.
    #[must_use]
    pub fn written(&self) -> Vec<usize> {
        let is_written = |at: &usize| matches!(self.columns[*at].origin, Origin::Physical);
        self.order.iter().copied().filter(is_written).collect()
    }

    /// The type of its event time.
    #[must_use]
    pub fn time_type(&self) -> Option<&DataType> {
        self.time.as_ref().map(|time| &self.columns[time.column].field.ty)
    }
}
