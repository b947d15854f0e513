//! What happens to an event on its source's thread, before it has a key: filter, map, flat map.
//!
//! 1. A transform has no state. It comes behind the stamp: the watermark follows every event of the source, also those that
//!    a filter leaves out.
//! 2. What comes of an event has its place in the input, and its time, unless the transform gives another.
//! 3. Transforms and the [`Route`] behind them are composed as types, and compiled into the source's one loop.

use tidewire_event::{Header, Key, hash_of};

/// Turns an event into zero or more others.
pub trait Transform<E> {
    /// What comes out.
    type Out;

    /// Hands what comes of an event to `send`, in order, until that says no.
    ///
    /// # Errors
    /// What `send` says.
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, Self::Out) -> Result<(), X>,
    ) -> Result<(), X>;
}

/// Says where an event goes.
pub trait Route<E> {
    /// What goes there.
    type Out;

    /// Hands what comes of an event to `send`, each with the hash of its key ([`hash_of`]).
    ///
    /// # Errors
    /// What `send` says.
    fn route<X>(
        &self,
        header: &Header,
        event: E,
        send: impl FnMut(u64, &Header, Self::Out) -> Result<(), X>,
    ) -> Result<(), X>;
}

/// A function that gives the hash of an event's key.
impl<E, F: Fn(&E) -> u64> Route<E> for F {
    type Out = E;

    #[inline(always)]
    fn route<X>(
        &self,
        header: &Header,
        event: E,
        mut send: impl FnMut(u64, &Header, E) -> Result<(), X>,
    ) -> Result<(), X> {
        send(self(&event), header, event)
    }
}

/// To the shard of the key, behind a transform.
#[derive(Debug, Clone, Copy)]
pub struct ByKey<T, F> {
    transform: T,
    key_of: F,
}

impl<T, F> ByKey<T, F> {
    /// By the key that `key_of` reads from what comes out of `transform`.
    pub fn new(transform: T, key_of: F) -> Self {
        Self { transform, key_of }
    }
}

impl<E, T: Transform<E>, F: Fn(&T::Out) -> K, K: Key> Route<E> for ByKey<T, F> {
    type Out = T::Out;

    #[inline(always)]
    fn route<X>(
        &self,
        header: &Header,
        event: E,
        mut send: impl FnMut(u64, &Header, T::Out) -> Result<(), X>,
    ) -> Result<(), X> {
        self.transform.apply(header, event, &mut |header, event| {
            send(hash_of(&(self.key_of)(&event)), header, event)
        })
    }
}

/// Leaves events as they are: what the first transform stands behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unchanged;

impl<E> Transform<E> for Unchanged {
    type Out = E;

    #[inline(always)]
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, E) -> Result<(), X>,
    ) -> Result<(), X> {
        send(header, event)
    }
}

/// Leaves events out.
#[derive(Debug, Clone, Copy)]
pub struct Filter<T, F> {
    before: T,
    keeps: F,
}

impl<T, F> Filter<T, F> {
    /// Of what comes out of `before`, that for which `keeps` holds.
    pub fn new(before: T, keeps: F) -> Self {
        Self { before, keeps }
    }
}

impl<E, T: Transform<E>, F: Fn(&T::Out) -> bool> Transform<E> for Filter<T, F> {
    type Out = T::Out;

    #[inline(always)]
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, T::Out) -> Result<(), X>,
    ) -> Result<(), X> {
        self.before.apply(header, event, &mut |header, event| {
            if (self.keeps)(&event) { send(header, event) } else { Ok(()) }
        })
    }
}

/// Makes one event of another.
#[derive(Debug, Clone, Copy)]
pub struct Map<T, F> {
    before: T,
    map: F,
}

impl<T, F> Map<T, F> {
    /// What `map` makes of what comes out of `before`.
    pub fn new(before: T, map: F) -> Self {
        Self { before, map }
    }
}

impl<E, T: Transform<E>, F: Fn(T::Out) -> V, V> Transform<E> for Map<T, F> {
    type Out = V;

    #[inline(always)]
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, V) -> Result<(), X>,
    ) -> Result<(), X> {
        self.before.apply(header, event, &mut |header, event| send(header, (self.map)(event)))
    }
}

/// Makes any number of events of one.
#[derive(Debug, Clone, Copy)]
pub struct FlatMap<T, F> {
    before: T,
    map: F,
}

impl<T, F> FlatMap<T, F> {
    /// All that `map` makes of what comes out of `before`, with the time of what it is made of.
    pub fn new(before: T, map: F) -> Self {
        Self { before, map }
    }
}

impl<E, T, F, I> Transform<E> for FlatMap<T, F>
where
    T: Transform<E>,
    F: Fn(T::Out) -> I,
    I: IntoIterator,
{
    type Out = I::Item;

    #[inline(always)]
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, I::Item) -> Result<(), X>,
    ) -> Result<(), X> {
        self.before.apply(header, event, &mut |header, event| {
            (self.map)(event).into_iter().try_for_each(|event| send(header, event))
        })
    }
}

/// Makes any number of events of one, with times of their own.
#[derive(Debug, Clone, Copy)]
pub struct FlatMapTimed<T, F> {
    before: T,
    map: F,
}

impl<T, F> FlatMapTimed<T, F> {
    /// All that `map` makes of the time and the event that come out of `before`, each with its event time in ns.
    pub fn new(before: T, map: F) -> Self {
        Self { before, map }
    }
}

impl<E, T, F, I, V> Transform<E> for FlatMapTimed<T, F>
where
    T: Transform<E>,
    F: Fn(i64, T::Out) -> I,
    I: IntoIterator<Item = (i64, V)>,
{
    type Out = V;

    #[inline(always)]
    fn apply<X>(
        &self,
        header: &Header,
        event: E,
        send: &mut impl FnMut(&Header, V) -> Result<(), X>,
    ) -> Result<(), X> {
        self.before.apply(header, event, &mut |header, event| {
            let mut events = (self.map)(header.ts, event).into_iter();
            events.try_for_each(|(ts, event)| send(&Header { ts, ..*header }, event))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tidewire_event::Place;
    use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};

    use super::*;

    fn header(ts: i64) -> Header {
        Header { ts, watermark: WATERMARK_NONE, place: Place::new(0, 5), due: NOT_DUE }
    }

    #[test]
    fn transforms_follow_one_another_in_one_pass() {
        let odd = Filter::new(Unchanged, |n: &u32| n % 2 == 1);
        let tenfold = Map::new(odd, |n: u32| u64::from(n) * 10);
        let twice = FlatMapTimed::new(tenfold, |ts, n: u64| [(ts, n), (ts + 1, n + 1)]);
        let route = ByKey::new(twice, |n: &u64| *n);
        let mut sent = Vec::new();
        for event in 0..4_u32 {
            let taken = route.route(&header(100), event, |hash, header, event| {
                assert_eq!((hash, header.place), (hash_of(&event), Place::new(0, 5)));
                sent.push((header.ts, event));
                Ok::<(), Infallible>(())
            });
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(sent, [(100, 10), (101, 11), (100, 30), (101, 31)]);
    }

    #[test]
    fn what_can_not_be_sent_ends_the_pass() {
        let many = FlatMap::new(Unchanged, |n: u32| 0..n);
        let mut sent = 0;
        let taken = ByKey::new(many, |n: &u32| *n).route(&header(0), 10, |_, _, n| {
            sent += 1;
            if n == 3 { Err("full") } else { Ok(()) }
        });
        assert_eq!((taken, sent), (Err("full"), 4));
    }
}
