//! What is in an event of Nexmark.
//!
//! Ids follow from the number of the event alone: the newest person or auction at an event is known without a history, and
//! so a bid can name one that has been opened. Half of the bids go to one hot auction, three of four bidders and sellers are
//! the hot ones, and these change every hundred.

use std::io::Write;

use tidewire_event::DataType;

use super::super::random::{Random, Steady};
use super::super::text::{Scalar, cut};

/// Of this many events one is a person, three are auctions, and all others bids.
const ROUND: u64 = 50;
const PERSONS: u64 = 1;
const AUCTIONS: u64 = 3;

const FIRST_PERSON_ID: u64 = 1_000;
const FIRST_AUCTION_ID: u64 = 1_000;
const FIRST_CATEGORY_ID: u64 = 10;
const CATEGORIES: u64 = 5;
/// Persons that still bid and sell, and how far ahead of the newest one an id may lie.
const ACTIVE_PERSONS: u64 = 1_000;
const PERSON_ID_LEAD: u64 = 10;
/// Auctions that are open at a time, and how far ahead of the newest one an id may lie.
const OPEN_AUCTIONS: u64 = 100;
const AUCTION_ID_LEAD: u64 = 10;
/// Ids between two hot ones.
const HOT_EVERY: u64 = 100;
const HOT_AUCTION_RATIO: u64 = 2;
const HOT_PERSON_RATIO: u64 = 4;
const HOT_CHANNEL_RATIO: u64 = 2;
const CHANNELS: u64 = 10_000;

const FIRST_NAMES: [&str; 11] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// 10^(i / 16) for prices: see [`price`].
const TENTHS: [f64; 17] = [
    1.0,
    1.154_781_984_689_458_2,
    1.333_521_432_163_324,
    1.539_926_526_059_492,
    1.778_279_410_038_922_8,
    2.053_525_026_457_146,
    2.371_373_705_661_655_5,
    2.738_419_634_264_361,
    3.162_277_660_168_379_5,
    3.651_741_272_548_377,
    4.216_965_034_285_822,
    4.869_675_251_658_631,
    5.623_413_251_903_491,
    6.493_816_315_762_113,
    7.498_942_093_324_558,
    8.659_643_233_600_653,
    10.0,
];

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    Auction,
    Bid,
}

/// A column, of whichever stream. Its number is a part of what its values follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    PersonId,
    Name,
    Email,
    CreditCard,
    City,
    State,
    AuctionId,
    Title,
    Description,
    InitialBid,
    Reserve,
    Expires,
    Seller,
    Category,
    BidAuction,
    Bidder,
    Price,
    Channel,
    Url,
    Time,
    Extra,
}

type Named = (&'static str, fn() -> DataType, Item);

const BIGINT: fn() -> DataType = || DataType::BigInt;
const TEXT: fn() -> DataType = || DataType::String;
const TIME: fn() -> DataType = || DataType::Timestamp(3);

const PERSON: [Named; 8] = [
    ("id", BIGINT, Item::PersonId),
    ("name", TEXT, Item::Name),
    ("emailAddress", TEXT, Item::Email),
    ("creditCard", TEXT, Item::CreditCard),
    ("city", TEXT, Item::City),
    ("state", TEXT, Item::State),
    ("dateTime", TIME, Item::Time),
    ("extra", TEXT, Item::Extra),
];
const AUCTION: [Named; 10] = [
    ("id", BIGINT, Item::AuctionId),
    ("itemName", TEXT, Item::Title),
    ("description", TEXT, Item::Description),
    ("initialBid", BIGINT, Item::InitialBid),
    ("reserve", BIGINT, Item::Reserve),
    ("dateTime", TIME, Item::Time),
    ("expires", TIME, Item::Expires),
    ("seller", BIGINT, Item::Seller),
    ("category", BIGINT, Item::Category),
    ("extra", TEXT, Item::Extra),
];
const BID: [Named; 7] = [
    ("auction", BIGINT, Item::BidAuction),
    ("bidder", BIGINT, Item::Bidder),
    ("price", BIGINT, Item::Price),
    ("channel", TEXT, Item::Channel),
    ("url", TEXT, Item::Url),
    ("dateTime", TIME, Item::Time),
    ("extra", TEXT, Item::Extra),
];

impl Kind {
    /// Its columns: name, type, and what they are.
    pub(super) fn items(self) -> &'static [Named] {
        match self {
            Self::Person => &PERSON,
            Self::Auction => &AUCTION,
            Self::Bid => &BID,
        }
    }

    /// Bytes of `extra`, on average: what the original adds up to 200, 500 and 100 bytes an event.
    fn extra_bytes(self) -> u64 {
        match self {
            Self::Person => 135,
            Self::Auction => 390,
            Self::Bid => 68,
        }
    }

    fn of(id: u64) -> Self {
        match id % ROUND {
            0..PERSONS => Self::Person,
            PERSONS..4 => Self::Auction,
            _ => Self::Bid,
        }
    }
}

