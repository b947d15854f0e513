//! The aggregates of a stage, compiled: what a row does to a partial result, and what that comes to.
//!
//! 1. A partial result is bytes, a state for each aggregate one behind the other. All zero is the state of no row.
//! 2. What is asked for twice is kept once: SUM, AVG and COUNT of one column share a sum and a number.
//! 3. Arguments that are not columns are worked out first, into a row of their own.
//! 4. NULL is skipped, and so is a row whose FILTER does not hold.
//! 5. What can not be kept or worked out is a fault, and the result is NULL.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use tidewire_dataflow::Window;
use tidewire_event::{DataType, Header, Repr, RowLayout, RowWriter, Slot};

use super::codec::{get, put};
use super::totals::{TotalAnswer, WideTotal};
use super::{AggregateCall, make};
use crate::code::Fault;
use crate::error::{Span, SqlError};
use crate::expr::Expr;
use crate::kernel::Kernel;
use crate::run::faults::Faults;
use crate::session::Session;

/// Why a value can not be kept or worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) String);

impl Problem {
    #[cold]
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    #[cold]
    pub(crate) fn of(problem: &impl fmt::Display) -> Self {
        Self(problem.to_string())
    }
}

/// A column for a result.
pub(crate) struct Answer<'w, 'r> {
    pub(crate) writer: &'w mut RowWriter<'r>,
    pub(crate) slot: &'w Slot,
}

impl Answer<'_, '_> {
    pub(crate) fn null(&mut self) {
        self.writer.null(self.slot);
    }

    pub(crate) fn float(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.writer.float(self.slot, value),
            None => self.null(),
        }
    }
}

/// What an aggregate keeps, where it is none of the common ones.
pub(crate) trait State: fmt::Debug + Send + Sync {
    /// How many bytes.
    fn bytes(&self) -> usize;

    /// Takes in a row of arguments.
    fn insert(&self, part: &mut [u8], header: &Header, row: &[u8]) -> Result<(), Problem>;

    /// Takes in a partial result that stands behind it.
    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem>;

    /// Takes out what was combined, where there is an inverse.
    fn remove(&self, whole: &mut [u8], part: &[u8]) {
        let _ = (whole, part);
    }

    /// The result.
    fn lower(
        &self,
        part: &[u8],
        window: Window,
        answer: &mut Answer<'_, '_>,
    ) -> Result<(), Problem>;

    /// Whether [`remove`](Self::remove) undoes [`combine`](Self::combine).
    fn has_inverse(&self) -> bool {
        false
    }

    /// Whether it needs the rows in the order of their times.
    fn is_ordered(&self) -> bool {
        false
    }
}

/// How a state changes.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// A number of rows.
    Count,
    /// A number of values.
    CountOf(Slot),
    /// A sum in 128 bits and a number, of values of up to 64.
    Total(Slot),
    /// A sum in 192 bits and a number, of values of 128.
    WideTotal(Slot),
    /// Whether there is one, and the least or greatest value of up to 64 bits.
    Least(Slot),
    Greatest(Slot),
    /// Anything else.
    Other(Arc<dyn State>),
}

/// What a result is made of.
#[derive(Debug, Clone)]
pub(super) enum Answered {
    /// The number at the beginning of a count, or behind the sum of a total.
    Count { behind: usize },
    /// From a sum and a number.
    Total(TotalAnswer),
    /// An extreme.
    Extreme,
    /// What the state says.
    Other,
}

/// A state in a partial result.
#[derive(Debug, Clone)]
struct Placed {
    at: usize,
    end: usize,
    filter: Option<Slot>,
    op: Op,
    /// Where the aggregate stands in the text.
    span: Span,
}

/// The result of an aggregate.
#[derive(Debug, Clone)]
struct Result_ {
    state: usize,
    answered: Answered,
    slot: Slot,
    span: Span,
}

