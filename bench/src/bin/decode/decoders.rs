//! The contestants. Each folds the time, references, shares and price of every message about an order into one sum,
//! and does so through the interface that its crate offers for a whole file.

use std::hint::black_box;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use itch5::messages as peer;
use tidewire_feeds::book::Books;
use tidewire_feeds::capture::{self, Capture, Format};
use tidewire_feeds::itch::{self, Frame, LENGTH_BYTES, Message};

/// What is kept of the messages.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    #[inline]
    fn add(&mut self, ts_ns: u64, reference: u64, shares: u32, price: u32) {
        let order = u64::from(shares) << 32 | u64::from(price);
        self.0 = self.0.rotate_left(1).wrapping_add(ts_ns ^ reference).wrapping_add(order);
    }

    #[inline(always)] // Or else not at all, with three callers; the handler of `itch5` is inlined too.
    fn add_message(&mut self, message: &Message<'_>) {
        let ts = || message.timestamp_ns();
        match message {
            Message::AddOrder(m) => self.add(ts(), m.reference(), m.shares(), m.price()),
            Message::AddOrderAttributed(m) => self.add(ts(), m.reference(), m.shares(), m.price()),
            Message::OrderExecuted(m) => self.add(ts(), m.reference(), m.shares(), 0),
            Message::OrderExecutedWithPrice(m) => {
                self.add(ts(), m.reference(), m.shares(), m.price());
            }
            Message::OrderCancel(m) => self.add(ts(), m.reference(), m.shares(), 0),
            Message::OrderDelete(m) => self.add(ts(), m.reference(), 0, 0),
            Message::OrderReplace(m) => {
                self.add(ts(), m.reference() ^ m.new_reference(), m.shares(), m.price());
            }
            Message::Trade(m) => self.add(ts(), m.reference(), m.shares(), m.price()),
            _ => {}
        }
    }
}

/// Calls `each` with every message of a file.
#[inline(always)]
fn decode_all(mut bytes: &[u8], mut each: impl FnMut(Message<'_>)) {
    loop {
        match itch::frame(bytes) {
            Frame::Message(message) => {
                each(itch::decode(message).expect("the input is whole"));
                bytes = &bytes[LENGTH_BYTES + message.len()..];
            }
            Frame::Padding => bytes = &bytes[LENGTH_BYTES..],
            Frame::NeedMore(_) => return,
        }
    }
}

pub(crate) fn tidewire(bytes: &[u8]) -> u64 {
    let mut sum = Sum::default();
    decode_all(bytes, |message| sum.add_message(&message));
    sum.0
}

/// The same from a reader, which is copied into the window of a [`Capture`].
pub(crate) fn capture(bytes: &Arc<[u8]>) -> u64 {
    let mut sum = Sum::default();
    let input = Cursor::new(Arc::clone(bytes));
    let mut capture = Capture::from_reader(input, Some(Format::Itch)).expect("the input is whole");
    while let Some(captured) = capture.next().expect("the input is whole") {
        if let capture::Message::Itch(message) = &captured.message {
            sum.add_message(message);
        }
    }
    sum.0
}

/// The same, and the books of all stocks are kept, from none.
pub(crate) fn tidewire_with_books(bytes: &[u8]) -> u64 {
    let mut sum = Sum::default();
    let mut books = Books::default();
    decode_all(bytes, |message| {
        sum.add_message(&message);
        keep(&mut books, &message);
    });
    assert_eq!(books.counters(), Default::default(), "every operation fits");
    black_box(&books);
    sum.0
}

#[inline]
fn keep(books: &mut Books, message: &Message<'_>) {
    let instrument = u32::from(message.locate());
    // What is refused is counted.
    match message {
        Message::AddOrder(m) => {
            if let Some(side) = m.side() {
                let price = i64::from(m.price());
                let _ = books.add(instrument, m.reference(), side, price, m.shares());
            }
        }
        Message::AddOrderAttributed(m) => {
            if let Some(side) = m.side() {
                let price = i64::from(m.price());
                let _ = books.add(instrument, m.reference(), side, price, m.shares());
            }
        }
        Message::OrderExecuted(m) => drop(books.execute(m.reference(), m.shares())),
        Message::OrderExecutedWithPrice(m) => drop(books.execute(m.reference(), m.shares())),
        Message::OrderCancel(m) => drop(books.cancel(m.reference(), m.shares())),
        Message::OrderDelete(m) => drop(books.delete(m.reference())),
        Message::OrderReplace(m) => {
            let price = i64::from(m.price());
            let _ = books.replace(m.reference(), m.new_reference(), price, m.shares());
        }
        _ => {}
    }
}

/// The crate `itchy` reads from a reader, here from memory; it offers nothing for a slice.
pub(crate) fn itchy(bytes: &[u8]) -> u64 {
    use itchy::Body;

    let mut sum = Sum::default();
    for message in itchy::MessageStream::from_reader(bytes) {
        let message = message.expect("the input is whole");
        let ts = message.timestamp;
        match message.body {
            Body::AddOrder(m) => sum.add(ts, m.reference, m.shares, m.price.raw()),
            Body::OrderExecuted { reference, executed, .. } => sum.add(ts, reference, executed, 0),
            Body::OrderExecutedWithPrice { reference, executed, price, .. } => {
                sum.add(ts, reference, executed, price.raw());
            }
            Body::OrderCancelled { reference, cancelled } => sum.add(ts, reference, cancelled, 0),
            Body::DeleteOrder { reference } => sum.add(ts, reference, 0, 0),
            Body::ReplaceOrder(m) => {
                sum.add(ts, m.old_reference ^ m.new_reference, m.shares, m.price.raw());
            }
            Body::NonCrossTrade(m) => sum.add(ts, m.reference, m.shares, m.price.raw()),
            _ => {}
        }
    }
    sum.0
}

/// The crate `itch5` calls a handler with views over a slice.
pub(crate) fn itch5(bytes: &[u8]) -> u64 {
    let mut sum = Sum::default();
    itch5::Parser::new(bytes).parse_stream(&mut sum).expect("the input is whole");
    sum.0
}

macro_rules! on {
    ($($method:ident, $message:ident, $m:ident => $reference:expr, $shares:expr, $price:expr;)*) => {$(
        #[inline]
        fn $method(&mut self, $m: &peer::$message) -> ControlFlow<()> {
            self.add($m.timestamp().to_u64(), $reference, $shares, $price);
            ControlFlow::Continue(())
        }
    )*};
}

impl itch5::MessageHandler for Sum {
    on! {
        on_add_order_no_mpid_attribution, AddOrderNoMPIDAttribution, m =>
            m.order_reference_number(), m.shares(), m.price().into_u32();
        on_add_order_with_mpid_attribution, AddOrderWithMPIDAttribution, m =>
            m.order_reference_number(), m.shares(), m.price().into_u32();
        on_order_executed, OrderExecuted, m => m.order_reference_number(), m.executed_shares(), 0;
        on_order_executed_with_price, OrderExecutedWithPrice, m =>
            m.order_reference_number(), m.executed_shares(), m.execution_price().into_u32();
        on_order_cancel, OrderCancel, m => m.order_reference_number(), m.cancelled_shares(), 0;
        on_order_delete, OrderDelete, m => m.order_reference_number(), 0, 0;
        on_order_replace, OrderReplace, m =>
            m.original_order_reference_number() ^ m.new_order_reference_number(),
            m.shares(), m.price().into_u32();
        on_trade, Trade, m => m.order_reference_number(), m.shares(), m.price().into_u32();
    }
}