const _: () = assert!(PERSONS + AUCTIONS == 4);

/// A market.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub(super) times: Steady,
    pub(super) seed: u64,
    pub(super) first_id: u64,
}

/// How many persons came before and with the newest one at an event, less one.
fn newest_person(id: u64) -> u64 {
    id / ROUND * PERSONS + PERSONS - 1
}

/// The same of auctions. There is none before the first, and the first is the newest then.
fn newest_auction(id: u64) -> u64 {
    let (round, of_round) = (id / ROUND, id % ROUND);
    match of_round.checked_sub(PERSONS) {
        Some(at) => round * AUCTIONS + at.min(AUCTIONS - 1),
        None => (round * AUCTIONS).saturating_sub(1),
    }
}

impl Market {
    fn id(&self, number: u64) -> u64 {
        self.first_id.saturating_add(number)
    }

    /// What event `number` is.
    #[inline]
    pub(super) fn kind(&self, number: u64) -> Kind {
        Kind::of(self.id(number))
    }

    /// The number of the first event of a kind from `number` on.
    #[inline]
    pub(super) fn next_of(&self, kind: Kind, mut number: u64) -> u64 {
        while self.kind(number) != kind {
            number += 1;
        }
        number
    }

    fn time(&self, number: u64) -> i64 {
        cut(self.times.at(number).unwrap_or(i64::MAX), 3)
    }

    /// A value of event `number`; texts are written to `text`.
    #[inline]
    pub(super) fn value<'t>(&self, number: u64, item: Item, text: &'t mut Vec<u8>) -> Scalar<'t> {
        let id = self.id(number);
        let mut random = Random::of(self.seed, id, item as u64);
        let int = |value: u64| Scalar::Int(value.cast_signed());
        match item {
            Item::PersonId => return int(FIRST_PERSON_ID + newest_person(id)),
            Item::AuctionId => return int(FIRST_AUCTION_ID + newest_auction(id)),
            Item::InitialBid | Item::Price => return int(price(&mut random)),
            Item::Reserve => {
                let initial = price(&mut Random::of(self.seed, id, Item::InitialBid as u64));
                return int(initial + price(&mut random));
            }
            Item::Time => return Scalar::Int(self.time(number)),
            Item::Expires => return Scalar::Int(self.expires(number, &mut random)),
            Item::Category => return int(FIRST_CATEGORY_ID + random.below(CATEGORIES)),
            Item::Seller => return int(person(id, 0, &mut random)),
            Item::Bidder => return int(person(id, 1, &mut random)),
            Item::BidAuction => return int(open_auction(id, &mut random)),
            _ => text.clear(),
        }
        self.text(id, item, &mut random, text);
        Scalar::Bytes(text)
    }

    fn text(&self, id: u64, item: Item, random: &mut Random, text: &mut Vec<u8>) {
        // A vector takes whatever is written.
        let _ = match item {
            Item::Name => {
                let (first, last) = (random.one_of(&FIRST_NAMES), random.one_of(&LAST_NAMES));
                write!(text, "{first} {last}")
            }
            Item::Email => {
                words(7, b' ', random, text);
                text.push(b'@');
                words(5, b' ', random, text);
                text.write_all(b".com")
            }
            Item::CreditCard => {
                let mut group = || random.below(10_000);
                let (a, b, c, d) = (group(), group(), group(), group());
                write!(text, "{a:04} {b:04} {c:04} {d:04}")
            }
            Item::City => text.write_all(random.one_of(&CITIES).as_bytes()),
            Item::State => text.write_all(random.one_of(&STATES).as_bytes()),
            Item::Title => {
                words(20, b' ', random, text);
                Ok(())
            }
            Item::Description => {
                words(100, b' ', random, text);
                Ok(())
            }
            Item::Channel => match self.channel(id) {
                Ok(hot) => text.write_all(hot.as_bytes()),
                Err(number) => write!(text, "channel-{number}"),
            },
            Item::Url => {
                let channel = self.channel(id);
                let of = match channel {
                    Ok(hot) => CHANNELS + hot.len() as u64,
                    Err(number) => number,
                };
                // A channel has one address.
                let mut random = Random::of(self.seed, of, Item::Url as u64);
                text.extend(b"https://www.nexmark.com/");
                for _ in 0..3 {
                    words(5, b'_', &mut random, text);
                    text.push(b'/');
                }
                text.extend(b"item.htm?query=1");
                match channel {
                    Err(number) if random.below(10) > 0 => {
                        let mixed = (number as i32).reverse_bits().unsigned_abs();
                        write!(text, "&channel_id={mixed}")
                    }
                    _ => Ok(()),
                }
            }
            _ => {
                let average = Kind::of(id).extra_bytes();
                let spread = (average + 2) / 5;
                let length = average - spread + random.below(2 * spread);
                letters(length as usize, random, text);
                Ok(())
            }
        };
    }

    /// A channel that many use, or the number of another.
    fn channel(&self, id: u64) -> Result<&'static str, u64> {
        let mut random = Random::of(self.seed, id, Item::Channel as u64);
        match random.below(HOT_CHANNEL_RATIO) > 0 {
            true => Ok(random.one_of(&HOT_CHANNELS)),
            false => Err(random.below(CHANNELS)),
        }
    }

    /// An auction ends when about as many more have been opened as are open at a time.
    fn expires(&self, number: u64, random: &mut Random) -> i64 {
        let later = number.saturating_add(OPEN_AUCTIONS * ROUND / AUCTIONS);
        let (time, later) = (self.time(number), self.time(later));
        let horizon_ms = later.saturating_sub(time) / 1_000_000;
        let length_ms = 1 + random.below((horizon_ms * 2).max(1).cast_unsigned());
        time.saturating_add(length_ms.cast_signed().saturating_mul(1_000_000))
    }
}

