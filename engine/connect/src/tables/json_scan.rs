//! JSON, gone over once: RFC 8259.
//!
//! 1. All of the text is held to the grammar, values that nobody wants too.
//! 2. Nothing is built: the values of an object are handed out as pieces of the text, a value within a value as it stands.
//! 3. Names are UTF-8. Values are whatever bytes they are: whoever reads one checks it.
//! 4. Values may lie in each other as deep as they like: no call goes deeper for them.

use std::fmt;
use std::ops::Range;

/// Why a text is no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoObject {
    /// Where, in bytes from the start of the text.
    pub(super) at: usize,
    expected: &'static str,
    found: Option<u8>,
}

impl fmt::Display for NoObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no JSON object: expected {}, found ", self.expected)?;
        match self.found {
            Some(byte) if byte.is_ascii_graphic() => write!(f, "'{}'", char::from(byte)),
            Some(byte) => write!(f, "the byte 0x{byte:02x}"),
            None => write!(f, "its end"),
        }
    }
}

/// Members of an object whose names are remembered.
const NAMES_MAX: usize = 256;
/// Bytes of a name with what stands around it that are remembered.
const NAME_BYTES_MAX: usize = 256;

/// What stands before the value of a member: the comma, the name and the colon, with their blanks.
#[derive(Debug, Default)]
struct Lead {
    text: Vec<u8>,
    column: Option<usize>,
}

impl Lead {
    /// Whether `text` begins with it. One that is not known yet is empty.
    #[inline(always)]
    fn is_of(&self, text: &[u8]) -> bool {
        !self.text.is_empty() && text.starts_with(&self.text)
    }
}

/// Goes over objects, which mostly have the same names in the same order, with the same blanks: what stood before the n-th
/// value of an object is tried first in the next one, and found by one comparison. Wherever it stands it says the same.
#[derive(Debug, Default)]
pub(super) struct ObjectScan {
    leads: Vec<Lead>,
    open: Vec<u8>,
}

impl ObjectScan {
    /// Hands the values of the object that `text` is to `value`, each with its column and its place. `column` says which
    /// column a name is, between its quotes as it stands in the text, and with whether it has escapes; it says so always.
    #[inline]
    pub(super) fn values(
        &mut self,
        text: &[u8],
        mut column: impl FnMut(&[u8], bool) -> Option<usize>,
        mut value: impl FnMut(usize, Range<usize>),
    ) -> Result<(), NoObject> {
        let Self { leads, open } = self;
        let mut scan = Scan { text, at: 0 };
        for place in 0.. {
            let column = match leads.get(place) {
                Some(lead) if lead.is_of(scan.rest()) => {
                    scan.at += lead.text.len();
                    scan.blanks();
                    lead.column
                }
                _ => {
                    let from = scan.at;
                    let Some((name, is_escaped)) = scan.lead(place == 0)? else { break };
                    if let Err(error) = std::str::from_utf8(&text[name.clone()]) {
                        scan.at = name.start + error.valid_up_to();
                        return Err(scan.wrong("UTF-8"));
                    }
                    let column = column(&text[name], is_escaped);
                    remember(leads, place, &text[from..scan.at], column);
                    column
                }
            };
            let from = scan.at;
            scan.value(open)?;
            if let Some(column) = column {
                value(column, from..scan.at);
            }
        }
        scan.blanks();
        if scan.at < text.len() { Err(scan.wrong("nothing behind the object")) } else { Ok(()) }
    }
}

