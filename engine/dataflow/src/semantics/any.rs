//! Any aggregate as one type, so that operators are built once and not for each of them.

use std::sync::Arc;

use rkyv::Portable;
use tidewire_event::Header;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, Unaligned};

use super::run::Event;
use crate::aggregate::Aggregate;
use crate::window::Window;

/// Room for a count or a sum; these have an inverse.
pub(super) const SMALL: usize = 32;
/// Room for every other.
pub(super) const LARGE: usize = 1_200;

/// A partial result.
#[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Bytes<const N: usize>([u8; N]);

impl<const N: usize> Bytes<N> {
    fn of<P: IntoBytes + Immutable>(partial: &P) -> Self {
        let mut bytes = Self::new_zeroed();
        bytes.0[..size_of::<P>()].copy_from_slice(partial.as_bytes());
        bytes
    }

    fn read<P: FromBytes>(&self) -> P {
        P::read_from_bytes(&self.0[..size_of::<P>()]).unwrap()
    }
}

/// What an aggregate does.
trait Does<const N: usize> {
    fn lift(&self, header: &Header, event: &Event) -> Bytes<N>;
    fn combine(&self, earlier: &Bytes<N>, later: &Bytes<N>) -> Bytes<N>;
    fn remove(&self, whole: &Bytes<N>, part: &Bytes<N>) -> Bytes<N>;
    fn lower(&self, window: Window, partial: &Bytes<N>) -> String;
    fn insert(&self, partial: &mut Bytes<N>, header: &Header, event: &Event);
}

impl<const N: usize, A: Aggregate<In = Event, Out = String>> Does<N> for A {
    fn lift(&self, header: &Header, event: &Event) -> Bytes<N> {
        Bytes::of(&self.lift(header, event))
    }

    fn combine(&self, earlier: &Bytes<N>, later: &Bytes<N>) -> Bytes<N> {
        Bytes::of(&self.combine(&earlier.read(), &later.read()))
    }

    fn remove(&self, whole: &Bytes<N>, part: &Bytes<N>) -> Bytes<N> {
        Bytes::of(&self.remove(&whole.read(), &part.read()))
    }

    fn lower(&self, window: Window, partial: &Bytes<N>) -> String {
        self.lower(window, &partial.read())
    }

    fn insert(&self, partial: &mut Bytes<N>, header: &Header, event: &Event) {
        let mut whole = partial.read();
        self.insert(&mut whole, header, event);
        *partial = Bytes::of(&whole);
    }
}

/// An aggregate.
#[derive(Clone)]
pub(super) struct Any<const N: usize>(Arc<dyn Does<N>>);

impl<const N: usize> Any<N> {
    pub(super) fn new<A: Aggregate<In = Event, Out = String> + 'static>(aggregate: A) -> Self {
        assert!(size_of::<A::Partial>() <= N && (N > SMALL || A::HAS_INVERSE));
        Self(Arc::new(aggregate))
    }
}

impl<const N: usize> Aggregate for Any<N> {
    type In = Event;
    type Partial = Bytes<N>;
    type Out = String;

    const HAS_INVERSE: bool = N == SMALL;

    fn lift(&self, header: &Header, event: &Event) -> Bytes<N> {
        self.0.lift(header, event)
    }

    fn combine(&self, earlier: &Bytes<N>, later: &Bytes<N>) -> Bytes<N> {
        self.0.combine(earlier, later)
    }

    fn remove(&self, whole: &Bytes<N>, part: &Bytes<N>) -> Bytes<N> {
        self.0.remove(whole, part)
    }

    fn lower(&self, window: Window, partial: &Bytes<N>) -> String {
        self.0.lower(window, partial)
    }

    fn insert(&self, partial: &mut Bytes<N>, header: &Header, event: &Event) {
        self.0.insert(partial, header, event);
    }
}
