//! Events by key, and what is computed over them.

use tidewire_dataflow::{
    Aggregate, Early, EarlyError, Frame, GlobalWindow, InTurn, KeyedWindow, Operator, Process,
    Processed, RollingComplete, RollingOnArrival, SessionGap, SessionWindow, Split, Transform,
    Trigger, Windows,
};
use tidewire_event::record::Unaligned;
use tidewire_event::{Key, Record, Source};
use tidewire_state::{Arena, Full};

use super::arrangement::{Arrangement, AsTheyCome, InTimeOrder};
use super::{Query, Timed};

/// Events by key.
#[derive(Debug)]
pub struct Keyed<S, Y, T, F, R = AsTheyCome> {
    pub(super) timed: Timed<S, Y, T>,
    pub(super) key_of: F,
    pub(super) arrangement: R,
}

impl<S, Y, T, F, K> Keyed<S, Y, T, F>
where
    S: Source,
    T: Transform<S::Event>,
    F: Fn(&T::Out) -> K + Clone + Send,
    K: Key,
{
    /// Puts the events into the order of their times, and those of one time into that of their places in the input: each
    /// waits until the watermark has passed it. What depends on order needs this
    /// ([`Aggregate::IS_ORDERED`]), and so does what several sources have of one key.
    pub fn in_order(self) -> Keyed<S, Y, T, F, InTimeOrder>
    where
        T::Out: Record + Unaligned,
    {
        let Self { timed, key_of, .. } = self;
        Keyed { timed, key_of, arrangement: InTimeOrder }
    }

    /// Turns each event into others, with state of the shard's own, which `process` makes in the shard's arena. `key_of` reads the key from
    /// what comes out; it must be the key of what came in.
    pub fn process<P, G, M>(self, process: M, key_of: G) -> Changed<S, Y, T, F, G, M>
    where
        M: Fn(&Arena) -> P,
        P: Process<In = T::Out>,
        G: Fn(&P::Out) -> K + Clone + Send,
    {
        Changed { keyed: self, key_of, process }
    }

    /// A result for each event, over a frame that ends at it (SQL: `OVER`).
    ///
    /// ```
    /// use tidewire::aggregates::sum;
    /// use tidewire::prelude::*;
    /// # use rkyv::Portable;
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// #[derive(Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
    /// #[repr(C)]
    /// struct Purchase { ts: i64_ule, user: u32_ule, cents: u32_ule }
    ///
    /// let purchases = [(0, 7, 600), (60, 7, 300), (299, 7, 200), (301, 7, 50)].map(|(second, user, cents): (i64, u32, u32)| {
    ///     Purchase { ts: (second * SECOND).into(), user: user.into(), cents: cents.into() }
    /// });
    /// let found = stream(events(purchases, |purchase| purchase.ts.to_native()))
    ///     .watermark(Monotonic::new)
    ///     .key_by(|purchase: &Purchase| purchase.user.to_native())
    ///     .rolling(Frame::Range(5 * MINUTE))
    ///     .on_arrival(sum(|purchase: &Purchase| i64::from(purchase.cents.to_native())))
    ///     .run(Rows::new(), &Options::default(), &mut Silent)?;
    /// let alerts: Vec<_> = found.sink.rows.iter().filter(|row| row.value > Some(1_000)).collect();
    /// assert_eq!((alerts.len(), alerts[0].ts, alerts[0].value), (1, 299 * SECOND, Some(1_100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rolling(self, frame: Frame) -> Rolling<S, Y, T, F> {
        Rolling { keyed: self, frame }
    }

    /// Runs any operator, which `operator` makes with its state in the shard's arena.
    pub fn operator<M, O>(self, operator: M) -> Query<S, Y, T, F, M>
    where
        M: Fn(Arena) -> Result<O, Full>,
        O: Operator<In = T::Out>,
    {
        let Self { timed, key_of, .. } = self;
        Query { timed, key_of, operator }
    }

    /// Splits the events: those for which `predicate` holds go to the operator that `left` makes, others to that of
    /// `right`. What comes out is of one kind or of the other. A [`PassThrough`](tidewire_dataflow::PassThrough) gives its side's events as they are.
    pub fn split<P, L, M, A, B>(
        self,
        predicate: P,
        left: L,
        right: M,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<Split<P, A, B>, Full>>
    where
        P: Fn(&T::Out) -> bool + Clone,
        L: Fn(Arena) -> Result<A, Full>,
        M: Fn(Arena) -> Result<B, Full>,
        A: Operator<In = T::Out>,
        B: Operator<In = T::Out>,
    {
        self.operator(move |arena: Arena| {
            let [left_arena, right_arena] = Split::<P, A, B>::arenas(&arena);
            Ok(Split::new(predicate.clone(), left(left_arena)?, right(right_arena)?))
        })
    }
}

