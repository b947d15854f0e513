//! The typed API: `source -> filter, map -> key_by -> window -> aggregate -> sink`, each step a type, compiled into one loop.

mod arrangement;
mod keyed;

use std::cmp::Ordering;
use std::convert::Infallible;

use tidewire_dataflow::{
    ByKey, Filter, FlatMap, FlatMapTimed, Map, Operator, Sequential, Then, Transform, Unchanged,
    WatermarkStrategy, WhenQuiet, WindowRow,
};
use tidewire_event::{Either, Header, Key, Sink, Source};
use tidewire_runtime::{Job, JobError, Observer, Options, Outcome, Silent};
use tidewire_state::{Arena, Full};

use self::arrangement::AsTheyCome;
pub use self::arrangement::{Arrangement, InTimeOrder};
pub use self::keyed::{Changed, Global, Keyed, Rolling, Sessions, Windowed};

/// Events of one source: the start of a pipeline.
pub fn stream<S: Source>(source: S) -> Stream<S> {
    Stream { sources: vec![source] }
}

/// Events, without event time as yet.
#[derive(Debug)]
pub struct Stream<S> {
    sources: Vec<S>,
}

impl<S: Source> Stream<S> {
    /// Events of several sources.
    #[cfg(feature = "cli")]
    pub(crate) fn of(sources: Vec<S>) -> Self {
        Self { sources }
    }

    /// The events of one more source. Each source has a thread, and the watermark is the smallest of theirs.
    #[must_use]
    pub fn union(mut self, source: S) -> Self {
        self.sources.push(source);
        self
    }

    /// The events of other sources, of another kind, with the same events.
    ///
    /// ```
    /// use tidewire::prelude::*;
    ///
    /// let recorded = events(vec![1_i64, 3], |ts| *ts);
    /// let made = events(2..5_i64, |ts| *ts);
    /// let both = stream(recorded).union_with(stream(made));
    /// ```
    pub fn union_with<T: Source<Event = S::Event>>(self, other: Stream<T>) -> Stream<Either<S, T>> {
        let (left, right) = (self.sources.into_iter(), other.sources.into_iter());
        Stream { sources: left.map(Either::Left).chain(right.map(Either::Right)).collect() }
    }

    /// Says how far events may be out of order; `strategy` makes the strategy of each source's partitions. A source's
    /// watermark is the smallest of its partitions'.
    pub fn watermark<Y, W>(self, strategy: Y) -> Timed<S, Y>
    where
        Y: Fn() -> W,
        W: WatermarkStrategy<S::Event>,
    {
        let (sources, when_quiet) = (self.sources, WhenQuiet::default());
        Timed { sources, strategy, when_quiet, transform: Unchanged }
    }
}

/// Events in event time.
#[derive(Debug)]
pub struct Timed<S, Y, T = Unchanged> {
    sources: Vec<S>,
    strategy: Y,
    when_quiet: WhenQuiet,
    transform: T,
}

