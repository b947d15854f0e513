//! Tables whose messages come once: what is received can not be asked for again.
//!
//! 1. A [`Transport`] gives messages as they came, each with its receive time and its line. A [`Decode`] makes rows of
//!    them, and of nothing else: the same messages give the same rows.
//! 2. Between the two stands the journal, where there is one: a message is in it before a row is made of it.
//! 3. A place is the number of a message, and how many of its rows have been given. A job that goes on from there reads the
//!    journal from that message to its end, and then what comes; where rows follow from all messages before, as those of
//!    books do, it reads the journal from its beginning, and passes over the rows that were given.
//! 4. A job that does not go on from a snapshot reads the whole journal first: it is a part of the table.
//! 5. A transport that acknowledges messages to who sent them is told when they are kept, and does not do it before.

mod inbox;
mod options;
mod place;
mod lines;
mod text_rows;
mod mold_rows;

use std::time::Duration;

use tidewire_feeds::journal::Reader;
use tidewire_journal::{Journal, JournalError};

pub use inbox::{Came, Inbox, Message};
pub(super) use lines::{Framer, Framing};
pub(super) use mold_rows::{MoldRows, MoldSender};
pub use options::Keeping;
pub(super) use text_rows::Numbered;
pub use text_rows::{Known, TextRows};

use self::place::Place;
use super::{OptionError, Read, TableError, TableReader};

/// Where messages come from.
pub trait Transport: Send {
    /// Whether it acknowledges messages, so that who sent them forgets them: in the mode `sync` the disk has them first.
    const ACKNOWLEDGES: bool = false;
    /// How many messages before the place of a snapshot it is told of, and the journal keeps: what it must know to tell a
    /// message that is sent again.
    const LOOKS_BACK: u64 = 0;

    /// A message that the journal has from an earlier life: what is received goes on behind it.
    fn replayed(&mut self, message: &Message<'_>) {
        let _ = message;
    }

    /// Nothing more comes from the journal: told once, before the first [`receive`](Self::receive).
    ///
    /// # Errors
    /// Nothing can be received.
    fn start(&mut self) -> Result<(), TableError> {
        Ok(())
    }

    /// Puts what has come into the inbox, which is empty.
    ///
    /// # Errors
    /// Nothing more can be received.
    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError>;

    /// See [`TableReader::wait`].
    fn wait(&mut self, at_most: Duration) -> bool {
        let _ = at_most;
        false
    }

    /// All that it has put into the inbox is kept, as safe as the journal's mode says; where there is no journal, it has
    /// been received.
    ///
    /// # Errors
    /// Nothing more can be received.
    fn kept(&mut self) -> Result<(), TableError> {
        Ok(())
    }

    /// Nothing is to be received any more: puts what it has held back into the inbox.
    fn close(&mut self, inbox: &mut Inbox) {
        let _ = inbox;
    }

    /// Where it receives from, for people to read.
    fn place(&self) -> String;

    /// See [`TableReader::time`].
    fn time(&self, now: i64) -> i64 {
        now
    }

