//! Shapes: the sizes of the rows, keys and partial results of a job.
//!
//! 1. Operators are compiled for a few shapes, and a job runs in the smallest one that has room for all that it keeps.
//! 2. What crosses a ring is a [`Row`]: a key and columns, each bytes of a [`RowLayout`](tidewire_event::RowLayout) that is
//!    known when the job starts. What is not in use is zero, so equal keys are equal bytes.
//! 3. Keys of all stages of a pipeline are in one key group, so that all its state for a row is on one shard. Where a
//!    shape's keys begin with a prefix, that says which: it is the hash of the columns that all stages share. In a shape
//!    without, the whole key does.

use std::fmt::Debug;

use rkyv::Portable;
use tidewire_event::{Key, Place, Record};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

/// Bytes of a prefix.
pub const PREFIX_BYTES: usize = 4;

/// The sizes of a job: see the module.
pub trait Shape:
    Copy + Debug + Default + PartialEq + Eq + PartialOrd + Ord + Send + Sync + 'static
{
    /// Its name, for explanations.
    const NAME: &'static str;
    /// Bytes at the beginning of a key that say its key group; none if all of it does.
    const PREFIX: usize;
    /// A key, with its prefix.
    type Key: Key<Archived = Self::Key> + Record + Unaligned + Debug + Ord;
    /// The other columns of a row.
    type Columns: Record + Unaligned + Debug + Ord;
    /// What aggregates keep for a key and a window.
    type Partial: Record + Unaligned + Debug;
    /// What aggregates keep for a row of an `OVER`: several lie in a record of the state.
    type Rolling: Record + Unaligned + Debug;

    /// Bytes for the columns of a key.
    const KEY_BYTES: usize = size_of::<Self::Key>() - Self::PREFIX;
    /// Bytes for the other columns.
    const COLUMN_BYTES: usize = size_of::<Self::Columns>();
    /// Bytes of a row of an output.
    const ROW_BYTES: usize = size_of::<Row<Self::Key, Self::Columns>>();
    /// Bytes for partial results of windows.
    const PARTIAL_BYTES: usize = size_of::<Self::Partial>();
    /// Bytes for partial results of `OVER`.
    const ROLLING_BYTES: usize = size_of::<Self::Rolling>();
}

/// A key, and the other columns; or the columns of a row of an output, over all of it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Portable,
    FromBytes,
    IntoBytes,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct Row<K, C> {
    /// The key, with its prefix.
    pub key: K,
    /// The other columns.
    pub columns: C,
}

/// A row of a job in shape `S`.
pub type RowOf<S> = Row<<S as Shape>::Key, <S as Shape>::Columns>;

/// A row on its way to the first stage of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input<S: Shape> {
    /// The number of the pipeline.
    pub pipeline: u16,
    /// The row.
    pub row: RowOf<S>,
}

/// A row behind a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Emitted<S: Shape> {
    /// The number of the output that it goes to, if it goes to one.
    pub output: u16,
    /// Where it stands among those of its time.
    pub place: Place,
    /// The row.
    pub row: RowOf<S>,
}

impl<K: Record + Unaligned, C: Record + Unaligned> Row<K, C> {
    /// All zero.
    #[inline(always)]
    pub(crate) fn empty() -> Self {
        Self { key: K::new_zeroed(), columns: C::new_zeroed() }
    }
}

/// A key that begins with a prefix.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Portable,
    FromBytes,
    IntoBytes,
    Immutable,
    Unaligned,
)]
#[repr(transparent)]
pub struct Grouped<const N: usize>([u8; N]);

impl<const N: usize> Key for Grouped<N> {
    type Archived = Self;

    const GROUP_BYTES: usize = PREFIX_BYTES;

    #[inline(always)]
    fn archive(&self) -> Self {
        *self
    }

    #[inline(always)]
    fn read(archived: &Self) -> Self {
        *archived
    }
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident: prefix $prefix:expr, key $key:ty, columns $columns:literal,
        partial $partial:literal, rolling $rolling:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
            pub struct $name;

            impl Shape for $name {
                const NAME: &'static str = stringify!($name);
                const PREFIX: usize = $prefix;
                type Key = $key;
                type Columns = [u8; $columns];
                type Partial = [u8; $partial];
                type Rolling = [u8; $rolling];
            }
        )*

        /// The sizes of all shapes, the smallest first.
        pub(crate) const SIZES: &[Sizes] = &[$(Sizes::of::<$name>()),*];

        /// Does `with` in the shape of a number in [`SIZES`].
        pub(crate) fn with_shape<W: WithShape>(number: usize, with: W) -> W::Out {
            let mut shapes = 0..;
            $(if shapes.next() == Some(number) {
                return with.with::<$name>();
            })*
            with.with::<Wide>()
        }
    };
}

shapes! {
    /// Small keys and a few numbers. A record of a window is a cache line, a frame in a ring less than two.
    Narrow: prefix 0, key [u8; 16], columns 46, partial 40, rolling 40;
    /// Texts as keys, and a dozen columns.
    Medium: prefix PREFIX_BYTES, key Grouped<68>, columns 186, partial 256, rolling 256;
    /// What else there is. An entry of a rolling window lies 32 times in a record of 16 KiB.
    Wide: prefix PREFIX_BYTES, key Grouped<516>, columns 3578, partial 8192, rolling 480;
}

/// What is done in a shape that is known when a job starts.
pub trait WithShape {
    /// What comes of it.
    type Out;

    /// Does it.
    fn with<S: Shape>(self) -> Self::Out;
}

/// The sizes of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) name: &'static str,
    pub(crate) has_prefix: bool,
    pub(crate) key: usize,
    pub(crate) columns: usize,
    pub(crate) row: usize,
    pub(crate) partial: usize,
    pub(crate) rolling: usize,
}

impl Sizes {
    const fn of<S: Shape>() -> Self {
        Self {
            name: S::NAME,
            has_prefix: S::PREFIX > 0,
            key: S::KEY_BYTES,
            columns: S::COLUMN_BYTES,
            row: S::ROW_BYTES,
            partial: S::PARTIAL_BYTES,
            rolling: S::ROLLING_BYTES,
        }
    }
}

const _: () = assert!(size_of::<Input<Narrow>>() == 64);
