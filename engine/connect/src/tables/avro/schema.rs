//! Schemas, worked out for the columns of a table.
//!
//! 1. A schema is JSON; its record's fields belong to the columns of the same names.
//! 2. Where a field has no column its form is that of its Avro type alone, so that it can be passed over.
//! 3. Depth and size of what is worked out have bounds: named types may be referred to again and again.
//!
//! Source: Apache Avro 1.12, "Schema Declaration" and "Logical Types".

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tidewire_event::{DataType, Field as Column};

use super::super::nearest;
use super::form::{Field, Form, Record};
use super::plain::{PLAIN, bytes, misfit, plain};

/// How deep types may lie in each other.
const DEPTH_MAX: usize = 64;
/// The most types of a schema, each counted as often as it is referred to.
const FORMS_MAX: usize = 65_536;

/// What is wrong with a schema, or does not fit to a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place.as_ref().map_or_else(String::new, |place| format!("field '{place}': ")))]
pub(super) struct BadSchema {
    /// The field, with those that it lies in.
    pub(super) place: Option<String>,
    pub(super) problem: String,
}

/// Works out a schema for columns.
///
/// # Errors
/// It is no schema of a record, or does not fit to the columns. `writes`: a field has no column, and may not be null.
pub(super) fn record(schema: &Json, columns: &[Column], writes: bool) -> Result<Record, BadSchema> {
    let mut compiler = Compiler {
        names: BTreeMap::new(),
        path: Vec::new(),
        within: Vec::new(),
        depth: 0,
        forms: 0,
        writes,
    };
    let row = DataType::Row(columns.to_vec());
    let problem = match compiler.form(schema, "", Some(&row)) {
        Ok(Form::Record(record)) => return Ok(record),
        Ok(_) => "it is no record".to_owned(),
        Err(problem) => problem,
    };
    let place = (!compiler.path.is_empty()).then(|| compiler.path.join("."));
    Err(BadSchema { place, problem })
}

/// A named type, and the namespace that names in it are of.
type Named<'s> = (&'s Json, String);

struct Compiler<'s> {
    names: BTreeMap<String, Named<'s>>,
    /// The fields that lead to what is worked out now; they stay there after an error.
    path: Vec<String>,
    /// The records that it lies in.
    within: Vec<String>,
    depth: usize,
    forms: usize,
    writes: bool,
}

