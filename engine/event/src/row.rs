//! Rows: values whose types are known when a job starts, in bytes of a fixed layout.
//!
//! 1. A row begins with a bit for each column that may be NULL, then has a slot for each column, at an offset that is
//!    known. Numbers are little-endian. Behind the slots lies the tail, where the bytes of text are; a text's slot says
//!    where and how many.
//! 2. Whatever is not written is zero, and texts are written in the order of their columns: equal rows are equal bytes,
//!    so a row can be a key. The slot of a NULL is zero.
//! 3. A row has a bound. What does not fit into it is an error of the one who writes it, never cut off.

use std::fmt;

use crate::schema::{DataType, Field, Repr};

/// The most bytes of a row: places in it are 16 bits.
pub const ROW_BYTES_MAX: usize = u16::MAX as usize;

/// Where a column lies in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// How it lies there.
    pub repr: Repr,
    /// Its offset, bytes.
    pub offset: u16,
    /// The number of its NULL bit, if it has one.
    pub null_bit: Option<u16>,
}

/// The layout of a row: see the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowLayout {
    slots: Vec<Slot>,
    fixed_bytes: usize,
    has_tail: bool,
}

/// Columns that are too many or too wide for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooWide {
    /// What they would take, bytes.
    pub bytes: usize,
}

impl fmt::Display for TooWide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the columns take {} bytes of a row: at most {ROW_BYTES_MAX}", self.bytes)
    }
}

impl std::error::Error for TooWide {}

impl RowLayout {
    /// The layout of these columns: each a type, and whether it may be NULL.
    ///
    /// # Errors
    /// Their slots are wider than a row can be.
    pub fn new<'a>(
        columns: impl IntoIterator<Item = (&'a DataType, bool)>,
    ) -> Result<Self, TooWide> {
        let columns: Vec<_> = columns.into_iter().map(|(ty, null)| (ty.repr(), null)).collect();
        let nullable = columns.iter().filter(|(_, nullable)| *nullable).count();
        let (mut at, mut null_bits) = (nullable.div_ceil(8), 0..nullable);
        let mut slots = Vec::with_capacity(columns.len());
        for (repr, nullable) in columns {
            let null_bit = if nullable { null_bits.next().map(|bit| bit as u16) } else { None };
            slots.push(Slot { repr, offset: at as u16, null_bit });
            at += repr.slot_bytes();
        }
        let has_tail = slots.iter().any(|slot| slot.repr == Repr::Bytes);
        match at <= ROW_BYTES_MAX {
            true => Ok(Self { slots, fixed_bytes: at, has_tail }),
            false => Err(TooWide { bytes: at }),
        }
    }

    /// The layout of these columns.
    ///
    /// # Errors
    /// Their slots are wider than a row can be.
    pub fn of_fields(fields: &[Field]) -> Result<Self, TooWide> {
        Self::new(fields.iter().map(|field| (&field.ty, field.nullable)))
    }

    /// The slots, in the order of the columns.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Bytes of a row without its tail.
    #[must_use]
    pub fn fixed_bytes(&self) -> usize {
        self.fixed_bytes
    }

    /// Whether a row has a tail.
    #[must_use]
    pub fn has_tail(&self) -> bool {
        self.has_tail
    }
}

impl Repr {
    /// Bytes of its slot.
    #[must_use]
    pub const fn slot_bytes(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Int(bytes) | Self::Float(bytes) => bytes as usize,
            Self::Wide => 16,
            Self::Bytes => 4,
        }
    }
}

impl Slot {
    /// Whether its value in `row` is NULL.
    #[inline(always)]
    #[must_use]
    pub fn is_null(&self, row: &[u8]) -> bool {
        self.null_bit.is_some_and(|bit| row[usize::from(bit >> 3)] >> (bit & 7) & 1 != 0)
    }