/// The aggregates of a stage: see the module. A clone has memory of its own.
#[derive(Debug)]
pub(crate) struct Calls {
    states: Vec<Placed>,
    results: Vec<Result_>,
    layout: RowLayout,
    bytes: usize,
    arguments: Option<Kernel>,
    row: RefCell<Vec<u8>>,
    /// Bytes of each aggregate's name, and what it keeps.
    sizes: Vec<(String, Span, usize)>,
}

impl Clone for Calls {
    fn clone(&self) -> Self {
        Self {
            states: self.states.clone(),
            results: self.results.clone(),
            layout: self.layout.clone(),
            bytes: self.bytes,
            arguments: self.arguments.clone(),
            row: RefCell::new(self.row.borrow().clone()),
            sizes: self.sizes.clone(),
        }
    }
}

/// Bytes of a sum in 128 bits and a number.
const TOTAL_BYTES: usize = 24;

/// Bytes for texts in a row of arguments.
const ARGUMENT_TEXT_BYTES: usize = 4096;

impl Calls {
    /// Compiles aggregates over rows of columns; those of `OVER` keep less.
    pub(crate) fn new(
        calls: &[AggregateCall],
        columns: &RowLayout,
        is_rolling: bool,
        session: &Session,
    ) -> Result<Self, SqlError> {
        let (arguments, layout) = Arguments::new(calls, columns, session)?;
        let mut built = Self {
            states: Vec::new(),
            results: Vec::new(),
            layout: results_layout(calls)?,
            bytes: 0,
            row: RefCell::new(match &arguments.kernel {
                Some(_) if layout.has_tail() => vec![0; layout.fixed_bytes() + ARGUMENT_TEXT_BYTES],
                Some(_) => vec![0; layout.fixed_bytes()],
                None => Vec::new(),
            }),
            arguments: arguments.kernel,
            sizes: Vec::new(),
        };
        let distincts = calls.iter().filter(|call| call.distinct).count();
        let lists = calls.iter().filter(|call| !call.distinct && make::is_list(call.name)).count();
        let room = make::Room::shared(lists, distincts, is_rolling);
        let mut made = Vec::with_capacity(calls.len());
        for (call, slots) in calls.iter().zip(&arguments.slots) {
            made.push(make::make(call, &slots.args, room, is_rolling, session)?);
        }
        // Totals first: a count may be part of one.
        let mut order: Vec<_> = (0..calls.len()).collect();
        order.sort_by_key(|index| matches!(made[*index].0, Op::Count | Op::CountOf(_)));
        let mut answers = vec![None; calls.len()];
        for index in order {
            let (op, answered) = &made[index];
            let filter = arguments.slots[index].filter;
            let before = built.bytes;
            answers[index] = Some(built.keep(op, answered.clone(), filter, calls[index].at));
            let kept = built.bytes - before;
            built.sizes.push((calls[index].name.to_owned(), calls[index].at, kept));
        }
        let slots = built.layout.slots().to_vec();
        for ((answer, slot), call) in answers.into_iter().flatten().zip(slots).zip(calls) {
            let (state, answered) = answer;
            built.results.push(Result_ { state, answered, slot, span: call.at });
        }
        Ok(built)
    }

    /// Finds a state that says the same, or puts one behind the others.
    fn keep(
        &mut self,
        op: &Op,
        answered: Answered,
        filter: Option<Slot>,
        span: Span,
    ) -> (usize, Answered) {
        for (index, state) in self.states.iter().enumerate() {
            if state.filter != filter {
                continue;
            }
            match (op, &state.op) {
                (Op::Count, Op::Count) => return (index, answered),
                (Op::CountOf(a), Op::CountOf(b))
                | (Op::Total(a), Op::Total(b))
                | (Op::WideTotal(a), Op::WideTotal(b))
                | (Op::Least(a), Op::Least(b))
                | (Op::Greatest(a), Op::Greatest(b))
                    if a == b =>
                {
                    return (index, answered);
                }
                (Op::CountOf(a), Op::Total(b)) if a == b => {
                    return (index, Answered::Count { behind: 16 });
                }
                (Op::CountOf(a), Op::WideTotal(b)) if a == b => {
                    return (index, Answered::Count { behind: WideTotal::SUM_BYTES });
                }
                (Op::Count, Op::Total(b)) if b.null_bit.is_none() => {
                    return (index, Answered::Count { behind: 16 });
                }
                _ => {}
            }
        }
        let at = self.bytes;
        self.bytes += op.bytes();
        self.states.push(Placed { at, end: self.bytes, filter, op: op.clone(), span });
        (self.states.len() - 1, answered)
    }