fn remember(leads: &mut Vec<Lead>, place: usize, text: &[u8], column: Option<usize>) {
    if place >= NAMES_MAX || text.len() > NAME_BYTES_MAX {
        return;
    }
    if leads.len() <= place {
        leads.resize_with(place + 1, Lead::default);
    }
    let lead = &mut leads[place];
    lead.text.clear();
    lead.text.extend_from_slice(text);
    lead.column = column;
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[cold]
    fn wrong(&self, expected: &'static str) -> NoObject {
        NoObject { at: self.at, expected, found: self.peek() }
    }

    #[inline(always)]
    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), NoObject> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(expected));
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    /// Goes from the beginning, or from behind a value, to the next value of the object, and gives its name and whether
    /// that has escapes; `None`: the object ends here.
    fn lead(&mut self, is_first: bool) -> Result<Option<(Range<usize>, bool)>, NoObject> {
        self.blanks();
        if is_first {
            self.take(b'{', "'{'")?;
            self.blanks();
        }
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !is_first => {
                self.at += 1;
                self.blanks();
            }
            _ if is_first => {}
            _ => return Err(self.wrong("',' or '}'")),
        }
        self.name().map(Some)
    }

    /// The name of a member, and whether it has escapes; goes on to its value.
    #[inline(always)]
    fn name(&mut self) -> Result<(Range<usize>, bool), NoObject> {
        self.take(b'"', "a name in '\"'")?;
        let from = self.at;
        let is_escaped = self.string()?;
        let to = self.at - 1;
        self.blanks();
        self.take(b':', "':' behind a name")?;
        self.blanks();
        Ok((from..to, is_escaped))
    }

    /// Goes behind the end of a string, which has begun; whether it has escapes.
    #[inline(always)]
    fn string(&mut self) -> Result<bool, NoObject> {
        let mut is_escaped = false;
        loop {
            while let Some(eight) = self.text.get(self.at..).and_then(<[u8]>::first_chunk) {
                let special = special_bytes(u64::from_le_bytes(*eight));
                self.at += special.trailing_zeros() as usize / 8;
                if special != 0 {
                    break;
                }
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(is_escaped);
                }
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(self.wrong("no control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("'\"' behind a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), NoObject> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.wrong("four hexadecimal digits"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.wrong("an escape")),
        }
        Ok(())
    }

    /// Goes behind the end of a value.
    #[inline(always)]
    fn value(&mut self, open: &mut Vec<u8>) -> Result<(), NoObject> {
        match self.peek() {
            Some(b'{' | b'[') => self.nested(open),
            _ => self.scalar(),
        }
    }

    #[inline(always)]
    fn scalar(&mut self) -> Result<(), NoObject> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(drop)
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.wrong("a value")),
        }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), NoObject> {
        if !self.rest().starts_with(literal) {
            return Err(self.wrong("true, false or null"));
        }
        self.at += literal.len();
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Result<(), NoObject> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), NoObject> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    /// Goes behind the end of an array or object. `open` keeps what each of those that are open ends with.
    fn nested(&mut self, open: &mut Vec<u8>) -> Result<(), NoObject> {
        open.clear();
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    self.blanks();
                    if self.peek() != Some(close) {
                        open.push(close);
                        if close == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                _ => self.scalar()?,
            }
            // A value is whole, and with it perhaps those that it is the last of.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                self.blanks();
                match self.peek() {
                    Some(b',') => break,
                    Some(byte) if byte == close => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.wrong("',' or the end of an array or object")),
                }
            }
            self.at += 1;
            self.blanks();
            if open.last() == Some(&b'}') {
                self.name()?;
            }
        }
    }
}