/// What is done here is done on the sources' threads, without state. The watermark follows all events of the sources, also
/// those that are left out.
///
/// ```
/// use tidewire::prelude::*;
/// # #[derive(Clone)]
/// # struct Sum;
/// # impl Aggregate for Sum {
/// #     type In = Fill;
/// #     type Partial = i64_le;
/// #     type Out = i64;
/// #     fn lift(&self, _: &Header, fill: &Fill) -> i64_le { fill.cents.into() }
/// #     fn combine(&self, a: &i64_le, b: &i64_le) -> i64_le { (*a + *b).into() }
/// #     fn lower(&self, _: Window, cents: &i64_le) -> i64 { cents.to_native() }
/// # }
///
/// #[derive(Clone, Copy)]
/// struct Trade { ts: i64, buyer: u32, seller: u32, cents: i64, is_test: bool }
/// /// One side of a trade.
/// #[derive(Clone, Copy)]
/// struct Fill { user: u32, cents: i64 }
///
/// let trades = [(1, 7, 9, 250, false), (2, 7, 8, 100, true), (3, 9, 7, 50, false)]
///     .map(|(ts, buyer, seller, cents, is_test)| Trade { ts, buyer, seller, cents, is_test });
/// let found = stream(events(trades, |trade| trade.ts))
///     .watermark(Monotonic::new)
///     .filter(|trade| !trade.is_test)
///     .flat_map(|Trade { buyer, seller, cents, .. }| {
///         [Fill { user: buyer, cents: -cents }, Fill { user: seller, cents }]
///     })
///     .key_by(|fill: &Fill| fill.user)
///     .window(Tumbling::SECOND)
///     .aggregate(Sum)
///     .collect(&Options::default())?;
/// let rows: Vec<_> = found.sink.rows.iter().map(|row| (row.key, row.value)).collect();
/// assert_eq!((found.events, rows), (3, vec![(7, -200), (9, 200)]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<S: Source, Y, T: Transform<S::Event>> Timed<S, Y, T> {
    /// A partition without an event for `ns`, by the times at which events were received, does not hold the watermark back
    /// until its next event; nor does a source that has nothing for so long, by the time of day. Without this it is a
    /// minute.
    #[must_use]
    pub fn idle_after(self, ns: i64) -> Self {
        self.when_quiet(|when| when.idle_after = Some(ns))
    }

    /// Every partition and source holds the watermark back, however long it has nothing: where events of a partition
    /// may be read long after those of another, as from one file after the other.
    #[must_use]
    pub fn never_idle(self) -> Self {
        self.when_quiet(|when| when.idle_after = None)
    }

    /// When a source has nothing for `ns`, and each time again, its watermark follows the clock, behind by as much as it is
    /// behind its events: so that the last window of a quiet live feed closes. For feeds whose event times are those of
    /// the clock.
    #[must_use]
    pub fn heartbeat(self, ns: i64) -> Self {
        self.when_quiet(|when| when.heartbeat_after = Some(ns))
    }

    fn when_quiet(mut self, change: impl FnOnce(&mut WhenQuiet)) -> Self {
        change(&mut self.when_quiet);
        self
    }

    /// Leaves out the events for which `keeps` does not hold.
    pub fn filter<F>(self, keeps: F) -> Timed<S, Y, Filter<T, F>>
    where
        F: Fn(&T::Out) -> bool + Clone + Send,
    {
        self.behind(|before| Filter::new(before, keeps))
    }

    /// Makes another event of each.
    pub fn map<F, V>(self, map: F) -> Timed<S, Y, Map<T, F>>
    where
        F: Fn(T::Out) -> V + Clone + Send,
        V: Copy + Send,
    {
        self.behind(|before| Map::new(before, map))
    }

    /// Makes any number of events of each, with its time and its place in the input.
    pub fn flat_map<F, I>(self, map: F) -> Timed<S, Y, FlatMap<T, F>>
    where
        F: Fn(T::Out) -> I + Clone + Send,
        I: IntoIterator<Item: Copy + Send>,
    {
        self.behind(|before| FlatMap::new(before, map))
    }

    /// Makes any number of events of the time and the event, each with a time of its own in ns, and all with its place in
    /// the input. One that is older than the source's watermark allows is late.
    pub fn flat_map_timed<F, I, V>(self, map: F) -> Timed<S, Y, FlatMapTimed<T, F>>
    where
        F: Fn(i64, T::Out) -> I + Clone + Send,
        I: IntoIterator<Item = (i64, V)>,
        V: Copy + Send,
    {
        self.behind(|before| FlatMapTimed::new(before, map))
    }

    /// Groups the events by a key: all events of a key go to one shard.
    pub fn key_by<F, K>(self, key_of: F) -> Keyed<S, Y, T, F>
    where
        F: Fn(&T::Out) -> K + Clone + Send,
        K: Key,
    {
        Keyed { timed: self, key_of, arrangement: AsTheyCome }
    }

    fn behind<U>(self, then: impl FnOnce(T) -> U) -> Timed<S, Y, U> {
        let Self { sources, strategy, when_quiet, transform } = self;
        Timed { sources, strategy, when_quiet, transform: then(transform) }
    }
}

/// A whole pipeline but for its sink.
#[derive(Debug)]
pub struct Query<S, Y, T, F, M> {
    timed: Timed<S, Y, T>,
    key_of: F,
    operator: M,
}