    /// Bytes of a partial result.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What keeps the most: its name, where it stands, and how many bytes.
    pub(crate) fn largest(&self) -> Option<&(String, Span, usize)> {
        self.sizes.iter().max_by_key(|(_, _, bytes)| *bytes)
    }

    /// The most bytes of lists among the results.
    pub(crate) fn list_bytes(&self) -> usize {
        let lists = self.results.iter().filter(|result| result.slot.repr == Repr::Bytes);
        lists.map(|result| self.states[result.state].op.bytes()).sum()
    }

    /// The layout of the results.
    pub(crate) fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// Whether all have an inverse.
    pub(crate) fn has_inverse(&self) -> bool {
        self.states.iter().all(|state| match &state.op {
            Op::Count | Op::CountOf(_) | Op::Total(_) | Op::WideTotal(_) => true,
            Op::Least(_) | Op::Greatest(_) => false,
            Op::Other(state) => state.has_inverse(),
        })
    }

    /// Whether one needs the rows in the order of their times.
    pub(crate) fn is_ordered(&self) -> bool {
        self.states.iter().any(|state| match &state.op {
            Op::Other(state) => state.is_ordered(),
            _ => false,
        })
    }

    /// Takes in a row.
    #[inline(always)]
    pub(crate) fn insert(&self, part: &mut [u8], header: &Header, row: &[u8], faults: &Faults) {
        match &self.arguments {
            None => self.insert_arguments(part, header, row, faults),
            Some(kernel) => self.insert_computed(kernel, part, header, row, faults),
        }
    }

    #[inline(never)]
    fn insert_computed(
        &self,
        kernel: &Kernel,
        part: &mut [u8],
        header: &Header,
        row: &[u8],
        faults: &Faults,
    ) {
        let mut arguments = self.row.borrow_mut();
        match kernel.run([row, &[], &[]], &mut [arguments.as_mut_slice()]) {
            Ok(_) => self.insert_arguments(part, header, &arguments, faults),
            Err(fault) => faults.of_row(header, *fault),
        }
    }

    #[inline(always)]
    fn insert_arguments(&self, part: &mut [u8], header: &Header, row: &[u8], faults: &Faults) {
        for Placed { at, end, filter, op, span } in &self.states {
            if let Some(filter) = filter
                && !filter.bool(row)
            {
                continue;
            }
            let part = &mut part[*at..*end];
            match op {
                Op::Count => add_u64(part, 0, 1),
                Op::CountOf(slot) => add_u64(part, 0, u64::from(!slot.is_null(row))),
                Op::Total(slot) => {
                    if !slot.is_null(row) {
                        add_total(part, slot.int(row).into(), 1);
                    }
                }
                Op::WideTotal(slot) => {
                    if !slot.is_null(row) {
                        WideTotal::of(slot.wide(row), 1).add_to(part);
                    }
                }
                Op::Least(slot) => {
                    if !slot.is_null(row) {
                        choose(part, slot.int(row), |new, old| new < old);
                    }
                }
                Op::Greatest(slot) => {
                    if !slot.is_null(row) {
                        choose(part, slot.int(row), |new, old| new > old);
                    }
                }
                Op::Other(state) => {
                    if let Err(Problem(problem)) = state.insert(part, header, row) {
                        faults.of_row(header, Fault { at: *span, problem });
                    }
                }
            }
        }
    }