/// A person who buys or sells: the hot one, whose id lies `hot_offset` behind a hundred, or any that is active.
fn person(id: u64, hot_offset: u64, random: &mut Random) -> u64 {
    let newest = newest_person(id);
    let base = match random.below(HOT_PERSON_RATIO) > 0 {
        true => newest / HOT_EVERY * HOT_EVERY + hot_offset,
        false => {
            let persons = newest + 1;
            let active = persons.min(ACTIVE_PERSONS);
            persons - active + random.below(active + PERSON_ID_LEAD)
        }
    };
    FIRST_PERSON_ID + base
}

/// The hot auction, or any that is open.
fn open_auction(id: u64, random: &mut Random) -> u64 {
    let newest = newest_auction(id);
    let base = match random.below(HOT_AUCTION_RATIO) > 0 {
        true => newest / HOT_EVERY * HOT_EVERY,
        false => {
            let oldest = newest.saturating_sub(OPEN_AUCTIONS);
            oldest + random.below(newest - oldest + 1 + AUCTION_ID_LEAD)
        }
    };
    FIRST_AUCTION_ID + base
}

/// 1.00 to 1,000,000.00 in cents, as many in each power of ten. Between sixteenths of a power it goes in a straight line:
/// powers of the system's library differ in their last digit from host to host.
fn price(random: &mut Random) -> u64 {
    let sixteenths = random.fraction() * 96.0;
    let whole = sixteenths as usize;
    let (power, at) = (whole / 16, whole % 16);
    let part = sixteenths - whole as f64;
    let mantissa = TENTHS[at] + (TENTHS[at + 1] - TENTHS[at]) * part;
    (mantissa * [100.0, 1e3, 1e4, 1e5, 1e6, 1e7][power.min(5)]).round() as u64
}

/// Appends a text of 3 to `length_max` letters, of which one in thirteen is `between`, without blanks at its ends.
fn words(length_max: u64, between: u8, random: &mut Random, text: &mut Vec<u8>) {
    let from = text.len();
    let length = 3 + random.below(length_max - 3);
    for at in 0..length {
        let letter = if random.below(13) == 0 { between } else { b'a' + random.below(26) as u8 };
        if letter != b' ' || (at > 0 && text.len() > from) {
            text.push(letter);
        }
    }
    while text.len() > from && text.last() == Some(&b' ') {
        text.pop();
    }
}

/// Appends so many letters.
fn letters(length: usize, random: &mut Random, text: &mut Vec<u8>) {
    let end = text.len() + length;
    while text.len() < end {
        // Twelve letters of five bits each; six letters come twice as often as the others.
        let bits = random.bits();
        for letter in 0..12.min(end - text.len()) {
            let of = (bits >> (5 * letter)) & 31;
            text.push(b'a' + (of % 26) as u8);
        }
    }
}