/// Of eight bytes the high bit of each that is a quote, a backslash or a control character; right up to the first such,
/// which is all that counts.
#[inline(always)]
fn special_bytes(bytes: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = zero(bytes ^ (ONES * b'"' as u64));
    let backslash = zero(bytes ^ (ONES * b'\\' as u64));
    let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    (quote | backslash | control) & HIGH
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::super::json_value::unescape;
    use super::*;

    /// Reads objects, and remembers all names.
    #[derive(Default)]
    struct Reader {
        scan: ObjectScan,
        names: Vec<Option<String>>,
    }

    impl Reader {
        /// The members of an object, the last of each name; `None`: it is none.
        fn read(&mut self, text: &[u8]) -> Option<BTreeMap<String, String>> {
            let Self { scan, names } = self;
            let mut values = Vec::new();
            let column = |name: &[u8], is_escaped: bool| {
                let mut plain = Vec::new();
                let is_name = unescape(name, &mut plain).is_ok();
                assert_eq!(is_escaped, name.contains(&b'\\'));
                names.push(is_name.then(|| String::from_utf8(plain).unwrap()));
                Some(names.len() - 1)
            };
            let read = scan.values(text, column, |column, place| values.push((column, place)));
            read.ok()?;
            let member = |(column, place): (usize, Range<usize>)| {
                let value = String::from_utf8(text[place].to_vec()).ok()?;
                Some((names[column].clone()?, value))
            };
            values.into_iter().map(member).collect()
        }
    }

    /// The same by serde_json.
    fn expected(text: &[u8]) -> Option<BTreeMap<String, String>> {
        let all: BTreeMap<String, &RawValue> = serde_json::from_slice(text).ok()?;
        Some(all.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
    }

    #[track_caller]
    fn assert_agrees<'t>(texts: impl IntoIterator<Item = &'t [u8]>) {
        let mut reader = Reader::default();
        for text in texts {
            assert_eq!(reader.read(text), expected(text), "{}", String::from_utf8_lossy(text));
        }
    }

    fn error(text: &[u8]) -> NoObject {
        ObjectScan::default().values(text, |_, _| None, |_, _| {}).unwrap_err()
    }

    #[test]
    fn special_bytes_are_found_at_each_place_among_any_others() {
        for byte in 0..=u8::MAX {
            for other in [b'!', b'#', b'[', b']', 0x20, 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                for at in 0..8 {
                    let mut eight = [other; 8];
                    eight[at] = byte;
                    let found = special_bytes(u64::from_le_bytes(eight));
                    let is_special = matches!(byte, b'"' | b'\\' | 0..0x20);
                    let place = (found != 0).then(|| found.trailing_zeros() as usize / 8);
                    assert_eq!(place, is_special.then_some(at), "{byte} among {other}");
                }
            }
        }
    }

    #[test]
    fn an_error_says_where_and_what_was_expected() {
        let of = |text: &str| {
            let error = error(text.as_bytes());
            (error.at, error.to_string())
        };
        let says = |at, what: &str| (at, format!("no JSON object: expected {what}"));
        assert_eq!(of("{\"a\":1"), says(6, "',' or '}', found its end"));
        assert_eq!(of("[1]"), says(0, "'{', found '['"));
        assert_eq!(of("{\"a\":01}"), says(6, "',' or '}', found '1'"));
        assert_eq!(of("{\"a\":tru}"), says(5, "true, false or null, found 't'"));
        assert_eq!(
            of("{\"a\n\":1}"),
            says(3, "no control character in a string, found the byte 0x0a")
        );
        assert_eq!(of("{} x"), says(3, "nothing behind the object, found 'x'"));
        let bytes = error(b"{\"\xFF\":1}");
        assert_eq!((bytes.at, bytes.expected), (2, "UTF-8"));
    }

    #[test]
    fn depth_is_no_matter() {
        let deep = |depth| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Reader::default().read(deep(100_000).as_bytes()).is_some());
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|it| it.to_string()),
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?",
            string(),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::vec((string(), blanks(), inner.clone()), 0..4);
            prop_oneof![
                (prop::collection::vec(inner, 0..4), blanks())
                    .prop_map(|(items, blanks)| format!("[{blanks}{}]", items.join(","))),
                members.prop_map(object),
            ]
        })
    }

    fn object(members: Vec<(String, String, String)>) -> String {
        let member =
            |(name, blanks, value)| format!("{blanks}{name}{blanks}:{blanks}{value}{blanks}");
        format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
    }

    fn string() -> impl Strategy<Value = String> {
        "\"([a-c é😀!#\\[\\]]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-fA-F]{2}|\\\\uD83D\\\\uDE00){0,12}\""
    }

    fn blanks() -> impl Strategy<Value = String> {
        "[ \t\r\n]{0,2}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn objects_are_read_as_by_serde_json(
            objects in prop::collection::vec(
                prop::collection::vec((string(), blanks(), json()), 0..5),
                1..4,
            ),
        ) {
            let texts: Vec<_> = objects.into_iter().map(object).collect();
            prop_assert!(texts.iter().all(|text| expected(text.as_bytes()).is_some()));
            assert_agrees(texts.iter().map(String::as_bytes));
        }

        /// One object after another, each a little different from the one before, and most of them broken.
        #[test]
        fn broken_objects_are_refused_as_by_serde_json(
            members in prop::collection::vec((string(), blanks(), json()), 0..4),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::option::of(prop::sample::select(
                    &b"{}[]:,\"\\0123-+.eEutfn \n\x01\xFFa"[..],
                ))),
                1..4,
            ),
        ) {
            let whole = object(members).into_bytes();
            let mut texts = vec![whole.clone()];
            let mut text = whole.clone();
            for (at, byte) in changes {
                let at = at.index(text.len().max(1)).min(text.len().saturating_sub(1));
                match byte {
                    Some(byte) => text.insert(at, byte),
                    None if text.is_empty() => {}
                    None => drop(text.remove(at)),
                }
                texts.push(text.clone());
            }
            texts.push(whole);
            assert_agrees(texts.iter().map(Vec::as_slice));
        }
    }
}