    /// Takes in a partial result that stands behind `whole`.
    #[inline]
    pub(crate) fn combine(&self, whole: &mut [u8], later: &[u8], faults: &Faults) {
        for Placed { at, end, op, span, .. } in &self.states {
            let (whole, later) = (&mut whole[*at..*end], &later[*at..*end]);
            match op {
                Op::Count | Op::CountOf(_) => add_u64(whole, 0, u64::from_le_bytes(get(later, 0))),
                Op::Total(_) => {
                    let count = u64::from_le_bytes(get(later, 16));
                    add_total(whole, i128::from_le_bytes(get(later, 0)), count);
                }
                Op::WideTotal(_) => WideTotal::read(later).add_to(whole),
                Op::Least(_) if later[0] != 0 => {
                    choose(whole, i64::from_le_bytes(get(later, 1)), |new, old| new < old);
                }
                Op::Greatest(_) if later[0] != 0 => {
                    choose(whole, i64::from_le_bytes(get(later, 1)), |new, old| new > old);
                }
                Op::Least(_) | Op::Greatest(_) => {}
                Op::Other(state) => {
                    if let Err(Problem(problem)) = state.combine(whole, later) {
                        faults.of_result(0, Fault { at: *span, problem });
                    }
                }
            }
        }
    }

    /// Takes out of `whole` what was combined into it.
    #[inline]
    pub(crate) fn remove(&self, whole: &mut [u8], part: &[u8]) {
        for Placed { at, end, op, .. } in &self.states {
            let (whole, part) = (&mut whole[*at..*end], &part[*at..*end]);
            match op {
                Op::Count | Op::CountOf(_) => {
                    add_u64(whole, 0, u64::from_le_bytes(get(part, 0)).wrapping_neg());
                }
                Op::Total(_) => {
                    let sum = i128::from_le_bytes(get(part, 0)).wrapping_neg();
                    let count = u64::from_le_bytes(get(part, 16)).wrapping_neg();
                    add_total(whole, sum, count);
                }
                Op::WideTotal(_) => WideTotal::read(part).take_from(whole),
                Op::Least(_) | Op::Greatest(_) => {}
                Op::Other(state) => state.remove(whole, part),
            }
        }
    }

    /// Writes the results of a window into `row`. What can not be worked out is NULL.
    pub(crate) fn lower(&self, part: &[u8], window: Window, row: &mut [u8], faults: &Faults) {
        let mut writer = RowWriter::new(row, &self.layout);
        for Result_ { state, answered, slot, span } in &self.results {
            let Placed { at, end, op, .. } = &self.states[*state];
            let part = &part[*at..*end];
            let mut answer = Answer { writer: &mut writer, slot };
            let lowered = match (answered, op) {
                (Answered::Count { behind }, _) => {
                    let count = u64::from_le_bytes(get(part, *behind));
                    answer.writer.int(slot, count as i64);
                    Ok(())
                }
                (Answered::Total(total), Op::Total(_)) => {
                    let (sum, count) = (get(part, 0), get(part, 16));
                    let sum = i128::from_le_bytes(sum);
                    total.answer(Some(sum), u64::from_le_bytes(count), &mut answer)
                }
                (Answered::Total(total), _) => {
                    let wide = WideTotal::read(part);
                    total.answer(wide.sum(), wide.count, &mut answer)
                }
                (Answered::Extreme, _) => {
                    match part[0] {
                        0 => answer.null(),
                        _ => answer.writer.int(slot, i64::from_le_bytes(get(part, 1))),
                    }
                    Ok(())
                }
                (Answered::Other, Op::Other(state)) => state.lower(part, window, &mut answer),
                (Answered::Other, _) => Ok(()),
            };
            if let Err(Problem(problem)) = lowered {
                writer.null(slot);
                faults.of_result(window.end, Fault { at: *span, problem });
            }
        }
    }
}

