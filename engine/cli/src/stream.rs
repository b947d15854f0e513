//! The typed API: `source -> key_by -> window -> aggregate -> sink`, each step a type, compiled into one loop.

use std::cmp::Ordering;
use std::convert::Infallible;

use tidewire_dataflow::{
    Aggregate, KeyedWindow, Operator, Process, Processed, Tumbling, WatermarkStrategy, WindowRow,
};
use tidewire_event::{Header, Key, Sink, Source, hash_of};
use tidewire_runtime::{Job, JobError, Observer, Options, Outcome, Silent};
use tidewire_state::Arena;

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
    /// The events of one more source. Each source has a thread, and the watermark is the smallest of theirs.
    #[must_use]
    pub fn union(mut self, source: S) -> Self {
        self.sources.push(source);
        self
    }

    /// Says how far events may be out of order; `strategy` makes the strategy of each source.
    pub fn watermark<Y, W>(self, strategy: Y) -> Timed<S, Y>
    where
        Y: Fn() -> W,
        W: WatermarkStrategy,
    {
        Timed { sources: self.sources, strategy }
    }
}

/// Events in event time.
#[derive(Debug)]
pub struct Timed<S, Y> {
    sources: Vec<S>,
    strategy: Y,
}

impl<S: Source, Y> Timed<S, Y> {
    /// Groups the events by a key: all events of a key go to one shard.
    pub fn key_by<F, K>(self, key_of: F) -> Keyed<S, Y, F>
    where
        F: Fn(&S::Event) -> K + Clone + Send,
        K: Key,
    {
        Keyed { timed: self, key_of }
    }
}

/// Events by key.
#[derive(Debug)]
pub struct Keyed<S, Y, F> {
    timed: Timed<S, Y>,
    key_of: F,
}

impl<S: Source, Y, F, K> Keyed<S, Y, F>
where
    F: Fn(&S::Event) -> K + Clone + Send,
    K: Key,
{
    /// Puts each key's events into windows.
    pub fn window(self, windows: Tumbling) -> Windowed<S, Y, F> {
        Windowed { keyed: self, windows }
    }

    /// Turns each event into others, with state of the shard's own, which `process` makes in the shard's arena. `key_of` reads the key from
    /// what comes out; it must be the key of what came in.
    pub fn process<P, G, M>(self, process: M, key_of: G) -> Changed<S, Y, F, G, M>
    where
        M: Fn(&Arena) -> P,
        P: Process<In = S::Event>,
        G: Fn(&P::Out) -> K + Clone + Send,
    {
        Changed { keyed: self, key_of, process }
    }
}

/// Events that a [`Process`] step has changed, by key.
#[derive(Debug)]
pub struct Changed<S, Y, F, G, M> {
    keyed: Keyed<S, Y, F>,
    key_of: G,
    process: M,
}

impl<S, Y, F, G, M, P, K> Changed<S, Y, F, G, M>
where
    S: Source,
    F: Fn(&S::Event) -> K + Clone + Send,
    M: Fn(&Arena) -> P,
    P: Process<In = S::Event>,
    P::Out: Copy,
    G: Fn(&P::Out) -> K + Clone + Send,
    K: Key,
{
    /// Puts each key's events into windows, and computes `aggregate` over each.
    pub fn window<A>(
        self,
        windows: Tumbling,
        aggregate: A,
    ) -> Query<S, Y, F, impl Fn(Arena) -> Processed<P, KeyedWindow<K, G, A>>>
    where
        A: Aggregate<In = P::Out> + Clone,
    {
        let Self { keyed, key_of, process } = self;
        let operator = move |arena: Arena| {
            let process = process(&arena);
            let window = KeyedWindow::new(windows, key_of.clone(), aggregate.clone(), arena);
            Processed::new(process, window)
        };
        Query { keyed, operator }
    }
}

/// Events by key and window.
#[derive(Debug)]
pub struct Windowed<S, Y, F> {
    keyed: Keyed<S, Y, F>,
    windows: Tumbling,
}

impl<S, Y, F, K> Windowed<S, Y, F>
where
    S: Source,
    F: Fn(&S::Event) -> K + Clone + Send,
    K: Key,
{
    /// Computes `aggregate` for each key and window.
    pub fn aggregate<A>(
        self,
        aggregate: A,
    ) -> Query<S, Y, F, impl Fn(Arena) -> KeyedWindow<K, F, A>>
    where
        A: Aggregate<In = S::Event> + Clone,
    {
        let Self { keyed, windows } = self;
        let key_of = keyed.key_of.clone();
        let operator =
            move |arena| KeyedWindow::new(windows, key_of.clone(), aggregate.clone(), arena);
        Query { keyed, operator }
    }
}

/// A whole pipeline but for its sink.
#[derive(Debug)]
pub struct Query<S, Y, F, M> {
    keyed: Keyed<S, Y, F>,
    operator: M,
}

impl<S, Y, W, F, M, O, K> Query<S, Y, F, M>
where
    S: Source,
    Y: Fn() -> W,
    W: WatermarkStrategy,
    F: Fn(&S::Event) -> K + Clone + Send,
    M: Fn(Arena) -> O,
    O: Operator<In = S::Event> + Send,
    O::Row: Send,
    O::Late: Send,
    K: Key,
{
    /// Runs the pipeline to the end of its input, into `sink`, under the eyes of `observer`.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run<T: Sink<Row = O::Row, Late = O::Late>>(
        self,
        sink: T,
        options: &Options,
        observer: &mut impl Observer,
    ) -> Result<Outcome<T>, JobError<S::Error, T::Error>> {
        let Timed { sources, strategy } = self.keyed.timed;
        let key_of = self.keyed.key_of;
        let hash = move |event: &S::Event| hash_of(&key_of(event));
        let job = Job { sources, watermarks: strategy, hash, operator: self.operator, sink };
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