    /// See [`TableReader::notes`].
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// See [`TableReader::counts`].
    fn counts(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// See [`TableReader::watched`].
    fn watched(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// See [`TableReader::skipped`].
    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// See [`TableReader::troubles`].
    fn troubles(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// What makes rows of messages.
pub trait Decode: Send {
    /// Whether its rows follow from all messages before.
    const NEEDS_ALL: bool;

    /// Takes a message in, and writes its first row; `None`: it has none.
    ///
    /// # Errors
    /// The message is not as it should be, and may not be left out.
    fn first(&mut self, message: &Message<'_>, row: &mut [u8]) -> Result<Option<Read>, TableError>;

    /// Writes the next row of the message that was taken in last; `None`: it has no more.
    ///
    /// # Errors
    /// The message is not as it should be, and may not be left out.
    fn more(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError>;

    /// See [`TableReader::skipped`].
    fn skipped(&self) -> Vec<(String, u64)>;
}

/// An input on which there is always something more ends all the same, after so many looks.
const ENDING_LOOKS_MAX: u64 = 1 << 20;

/// Reads a table.
pub struct Live<T, D> {
    transport: T,
    decoder: D,
    inbox: Inbox,
    journal: Option<Journal>,
    /// What is still to be read of the journal.
    replay: Option<Reader>,
    is_off_on_purpose: bool,
    has_begun: bool,
    /// How many more looks at what comes there are at most, once it has been asked to end.
    ending: Option<u64>,
    has_ended: bool,
    /// The message that is read, or the next one, and how many of its rows have been given.
    at: Place,
    /// Whether there is such a message, which may have more rows.
    is_at_hand: bool,
    /// Rows before this place were given in an earlier life.
    pass_to: Place,
    connector: String,
    replayed: u64,
    missing: u64,
}

impl<T: Transport, D: Decode> Live<T, D> {
    /// A table of a connector, with what its options say of the journal.
    ///
    /// # Errors
    /// The journal can not be opened.
    pub fn new(
        connector: &str,
        transport: T,
        decoder: D,
        keeping: Keeping,
    ) -> Result<Self, TableError> {
        let is_off_on_purpose = keeping.is_off_on_purpose();
        let journal = keeping.open(D::NEEDS_ALL)?;
        Ok(Self {
            transport,
            decoder,
            inbox: Inbox::default(),
            journal,
            replay: None,
            is_off_on_purpose,
            has_begun: false,
            ending: None,
            has_ended: false,
            at: Place::default(),
            is_at_hand: false,
            pass_to: Place::default(),
            connector: connector.to_owned(),
            replayed: 0,
            missing: 0,
        })
    }

    /// Where the table begins: at the place, or at the beginning of the journal.
    fn begin(&mut self, resumed: Option<Place>) -> Result<(), TableError> {
        self.has_begun = true;
        let Some(journal) = &mut self.journal else {
            self.at = resumed.unwrap_or_default();
            return self.transport.start();
        };
        let folder = journal.folder().display().to_string();
        let failed = |problem: String| TableError::Input { place: folder, problem };
        self.pass_to = resumed.unwrap_or_default();
        let from = if D::NEEDS_ALL { 0 } else { self.pass_to.message };
        let (first, next) = (journal.first(), journal.next_number());
        if self.pass_to > Place::before(next) {
            if D::NEEDS_ALL {
                return Err(failed(format!(
                    "the journal ends with message {next}, before the place of the snapshot ({}): the host has lost its \
                     end, and rows follow from all messages; begin again with new folders for snapshots and journal",
                    self.pass_to
                )));
            }
            // What the journal has lost is behind the snapshot already.
            self.missing += self.pass_to.message - next;
            journal.pass_over(self.pass_to.message);
        } else if from < first {
            let help = match resumed {
                None if !D::NEEDS_ALL => "go on from the newest snapshot with --restore",
                _ => "begin again with new folders for snapshots and journal",
            };
            return Err(failed(format!(
                "the journal begins with message {first}, and message {from} is needed: {help}"
            )));
        }
        let behind = from.saturating_sub(T::LOOKS_BACK).max(first);
        if behind < from {
            let mut before = journal.reader(behind).map_err(of_journal)?;
            while let Some(record) = before.next().map_err(|error| of_journal(error.into()))? {
                if record.number >= from {
                    break;
                }
                self.transport.replayed(&Message::of(&record));
            }
        }
        self.replay = Some(journal.reader(from).map_err(of_journal)?);
        self.at = Place::before(from);
        Ok(())
    }

    /// Takes the next message in, and writes its first row.
    fn take(&mut self, row: &mut [u8]) -> Result<Taken, TableError> {
        if let Some(replay) = &mut self.replay {
            if let Some(record) = replay.next().map_err(|error| of_journal(error.into()))? {
                let message = Message::of(&record);
                self.transport.replayed(&message);
                self.replayed += 1;
                self.at.message = message.number;
                return self.decoder.first(&message, row).map(Taken::Message);
            }
            self.missing += replay.missing();
            self.replay = None;
            self.at.message = self.journal.as_ref().map_or(0, Journal::next_number);
            self.transport.start()?;
        }
        let Self { transport, decoder, inbox, journal, at, ending, has_ended, .. } = self;
        while inbox.is_empty() {
            if *has_ended {
                return Ok(Taken::End);
            }
            inbox.begin(at.message);
            match (transport.receive(inbox)?, ending.as_mut()) {
                (Came::End, _) => *has_ended = true,
                (Came::Nothing, None) => return Ok(Taken::Nothing),
                (Came::Something, None) => {}
                (Came::Something, Some(left)) if *left > 0 => *left -= 1,
                (_, Some(_)) => {
                    transport.close(inbox);
                    *has_ended = true;
                }
            }
            if let Some(journal) = journal {
                for Message { received, line, bytes, .. } in inbox.iter() {
                    journal.append(received, line, bytes).map_err(of_journal)?;
                }
                if T::ACKNOWLEDGES && !inbox.is_empty() {
                    journal.secure().map_err(of_journal)?;
                }
            }
            transport.kept()?;
        }
        match inbox.next() {
            Some(message) => decoder.first(&message, row).map(Taken::Message),
            None => Ok(Taken::Nothing),
        }
    }
}

/// What came of a turn.
enum Taken {
    /// A message, with its first row.
    Message(Option<Read>),
    Nothing,
    End,
}

fn of_journal(error: JournalError) -> TableError {
    let error = error.to_string();
    let (place, problem) = error.split_once(": ").unwrap_or(("the journal", &error));
    TableError::Input { place: place.to_owned(), problem: problem.to_owned() }
}

impl<T: Transport, D: Decode> TableReader for Live<T, D> {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        if !self.has_begun {
            self.begin(None)?;
        }
        loop {
            let given = if self.is_at_hand {
                self.decoder.more(row)?
            } else {
                match self.take(row)? {
                    Taken::Message(given) => {
                        self.is_at_hand = true;
                        given
                    }
                    Taken::Nothing => return Ok(Read::Nothing),
                    Taken::End => return Ok(Read::End),
                }
            };
            match given {
                Some(read @ Read::Row { .. }) => {
                    self.at.rows += 1;
                    if self.at > self.pass_to {
                        return Ok(read);
                    }
                    row.fill(0);
                }
                Some(other) => return Ok(other),
                None => {
                    self.at = Place { message: self.at.message + 1, rows: 0 };
                    self.is_at_hand = false;
                }
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn end(&mut self) -> bool {
        self.ending.get_or_insert(ENDING_LOOKS_MAX);
        true
    }

    fn needs_journal(&self) -> Option<OptionError> {
        let is_missing = self.journal.is_none() && !self.is_off_on_purpose;
        is_missing.then(|| OptionError::missing(&self.connector, "journal.path", options::NEEDED))
    }

    fn position(&mut self) -> Result<Option<String>, TableError> {
        if let Some(journal) = &mut self.journal {
            journal.secure().map_err(of_journal)?;
        }
        // Rows that were given before are behind a snapshot's place, wherever this has come by now.
        Ok(Some(self.at.max(self.pass_to).to_string()))
    }

    fn resume(&mut self, position: &str) -> Result<bool, TableError> {
        let place = self.transport.place();
        let Ok(resumed) = position.parse() else {
            let problem = format!("the snapshot says '{position}', which is no place in a journal");
            return Err(TableError::Input { place, problem });
        };
        if self.journal.is_none() && D::NEEDS_ALL {
            let problem = "rows follow from all messages before, and without a journal these can not be had again: give \
                           'journal.path', or start the job without --restore";
            return Err(TableError::Input { place, problem: problem.to_owned() });
        }
        self.begin(Some(resumed))?;
        Ok(true)
    }

    fn forget(&mut self, position: &str) {
        if let (Some(journal), Ok(place)) = (&mut self.journal, position.parse::<Place>())
            && !D::NEEDS_ALL
        {
            journal.forget(place.message.saturating_sub(T::LOOKS_BACK));
        }
    }

    fn time(&self, now: i64) -> i64 {
        self.transport.time(now)
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        self.transport.wait(at_most)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.transport.notes();
        let Some(journal) = &self.journal else { return notes };
        let folder = journal.folder().display();
        if let Some(torn) = journal.torn() {
            let (offset, bytes) = (torn.offset, torn.bytes);
            let path = torn.path.display();
            notes.push(format!(
                "the journal had a torn tail: {bytes} bytes behind offset {offset} of {path} were cut off"
            ));
        }
        let kept = journal.next_number() - journal.first();
        if kept > 0 {
            notes.push(format!("the journal at {folder} has {kept} messages"));
        }
        notes
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let mut counts = self.transport.counts();
        if self.journal.is_some() {
            counts.push(("messages read again from the journal".to_owned(), self.replayed));
        }
        counts
    }

    fn watched(&self) -> Vec<(&'static str, u64)> {
        self.transport.watched()
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let mut skipped = self.decoder.skipped();
        skipped.extend(self.transport.skipped());
        if self.missing > 0 {
            let what = "messages that the journal does not have, received before the restart";
            skipped.push((what.to_owned(), self.missing));
        }
        skipped
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        let mut troubles = self.transport.troubles();
        if let Some(journal) = &self.journal {
            let counts = [
                ("messages that are not in the journal: the disk is full", journal.dropped()),
                ("segments of the journal that could not be removed", journal.not_removed()),
            ];
            let counts = counts.into_iter().filter(|(_, count)| *count > 0);
            troubles.extend(counts.map(|(what, count)| (what.to_owned(), count)));
        }
        troubles
    }
}

#[cfg(test)]
mod tests;