    #[inline(always)]
    fn bytes<const N: usize>(&self, row: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&row[usize::from(self.offset)..][..N]);
        bytes
    }

    /// Its value in `row`, of a [`Repr::Bool`]. NULL is false.
    #[inline(always)]
    #[must_use]
    pub fn bool(&self, row: &[u8]) -> bool {
        row[usize::from(self.offset)] != 0
    }

    /// Its value in `row`, of a [`Repr::Int`] of any width. NULL is 0.
    #[inline(always)]
    #[must_use]
    pub fn int(&self, row: &[u8]) -> i64 {
        match self.repr {
            Repr::Int(1) => i8::from_le_bytes(self.bytes(row)).into(),
            Repr::Int(2) => i16::from_le_bytes(self.bytes(row)).into(),
            Repr::Int(4) => i32::from_le_bytes(self.bytes(row)).into(),
            _ => i64::from_le_bytes(self.bytes(row)),
        }
    }

    /// Its value in `row`, of a [`Repr::Wide`]. NULL is 0.
    #[inline(always)]
    #[must_use]
    pub fn wide(&self, row: &[u8]) -> i128 {
        i128::from_le_bytes(self.bytes(row))
    }

    /// Its value in `row`, of a [`Repr::Float`] of any width. NULL is 0.
    #[inline(always)]
    #[must_use]
    pub fn float(&self, row: &[u8]) -> f64 {
        match self.repr {
            Repr::Float(4) => f32::from_le_bytes(self.bytes(row)).into(),
            _ => f64::from_le_bytes(self.bytes(row)),
        }
    }

    /// Its value in `row`, of a [`Repr::Bytes`]. NULL is empty.
    #[inline(always)]
    #[must_use]
    pub fn text<'r>(&self, row: &'r [u8]) -> &'r [u8] {
        let at = u32::from_le_bytes(self.bytes(row));
        let (from, len) = ((at & 0xffff) as usize, (at >> 16) as usize);
        &row[from..from + len]
    }

    /// Appends its value in `row` to `bytes`, a text behind its length: equal values are equal bytes.
    pub fn append_to(&self, row: &[u8], bytes: &mut Vec<u8>) {
        match self.repr {
            Repr::Bytes => {
                let text = self.text(row);
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend(text);
            }
            repr => bytes.extend(&row[usize::from(self.offset)..][..repr.slot_bytes()]),
        }
    }
}

/// Writes a row.
#[derive(Debug)]
pub struct RowWriter<'r> {
    row: &'r mut [u8],
    /// Where the tail ends.
    end: usize,
}

/// A text for which a row has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom {
    /// Bytes of the text.
    pub bytes: usize,
    /// Bytes that are left.
    pub room: usize,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, room } = self;
        write!(f, "a text of {bytes} bytes, where the row has room for {room} more")
    }
}

impl std::error::Error for NoRoom {}

impl<'r> RowWriter<'r> {
    /// Begins a row of `layout` in `row`, which must have its fixed bytes at least, and makes it all zero.
    #[inline]
    pub fn new(row: &'r mut [u8], layout: &RowLayout) -> Self {
        row.fill(0);
        Self::on_zeros(row, layout)
    }

    /// The same in a row that is all zero already.
    #[inline(always)]
    pub fn on_zeros(row: &'r mut [u8], layout: &RowLayout) -> Self {
        debug_assert!(row.iter().all(|byte| *byte == 0), "what is not written is to be zero");
        Self { row, end: layout.fixed_bytes }
    }

    /// Writes NULL. A column that may not be NULL has no bit for it: it is 0 or empty.
    #[inline(always)]
    pub fn null(&mut self, slot: &Slot) {
        if let Some(bit) = slot.null_bit {
            self.row[usize::from(bit >> 3)] |= 1 << (bit & 7);
        }
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, slot: &Slot, bytes: [u8; N]) {
        self.row[usize::from(slot.offset)..][..N].copy_from_slice(&bytes);
    }

    /// Writes a [`Repr::Bool`].
    #[inline(always)]
    pub fn bool(&mut self, slot: &Slot, value: bool) {
        self.put(slot, [u8::from(value)]);
    }

    /// Writes a [`Repr::Int`] of any width; `value` must be in its range.
    #[inline(always)]
    pub fn int(&mut self, slot: &Slot, value: i64) {
        match slot.repr {
            Repr::Int(1) => self.put(slot, (value as i8).to_le_bytes()),
            Repr::Int(2) => self.put(slot, (value as i16).to_le_bytes()),
            Repr::Int(4) => self.put(slot, (value as i32).to_le_bytes()),
            _ => self.put(slot, value.to_le_bytes()),
        }
    }