impl<S, Y, T, F, M, O> Query<S, Y, T, F, M>
where
    M: Fn(Arena) -> Result<O, Full>,
    O: Sequential,
{
    /// Makes an event of each row and gives it to another operator on the same shard, which `operator` makes with its
    /// state in an arena of its own: windows over windows, or a step with state over bars. An event has the last time of
    /// its row's window. Its key must be the row's.
    pub fn then<G, N, B>(
        self,
        event_of: G,
        operator: N,
    ) -> Query<S, Y, T, F, impl Fn(Arena) -> Result<Then<O, G, B>, Full>>
    where
        G: Fn(&O::Row) -> B::In + Clone,
        N: Fn(Arena) -> Result<B, Full>,
        B: Operator,
    {
        let Self { timed, key_of, operator: first } = self;
        let chain = move |arena: Arena| {
            let [first_arena, second_arena] = Then::<O, G, B>::arenas(&arena);
            Ok(Then::new(first(first_arena)?, event_of.clone(), operator(second_arena)?))
        };
        Query { timed, key_of, operator: chain }
    }
}

impl<S, Y, W, T, F, M, O, K> Query<S, Y, T, F, M>
where
    S: Source,
    Y: Fn() -> W,
    W: WatermarkStrategy<S::Event>,
    T: Transform<S::Event> + Clone + Send,
    T::Out: Copy + Send,
    F: Fn(&T::Out) -> K + Clone + Send,
    M: Fn(Arena) -> Result<O, Full>,
    O: Operator<In = T::Out> + Send,
    O::Row: Send,
    O::Late: Send,
    K: Key,
{
    /// Runs the pipeline to the end of its input, into `sink`, under the eyes of `observer`.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run<N: Sink<Row = O::Row, Late = O::Late>>(
        self,
        sink: N,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Outcome<N>, JobError<S::Error, N::Error>> {
        let Self { timed, key_of, operator } = self;
        let Timed { sources, strategy: watermarks, when_quiet, transform } = timed;
        let route = ByKey::new(transform, key_of);
        let job = Job { sources, watermarks, when_quiet, route, operator, sink };
        job.run(options, observer)
    }

    /// Runs the pipeline, and gives all rows in order: by time, then by key.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn collect<V>(
        self,
        options: &Options,
    ) -> Result<Outcome<Collected<K, V, O::Late>>, JobError<S::Error, Infallible>>
    where
        O: Operator<Row = WindowRow<K, V>>,
        K: Ord,
        V: Send,
    {
        self.run(Collected { rows: Vec::new(), late: Vec::new() }, options, &mut Silent)
    }
}

/// Results in memory.
#[derive(Debug)]
pub struct Collected<K, V, L> {
    /// The rows, by the end of their window, then by key.
    pub rows: Vec<WindowRow<K, V>>,
    /// The events that came too late, in the order of their source.
    pub late: Vec<L>,
}

impl<K: Key + Ord, V: Send, L: Send> Sink for Collected<K, V, L> {
    type Row = WindowRow<K, V>;
    type Late = L;
    type Error = Infallible;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        a.key.cmp(&b.key)
    }

    fn row(&mut self, row: Self::Row) -> Result<(), Infallible> {
        self.rows.push(row);
        Ok(())
    }

    fn late(&mut self, _: &Header, late: L) -> Result<(), Infallible> {
        self.late.push(late);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Results and late events in memory, whatever they are: in the order in which they come, which is that of their times,
/// but not that of anything else.
#[derive(Debug)]
pub struct Rows<R, L> {
    /// The rows.
    pub rows: Vec<R>,
    /// The events that came too late.
    pub late: Vec<L>,
}

impl<R, L> Rows<R, L> {
    /// None as yet.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: Vec::new(), late: Vec::new() }
    }
}

impl<R, L> Default for Rows<R, L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Send, L: Send> Sink for Rows<R, L> {
    type Row = R;
    type Late = L;
    type Error = Infallible;

    fn compare(&self, _: &R, _: &R) -> Ordering {
        Ordering::Equal
    }

    fn row(&mut self, row: R) -> Result<(), Infallible> {
        self.rows.push(row);
        Ok(())
    }

    fn late(&mut self, _: &Header, late: L) -> Result<(), Infallible> {
        self.late.push(late);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