impl Op {
    fn bytes(&self) -> usize {
        match self {
            Self::Count | Self::CountOf(_) => 8,
            Self::Total(_) => TOTAL_BYTES,
            Self::WideTotal(_) => WideTotal::BYTES,
            Self::Least(_) | Self::Greatest(_) => 9,
            Self::Other(state) => state.bytes(),
        }
    }
}

#[inline(always)]
fn add_u64(part: &mut [u8], at: usize, more: u64) {
    let count = u64::from_le_bytes(get(part, at)).wrapping_add(more);
    put(part, at, count.to_le_bytes());
}

#[inline(always)]
fn add_total(part: &mut [u8], sum: i128, count: u64) {
    let part = &mut part[..TOTAL_BYTES];
    put(part, 0, i128::from_le_bytes(get(part, 0)).wrapping_add(sum).to_le_bytes());
    add_u64(part, 16, count);
}

#[inline(always)]
fn choose(part: &mut [u8], value: i64, is_better: impl FnOnce(i64, i64) -> bool) {
    if part[0] == 0 || is_better(value, i64::from_le_bytes(get(part, 1))) {
        part[0] = 1;
        put(part, 1, value.to_le_bytes());
    }
}

fn results_layout(calls: &[AggregateCall]) -> Result<RowLayout, SqlError> {
    let columns = calls.iter().map(|call| (&call.ty, call.nullable));
    let at = calls.first().map_or(Span::NONE, |call| call.at);
    RowLayout::new(columns).map_err(|too_wide| SqlError::new(at, too_wide.to_string()))
}

/// Where the arguments of a call lie that are not constants.
#[derive(Debug)]
struct CallSlots {
    args: Vec<Slot>,
    filter: Option<Slot>,
}

/// Where all arguments lie: in the row itself, if all of them are columns of it.
struct Arguments {
    kernel: Option<Kernel>,
    slots: Vec<CallSlots>,
}

impl Arguments {
    fn new(
        calls: &[AggregateCall],
        columns: &RowLayout,
        session: &Session,
    ) -> Result<(Self, RowLayout), SqlError> {
        let of_call = |call: &AggregateCall| {
            call.args.iter().take(call.values()).chain(&call.filter).cloned().collect::<Vec<_>>()
        };
        let exprs: Vec<Expr> = calls.iter().flat_map(of_call).collect();
        let in_row = |expr: &Expr| columns.slots().get(expr.as_column()?).copied();
        let slots: Option<Vec<_>> = exprs.iter().map(in_row).collect();
        let (kernel, layout, slots) = match slots {
            Some(slots) => (None, columns.clone(), slots),
            None => {
                // Each once, so that equal arguments lie in one place.
                let mut once: Vec<Expr> = Vec::new();
                let places = exprs.iter().map(|expr| {
                    let found = once.iter().position(|other| other == expr);
                    found.unwrap_or_else(|| {
                        once.push(expr.clone());
                        once.len() - 1
                    })
                });
                let places: Vec<_> = places.collect();
                let kernel = Kernel::new(None, &[&once], &[columns], session)?;
                let layout = kernel.outputs().first().cloned().unwrap_or_else(|| columns.clone());
                let slots = places.iter().filter_map(|place| layout.slots().get(*place).copied());
                let slots = slots.collect();
                (Some(kernel), layout, slots)
            }
        };
        let mut slots = slots.into_iter();
        let mut of_calls = Vec::with_capacity(calls.len());
        for call in calls {
            let values = call.values().min(call.args.len());
            let args = slots.by_ref().take(values).collect();
            let filter = call.filter.as_ref().and_then(|_| slots.next());
            of_calls.push(CallSlots { args, filter });
        }
        Ok((Self { kernel, slots: of_calls }, layout))
    }
}

/// Whether values of a type are summed as whole numbers: decimals are, in units of their last digit.
pub(super) fn is_whole(ty: &DataType) -> bool {
    ty.is_integer() || matches!(ty, DataType::Decimal { .. })
}