    /// Writes a [`Repr::Wide`].
    #[inline(always)]
    pub fn wide(&mut self, slot: &Slot, value: i128) {
        self.put(slot, value.to_le_bytes());
    }

    /// Writes a [`Repr::Float`] of any width.
    #[inline(always)]
    pub fn float(&mut self, slot: &Slot, value: f64) {
        match slot.repr {
            Repr::Float(4) => self.put(slot, (value as f32).to_le_bytes()),
            _ => self.put(slot, value.to_le_bytes()),
        }
    }

    /// Writes slots as they lie in another row, from `offset` on. None is a [`Repr::Bytes`].
    #[inline(always)]
    pub fn slots(&mut self, offset: u16, bytes: &[u8]) {
        self.row[usize::from(offset)..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Writes a [`Repr::Bytes`].
    ///
    /// # Errors
    /// The row has no room for it.
    #[inline(always)]
    pub fn text(&mut self, slot: &Slot, text: &[u8]) -> Result<(), NoRoom> {
        let room = self.row.len().min(ROW_BYTES_MAX) - self.end;
        if text.len() > room {
            return Err(NoRoom { bytes: text.len(), room });
        }
        let at = if text.is_empty() { 0 } else { self.end as u32 };
        self.put(slot, (at | (text.len() as u32) << 16).to_le_bytes());
        self.row[self.end..][..text.len()].copy_from_slice(text);
        self.end += text.len();
        Ok(())
    }

    /// Bytes that the row takes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end
    }

    /// Whether the row takes no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> RowLayout {
        let decimal = |precision| DataType::Decimal { precision, scale: 2 };
        let columns = [
            (DataType::BigInt, false),
            (DataType::String, true),
            (decimal(38), true),
            (DataType::SmallInt, true),
            (DataType::Float, false),
            (DataType::String, false),
            (DataType::Boolean, true),
        ];
        RowLayout::new(columns.iter().map(|(ty, nullable)| (ty, *nullable))).unwrap()
    }

    #[test]
    fn a_row_reads_as_it_was_written() {
        let layout = layout();
        let mut row = [0xff; 64];
        let slots = layout.slots();
        let mut writer = RowWriter::new(&mut row, &layout);
        writer.int(&slots[0], -7);
        writer.text(&slots[1], b"abc").unwrap();
        writer.wide(&slots[2], -(1 << 100));
        writer.null(&slots[3]);
        writer.float(&slots[4], 0.5);
        writer.text(&slots[5], b"de").unwrap();
        writer.bool(&slots[6], true);
        assert_eq!(writer.len(), layout.fixed_bytes() + 5);
        assert_eq!((slots[0].int(&row), slots[1].text(&row)), (-7, &b"abc"[..]));
        assert_eq!((slots[2].wide(&row), slots[3].is_null(&row)), (-(1 << 100), true));
        assert_eq!((slots[4].float(&row), slots[5].text(&row)), (0.5, &b"de"[..]));
        assert!(slots[6].bool(&row) && !slots[6].is_null(&row) && !slots[0].is_null(&row));
        assert_eq!(slots[3].int(&row), 0);
    }

    #[test]
    fn a_text_that_does_not_fit_is_refused() {
        let layout = layout();
        let mut row = [0; 45];
        let mut writer = RowWriter::new(&mut row, &layout);
        let room = 45 - layout.fixed_bytes();
        let error = writer.text(&layout.slots()[1], &[b'x'; 40]).unwrap_err();
        assert_eq!(error, NoRoom { bytes: 40, room });
        writer.text(&layout.slots()[1], &vec![b'x'; room]).unwrap();
    }

    #[test]
    fn too_many_columns_are_refused() {
        let columns = (0..10_000).map(|_| (&DataType::BigInt, true));
        assert_eq!(RowLayout::new(columns), Err(TooWide { bytes: 81_250 }));
    }
}
