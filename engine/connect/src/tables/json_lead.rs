//! What stands before the values of an object, as it stood in the object before it.

use super::json_word::{first_word, last_word};

/// Members of an object that are remembered.
const MEMBERS_MAX: usize = 256;
/// Bytes of a name with what stands around it that are remembered.
const LEAD_BYTES_MAX: usize = 256;

/// What stands before the value of a member: the comma, the name and the colon, with their blanks.
#[derive(Debug, Default)]
pub(super) struct Lead {
    text: Vec<u8>,
    /// The first eight bytes of it, or all if they are fewer; of those `mask` has the bits.
    first: u64,
    mask: u64,
    /// The last eight, if they are so many.
    last: u64,
    pub(super) column: Option<usize>,
}

impl Lead {
    fn set(&mut self, text: &[u8], column: Option<usize>) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.first = first_word(text);
        self.mask = first_word(&[0xFF; 8][..text.len().min(8)]);
        self.last = last_word(text);
        self.column = column;
    }

    /// What stands behind it in `rest`, if that begins with it. With one that is not known yet nothing begins.
    #[inline(always)]
    pub(super) fn behind<'t>(&self, rest: &'t [u8]) -> Option<&'t [u8]> {
        let len = self.text.len();
        if (first_word(rest) ^ self.first) & self.mask != 0 || len == 0 {
            return None;
        }
        let (lead, behind) = rest.split_at_checked(len)?;
        // With 16 bytes or fewer nothing lies between the first and the last eight.
        let goes_on = len <= 8 || last_word(lead) == self.last && (len <= 16 || lead == self.text);
        goes_on.then_some(behind)
    }
}

/// The leads of an object's members, in their order.
#[derive(Debug, Default)]
pub(super) struct Leads(Vec<Lead>);

impl Leads {
    #[inline(always)]
    pub(super) fn get(&self, place: usize) -> Option<&Lead> {
        self.0.get(place)
    }

    /// From now on this is expected at `place`.
    pub(super) fn expect(&mut self, place: usize, text: &[u8], column: Option<usize>) {
        if place >= MEMBERS_MAX || text.len() > LEAD_BYTES_MAX {
            return;
        }
        if self.0.len() <= place {
            self.0.resize_with(place + 1, Lead::default);
        }
        self.0[place].set(text, column);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_lead_is_where_its_bytes_stand(
            lead in "[ab]{0,40}",
            before in "[ab]{0,3}",
            behind in "[ab]{0,40}",
            change in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut leads = Leads::default();
            leads.expect(1, lead.as_bytes(), Some(7));
            let mut text = format!("{before}{lead}{behind}").into_bytes();
            if let Some(change) = change.filter(|_| !text.is_empty()) {
                let at = change.index(text.len());
                text[at] ^= 3;
            }
            for at in 0..=text.len() {
                let rest = &text[at..];
                let behind = rest.strip_prefix(lead.as_bytes()).filter(|_| !lead.is_empty());
                prop_assert_eq!(leads.get(1).unwrap().behind(rest), behind);
                prop_assert_eq!(leads.get(0).unwrap().behind(rest), None);
            }
        }
    }
}
