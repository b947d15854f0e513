//! What a reader leaves out, counted by reason.

use std::collections::BTreeMap;

use super::target::Target;
use super::text::Bad;

/// What was left out, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Skips {
    fields: BTreeMap<(usize, &'static str), u64>,
    records: BTreeMap<&'static str, u64>,
}

impl Skips {
    /// A field became NULL.
    pub(super) fn field(&mut self, column: usize, bad: Bad) {
        *self.fields.entry((column, reason(bad))).or_default() += 1;
    }

    /// A record was passed over, or has too few or too many fields.
    pub(super) fn record(&mut self, why: &'static str) {
        *self.records.entry(why).or_default() += 1;
    }

    /// For people to read.
    pub(super) fn list<M>(&self, targets: &[Target<M>]) -> Vec<(String, u64)> {
        let name = |at: usize| targets.get(at).map_or("", |target| target.name.as_str());
        let fields = self.fields.iter().map(|((column, reason), count)| {
            (format!("column '{}' set to NULL: it {reason}", name(*column)), *count)
        });
        let records = self.records.iter().map(|(why, count)| ((*why).to_owned(), *count));
        fields.chain(records).collect()
    }
}

fn reason(bad: Bad) -> &'static str {
    match bad {
        Bad::Type => "is no value of its type",
        Bad::Range => "is outside the range of its type",
        Bad::Utf8 => "is no UTF-8",
        Bad::Null => "is NULL, and the column is NOT NULL",
        Bad::Missing => "is missing",
        Bad::NoRoom(_) => "does not fit into a row",
    }
}