impl<'s> Compiler<'s> {
    fn form(
        &mut self,
        schema: &'s Json,
        space: &str,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        self.forms += 1;
        if self.forms > FORMS_MAX {
            return Err(format!("the schema has more than {FORMS_MAX} types: leave some out"));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} types in each other"));
        }
        let form = self.type_of(schema, space, ty)?;
        self.depth -= 1;
        Ok(form)
    }

    fn type_of(
        &mut self,
        schema: &'s Json,
        space: &str,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        match schema {
            Json::String(name) => match plain(name, None, schema, ty)? {
                Some(form) => Ok(form),
                None => self.reference(name, space, ty),
            },
            Json::Array(branches) => self.union(branches, space, ty),
            Json::Object(object) => match object.get("type") {
                Some(Json::String(name)) => self.object(name, schema, space, ty),
                Some(inner) => self.form(inner, space, ty),
                None => Err(format!("a type without 'type': {}", excerpt(&schema.to_string()))),
            },
            other => Err(format!("'{}' is no type", excerpt(&other.to_string()))),
        }
    }

    /// A type that was named before.
    fn reference(
        &mut self,
        name: &str,
        space: &str,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        let full = full_name(name, space);
        let named = self.names.get(&full).or_else(|| self.names.get(name)).cloned();
        let Some((schema, space)) = named else {
            let known: Vec<_> = self.names.keys().map(String::as_str).chain(PLAIN).collect();
            return Err(format!("no type is called '{name}'{}", nearest(name, &known)));
        };
        self.form(schema, &space, ty)
    }

    fn union(
        &mut self,
        branches: &'s [Json],
        space: &str,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        if branches.iter().any(Json::is_array) {
            return Err("a union in a union".to_owned());
        }
        let forms = branches.iter().map(|branch| self.form(branch, space, ty));
        forms.collect::<Result<_, _>>().map(Form::Union)
    }

    fn object(
        &mut self,
        name: &str,
        schema: &'s Json,
        space: &str,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        let part = |key: &str| schema.get(key).ok_or_else(|| format!("'{name}' without '{key}'"));
        let misfit = |fitting: &str| misfit(name, ty, fitting);
        match name {
            "array" => match ty {
                None => Ok(Form::Array(Box::new(self.form(part("items")?, space, None)?))),
                Some(DataType::Array(of)) => {
                    Ok(Form::Array(Box::new(self.form(part("items")?, space, Some(of))?)))
                }
                Some(_) => Err(misfit("ARRAY")),
            },
            "map" => match ty {
                None => Ok(Form::Map(Box::new(self.form(part("values")?, space, None)?))),
                Some(DataType::Map(key, of)) if key.is_text() => {
                    Ok(Form::Map(Box::new(self.form(part("values")?, space, Some(of))?)))
                }
                Some(_) => Err(misfit("MAP of STRING")),
            },
            "enum" => {
                self.name(schema, space)?;
                let symbols = part("symbols")?.as_array().map(Vec::as_slice).unwrap_or_default();
                let symbols = symbols.iter().map(|symbol| symbol.as_str().map(str::to_owned));
                let symbols: Option<Vec<_>> = symbols.collect();
                let symbols = symbols.filter(|symbols| !symbols.is_empty());
                let symbols = symbols.ok_or("the 'symbols' of an enum are a list of names")?;
                match ty {
                    Some(ty) if !ty.is_text() => Err(misfit("STRING")),
                    _ => Ok(Form::Enum(symbols)),
                }
            }
            "fixed" => {
                self.name(schema, space)?;
                let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or("the 'size' of a fixed is a number of bytes")?;
                bytes(name, Some(size), schema, ty)
            }
            "record" | "error" => {
                let (full, space) = self.name(schema, space)?;
                self.record(full, &space, part("fields")?, ty)
            }
            // What is known by a logical type, or by none.
            other => {
                match plain(other, schema.get("logicalType").and_then(Json::as_str), schema, ty)? {
                    Some(form) => Ok(form),
                    None => self.reference(other, space, ty),
                }
            }
        }
    }

    /// Takes in the name of a type: its full name, and the namespace of names in it.
    fn name(&mut self, schema: &'s Json, space: &str) -> Result<(String, String), String> {
        let name = schema.get("name").and_then(Json::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or("a record, enum or fixed without a 'name'")?;
        let given = schema.get("namespace").and_then(Json::as_str).unwrap_or(space);
        let full = full_name(name, given);
        let space = full.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
        let before = self.names.insert(full.clone(), (schema, space.clone()));
        match before.is_some_and(|(before, _)| !std::ptr::eq(before, schema)) {
            true => Err(format!("two types are called '{full}'")),
            false => Ok((full, space)),
        }
    }

    fn record(
        &mut self,
        full: String,
        space: &str,
        fields: &'s Json,
        ty: Option<&DataType>,
    ) -> Result<Form, String> {
        let columns: &[Column] = match ty {
            None => &[],
            Some(DataType::Row(columns)) => columns,
            Some(_) => return Err(misfit("record", ty, "ROW")),
        };
        if self.within.contains(&full) {
            return Err(format!("the record '{full}' has itself in it, which no row can have"));
        }
        self.within.push(full);
        let fields = fields.as_array().ok_or("the 'fields' of a record are a list")?;
        let mut record = Record { fields: Vec::new(), columns: columns.len() };
        for field in fields {
            let name = field.get("name").and_then(Json::as_str);
            let name = name.ok_or("a field of a record without a 'name'")?;
            self.path.push(name.to_owned());
            if record.fields.iter().any(|other| other.name == name) {
                return Err("the record has two fields of this name".to_owned());
            }
            let of = field.get("type").ok_or("a field without a 'type'")?;
            let column = columns.iter().position(|column| column.name == name);
            let form = self.form(of, space, column.map(|at| &columns[at].ty))?;
            if self.writes && ty.is_some() && column.is_none() && !form.takes_null() {
                return Err("no column gives it its value, and it can not be null".to_owned());
            }
            record.fields.push(Field { name: name.to_owned(), form, column });
            self.path.pop();
        }
        self.within.pop();
        let has = |column: &&Column| !record.fields.iter().any(|field| field.name == column.name);
        if let Some(Column { name, .. }) = columns.iter().find(has) {
            let known: Vec<_> = record.fields.iter().map(|field| field.name.as_str()).collect();
            let hint = nearest(name, &known);
            return Err(format!("the schema has no field for the column '{name}'{hint}"));
        }
        Ok(Form::Record(record))
    }
}

/// The name with its namespace.
fn full_name(name: &str, space: &str) -> String {
    match name.contains('.') || space.is_empty() {
        true => name.to_owned(),
        false => format!("{space}.{name}"),
    }
}

/// The begin of a text, for people to read.
pub(super) fn excerpt(text: &str) -> String {
    let begin: String = text.chars().take(60).collect();
    if begin.len() < text.len() { format!("{begin}...") } else { begin }
}