impl<S, Y, T, F, R, K> Keyed<S, Y, T, F, R>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Copy,
    F: Fn(&T::Out) -> K + Clone + Send,
    R: Arrangement<T::Out>,
    K: Key,
{
    /// Puts each key's events into windows: [`Tumbling`](tidewire_dataflow::Tumbling), or [`Windows`] that overlap.
    pub fn window(self, windows: impl Into<Windows>) -> Windowed<S, Y, T, F, R> {
        Windowed { keyed: self, windows: windows.into(), lateness: 0, early: None }
    }

    /// Puts each key's events into sessions, which end when nothing comes for a gap.
    pub fn session(self, gap: SessionGap) -> Sessions<S, Y, T, F, R> {
        Sessions { keyed: self, gap, lateness: 0 }
    }

    /// Gives the events as they are, each a row of its time with its place in the input: behind
    /// [`in_order`](Keyed::in_order), the input in the order of time.
    pub fn in_turn(
        self,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<R::Of<K, F, InTurn<T::Out>>, Full>> {
        const { assert!(R::IS_ORDERED, "events are in their turn behind .in_order()") };
        self.arranged(|_| Ok(InTurn::new()))
    }

    /// Puts all events of a key into one window, of which `trigger` says when it gives a result.
    pub fn global<G>(self, trigger: G) -> Global<S, Y, T, F, R, G>
    where
        G: Trigger<T::Out> + Clone,
    {
        Global { keyed: self, trigger }
    }

    /// What runs behind the arrangement.
    fn arranged<M, O>(
        self,
        operator: M,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<R::Of<K, F, O>, Full>>
    where
        M: Fn(Arena) -> Result<O, Full>,
        O: Operator<In = T::Out, Late = T::Out>,
    {
        let Self { timed, key_of, arrangement } = self;
        let of = key_of.clone();
        let operator =
            move |arena: Arena| arrangement.arrange(of.clone(), arena.clone(), operator(arena)?);
        Query { timed, key_of, operator }
    }
}

/// Events that a [`Process`] step has changed, by key.
#[derive(Debug)]
pub struct Changed<S, Y, T, F, G, M> {
    keyed: Keyed<S, Y, T, F>,
    key_of: G,
    process: M,
}

impl<S, Y, T, F, G, M, P, K> Changed<S, Y, T, F, G, M>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Copy,
    F: Fn(&T::Out) -> K + Clone + Send,
    M: Fn(&Arena) -> P,
    P: Process<In = T::Out>,
    P::Out: Copy,
    G: Fn(&P::Out) -> K + Clone + Send,
    K: Key,
{
    /// Puts each key's events into windows, and computes `aggregate` over each.
    pub fn window<A>(
        self,
        windows: impl Into<Windows>,
        aggregate: A,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<Processed<P, KeyedWindow<K, G, A>>, Full>>
    where
        A: Aggregate<In = P::Out> + Clone,
    {
        const { assert!(!A::IS_ORDERED, "a step's events are not put into order") };
        let Self { keyed, key_of, process } = self;
        let windows = windows.into();
        let Keyed { timed, key_of: of, .. } = keyed;
        let operator = move |arena: Arena| {
            let process = process(&arena);
            let window = KeyedWindow::new(windows, key_of.clone(), aggregate.clone(), arena);
            Ok(Processed::new(process, window))
        };
        Query { timed, key_of: of, operator }
    }
}

/// Events by key and window.
#[derive(Debug)]
pub struct Windowed<S, Y, T, F, R = AsTheyCome> {
    keyed: Keyed<S, Y, T, F, R>,
    windows: Windows,
    lateness: i64,
    early: Option<Early>,
}

impl<S, Y, T, F, R, K> Windowed<S, Y, T, F, R>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Copy,
    F: Fn(&T::Out) -> K + Clone + Send,
    R: Arrangement<T::Out>,
    K: Key,
{
    /// Keeps a closed window for so many ns of event time; each late event in that time gives a corrected result. Not of
    /// use behind [`in_order`](Keyed::in_order), where no event comes behind the watermark.
    #[must_use]
    pub fn allowed_lateness(mut self, ns: i64) -> Self {
        self.lateness = ns;
        self
    }

    /// Gives results before a window closes.
    ///
    /// # Errors
    /// The windows overlap, or `early` is after nothing.
    pub fn early(mut self, early: Early) -> Result<Self, EarlyError> {
        early.check(&self.windows)?;
        self.early = Some(early);
        Ok(self)
    }

    /// Computes `aggregate` for each key and window.
    pub fn aggregate<A>(
        self,
        aggregate: A,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<R::Of<K, F, KeyedWindow<K, F, A>>, Full>>
    where
        A: Aggregate<In = T::Out> + Clone,
    {
        const { assert!(R::IS_ORDERED || !A::IS_ORDERED, "the aggregate needs .in_order()") };
        let Self { keyed, windows, lateness, early } = self;
        let key_of = keyed.key_of.clone();
        keyed.arranged(move |arena| {
            let window = KeyedWindow::new(windows, key_of.clone(), aggregate.clone(), arena);
            Ok(window.allowed_lateness(lateness).with_early(early))
        })
    }
}

/// Events by key and session.
#[derive(Debug)]
pub struct Sessions<S, Y, T, F, R = AsTheyCome> {
    keyed: Keyed<S, Y, T, F, R>,
    gap: SessionGap,
    lateness: i64,
}

impl<S, Y, T, F, R, K> Sessions<S, Y, T, F, R>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Copy,
    F: Fn(&T::Out) -> K + Clone + Send,
    R: Arrangement<T::Out>,
    K: Key,
{
    /// Keeps a closed session for so many ns of event time; each late event in that time gives a corrected result.
    #[must_use]
    pub fn allowed_lateness(mut self, ns: i64) -> Self {
        self.lateness = ns;
        self
    }

    /// Computes `aggregate` for each key and session.
    pub fn aggregate<A>(
        self,
        aggregate: A,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<R::Of<K, F, SessionWindow<K, F, A>>, Full>>
    where
        A: Aggregate<In = T::Out, Partial: Unaligned> + Clone,
    {
        const { assert!(R::IS_ORDERED || !A::IS_ORDERED, "the aggregate needs .in_order()") };
        let Self { keyed, gap, lateness } = self;
        let key_of = keyed.key_of.clone();
        keyed.arranged(move |arena| {
            let window = SessionWindow::new(gap, key_of.clone(), aggregate.clone(), arena);
            Ok(window.allowed_lateness(lateness))
        })
    }
}

/// All events of a key in one window.
#[derive(Debug)]
pub struct Global<S, Y, T, F, R, G> {
    keyed: Keyed<S, Y, T, F, R>,
    trigger: G,
}

impl<S, Y, T, F, R, G, K> Global<S, Y, T, F, R, G>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Copy,
    F: Fn(&T::Out) -> K + Clone + Send,
    R: Arrangement<T::Out>,
    G: Trigger<T::Out> + Clone,
    K: Key,
{
    /// Computes `aggregate` for each key.
    pub fn aggregate<A>(
        self,
        aggregate: A,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<R::Of<K, F, GlobalWindow<K, F, A, G>>, Full>>
    where
        A: Aggregate<In = T::Out, Partial: Unaligned> + Clone,
    {
        const { assert!(R::IS_ORDERED || !A::IS_ORDERED, "the aggregate needs .in_order()") };
        let Self { keyed, trigger } = self;
        let key_of = keyed.key_of.clone();
        keyed.arranged(move |arena| {
            Ok(GlobalWindow::new(key_of.clone(), aggregate.clone(), trigger.clone(), arena))
        })
    }
}

/// Events by key, each with the frame that ends at it.
#[derive(Debug)]
pub struct Rolling<S, Y, T, F> {
    keyed: Keyed<S, Y, T, F>,
    frame: Frame,
}

impl<S, Y, T, F, K> Rolling<S, Y, T, F>
where
    S: Source,
    T: Transform<S::Event>,
    T::Out: Record + Unaligned,
    F: Fn(&T::Out) -> K + Clone + Send,
    K: Key,
{
    /// Computes `aggregate` for each event when the watermark has passed it, over all events of its frame.
    pub fn complete<A>(
        self,
        aggregate: A,
    ) -> Query<
        S,
        Y,
        T,
        F,
        impl Fn(
            Arena,
        ) -> Result<
            <InTimeOrder as Arrangement<T::Out>>::Of<K, F, RollingComplete<K, F, A>>,
            Full,
        >,
    >
    where
        A: Aggregate<In = T::Out, Partial: Unaligned> + Clone,
    {
        let Self { keyed, frame } = self;
        let key_of = keyed.key_of.clone();
        keyed.in_order().arranged(move |arena| {
            RollingComplete::new(frame, key_of.clone(), aggregate.clone(), arena)
        })
    }

    /// Computes `aggregate` for each event at once, over the events of its frame that have arrived. No result is
    /// corrected.
    pub fn on_arrival<A>(
        self,
        aggregate: A,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<RollingOnArrival<K, F, A>, Full>>
    where
        A: Aggregate<In = T::Out, Partial: Unaligned> + Clone,
    {
        let Self { keyed, frame } = self;
        let key_of = keyed.key_of.clone();
        keyed.arranged(move |arena| {
            RollingOnArrival::new(frame, key_of.clone(), aggregate.clone(), arena)
        })
    }
}
