//! Several aggregates over the same events at once: a tuple of two to six is an aggregate. It has an inverse where all
//! have one, and needs the order of the events where one does.

use rkyv::Portable;
use tidewire_event::Header;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::aggregate::Aggregate;
use crate::window::Window;

macro_rules! together {
    ($($(#[$doc:meta])* $record:ident: $($name:ident $field:ident),*;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
        #[repr(C)]
        pub struct $record<$($name),*> {
            $($field: $name,)*
        }

        impl<In, $($name),*> Aggregate for ($($name,)*)
        where
            $($name: Aggregate<In = In, Partial: Unaligned>,)*
        {
            type In = In;
            type Partial = $record<$($name::Partial),*>;
            type Out = ($($name::Out,)*);

            const HAS_INVERSE: bool = true $(&& $name::HAS_INVERSE)*;
            const IS_ORDERED: bool = false $(|| $name::IS_ORDERED)*;

            #[inline(always)]
            fn lift(&self, header: &Header, event: &In) -> Self::Partial {
                let ($($field,)*) = self;
                $record { $($field: $field.lift(header, event),)* }
            }

            #[inline(always)]
            fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
                let ($($field,)*) = self;
                $record { $($field: $field.combine(&earlier.$field, &later.$field),)* }
            }

            #[inline(always)]
            fn remove(&self, whole: &Self::Partial, part: &Self::Partial) -> Self::Partial {
                let ($($field,)*) = self;
                $record { $($field: $field.remove(&whole.$field, &part.$field),)* }
            }

            fn lower(&self, window: Window, partial: &Self::Partial) -> Self::Out {
                let ($($field,)*) = self;
                ($($field.lower(window, &partial.$field),)*)
            }

            #[inline(always)]
            fn insert(&self, partial: &mut Self::Partial, header: &Header, event: &In) {
                let ($($field,)*) = self;
                $($field.insert(&mut partial.$field, header, event);)*
            }
        }
    )*};
}

together! {
    /// Two partial results.
    Two: A a, B b;
    /// Three partial results.
    Three: A a, B b, C c;
    /// Four partial results.
    Four: A a, B b, C c, D d;
    /// Five partial results.
    Five: A a, B b, C c, D d, E e;
    /// Six partial results.
    Six: A a, B b, C c, D d, E e, F f;
}
