//! Layouts: a structure of little-endian fields without padding, seen in place, with accessors in native types.

/// The native type of a field, by the type it is sent as.
macro_rules! native {
    (U16) => {
        u16
    };
    (U32) => {
        u32
    };
    (U64) => {
        u64
    };
    (I32) => {
        i32
    };
    (I64) => {
        i64
    };
    ($same:ident) => {
        $same
    };
}
pub(crate) use native;

/// Defines a layout, its size in bytes asserted, with an accessor for each field and `new` from native values.
macro_rules! layout {
    (
        $(#[$doc:meta])*
        $name:ident, $size:literal bytes {
            $($(#[$field_doc:meta])* $field:ident: $wire:ident,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout)]
        #[derive(zerocopy::Immutable, zerocopy::Unaligned)]
        #[repr(C)]
        pub struct $name {
            $($field: $wire,)*
        }

        const _: () = assert!(size_of::<$name>() == $size);

        impl $name {
            /// From native values, in the order of the layout. [`zerocopy::IntoBytes::as_bytes`] gives what is sent.
            #[allow(clippy::too_many_arguments, reason = "as many as the message has fields")]
            #[allow(clippy::useless_conversion, reason = "some fields are sent in their native type")]
            #[must_use]
            pub fn new($($field: $crate::wire::native!($wire),)*) -> Self {
                Self { $($field: $field.into(),)* }
            }

            $(
                $(#[$field_doc])*
                #[allow(clippy::useless_conversion, reason = "some fields are sent in their native type")]
                #[must_use]
                pub fn $field(&self) -> $crate::wire::native!($wire) {
                    self.$field.into()
                }
            )*
        }
    };
}
pub(crate) use layout;
