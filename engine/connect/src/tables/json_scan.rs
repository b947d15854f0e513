//! JSON, gone over once: RFC 8259.
//!
//! 1. All of the text is held to the grammar, values that nobody wants too.
//! 2. Nothing is built: the values of an object are handed out as places in the text, a value within a value as it stands,
//!    each with what was learned of it on the way.
//! 3. Names are UTF-8. Values are whatever bytes they are: whoever reads one checks it.
//! 4. Values may lie in each other as deep as they like: no call goes deeper for them.

use std::fmt;

use super::json_known::{DIGITS_MAX, Form, Known, POWERS};
use super::json_lead::Leads;
use super::json_word::{STRIDE, StringBits, first_word, leading_digits};

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

/// A value, and its place in the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) known: Known,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Goes over objects, which mostly have the same names in the same order, with the same blanks: what stood before the n-th
/// value of an object is tried first in the next one, and found by a comparison or two. Wherever it stands it says the same.
#[derive(Debug, Default)]
pub(super) struct ObjectScan {
    leads: Leads,
    open: Vec<u8>,
}

impl ObjectScan {
    /// Hands the values of the object that `text` is to `value`, each with its column. `column` says which column a name
    /// is, between its quotes as it stands in the text, and with whether it has escapes; it says so always.
    #[inline]
    pub(super) fn values(
        &mut self,
        text: &[u8],
        column: impl FnMut(&[u8], bool) -> Option<usize>,
        value: impl FnMut(usize, Found),
    ) -> Result<(), NoObject> {
        self.members(text, column, value).map_err(|wrong| wrong.of(text))
    }

    #[inline]
    fn members(
        &mut self,
        text: &[u8],
        mut column: impl FnMut(&[u8], bool) -> Option<usize>,
        mut value: impl FnMut(usize, Found),
    ) -> Result<(), Box<Wrong>> {
        let Self { leads, open } = self;
        let mut rest = text;
        for place in 0.. {
            let known = leads.get(place).and_then(|lead| Some((lead.column, lead.behind(rest)?)));
            let (column, from) = match known {
                Some((column, behind)) => (column, blanks(behind)),
                None => {
                    if let ([b'}', behind @ ..], 1..) = (rest, place) {
                        rest = behind;
                        break;
                    }
                    let (name, behind) = lead(rest, place == 0)?;
                    let Some(name) = name else {
                        rest = behind;
                        break;
                    };
                    let column = column(name.text()?, name.is_escaped);
                    leads.expect(place, &rest[..rest.len() - behind.len()], column);
                    (column, behind)
                }
            };
            let (known, behind) = any_value(from, open)?;
            if let Some(column) = column {
                let (from, to) = (text.len() - from.len(), text.len() - behind.len());
                value(column, Found { known, from, to });
            }
            rest = behind;
        }
        rest = blanks(rest);
        if rest.is_empty() { Ok(()) } else { Err(wrong(rest, "nothing behind the object")) }
    }
}

/// What was gone over, and the text behind it.
type Scanned<'t, T> = Result<(T, &'t [u8]), Box<Wrong>>;

/// What is wrong where so many bytes of the text are left. In a box, as it hardly ever is: what is returned is small.
struct Wrong {
    left: usize,
    expected: &'static str,
}

impl Wrong {
    #[cold]
    fn of(&self, text: &[u8]) -> NoObject {
        let at = text.len() - self.left;
        NoObject { at, expected: self.expected, found: text.get(at).copied() }
    }
}

#[cold]
fn wrong(rest: &[u8], expected: &'static str) -> Box<Wrong> {
    Box::new(Wrong { left: rest.len(), expected })
}

#[inline(always)]
fn take<'t>(rest: &'t [u8], byte: u8, expected: &'static str) -> Result<&'t [u8], Box<Wrong>> {
    match rest {
        [first, behind @ ..] if *first == byte => Ok(behind),
        _ => Err(wrong(rest, expected)),
    }
}

#[inline(always)]
fn blanks(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

/// The name of a member.
#[derive(Clone, Copy)]
struct Name<'t> {
    /// The text from it on.
    from: &'t [u8],
    bytes: usize,
    is_escaped: bool,
}

impl<'t> Name<'t> {
    fn text(self) -> Result<&'t [u8], Box<Wrong>> {
        let name = &self.from[..self.bytes];
        match std::str::from_utf8(name) {
            Ok(_) => Ok(name),
            Err(error) => Err(wrong(&self.from[error.valid_up_to()..], "UTF-8")),
        }
    }
}

/// Goes from the beginning, or from behind a value, to the next value of the object, and gives its name; `None`: the object
/// ends here.
#[inline(never)]
fn lead(rest: &[u8], is_first: bool) -> Scanned<'_, Option<Name<'_>>> {
    let mut rest = blanks(rest);
    if is_first {
        rest = blanks(take(rest, b'{', "'{'")?);
    }
    match rest {
        [b'}', behind @ ..] => return Ok((None, behind)),
        [b',', behind @ ..] if !is_first => rest = blanks(behind),
        _ if is_first => {}
        _ => return Err(wrong(rest, "',' or '}'")),
    }
    name(rest).map(|(name, rest)| (Some(name), rest))
}

/// The name of a member; goes on to its value.
#[inline(always)]
fn name(rest: &[u8]) -> Scanned<'_, Name<'_>> {
    let from = take(rest, b'"', "a name in '\"'")?;
    let (marks, behind) = string(from)?;
    let bytes = from.len() - behind.len() - 1;
    let rest = blanks(take(blanks(behind), b':', "':' behind a name")?);
    Ok((Name { from, bytes, is_escaped: marks.is_escaped }, rest))
}

/// What is known of a string.
struct Marks {
    is_escaped: bool,
    is_ascii: bool,
}

/// Goes behind the end of a string, which has begun.
#[inline(always)]
fn string(mut rest: &[u8]) -> Scanned<'_, Marks> {
    let (mut is_escaped, mut high) = (false, 0);
    loop {
        let bits = StringBits::of(rest);
        if bits.special == 0 {
            high |= bits.high;
            rest = &rest[STRIDE..];
            continue;
        }
        let before = bits.special.trailing_zeros();
        high |= bits.high & ((1 << before) - 1);
        rest = &rest[before as usize..];
        match rest {
            [b'"', behind @ ..] => return Ok((Marks { is_escaped, is_ascii: high == 0 }, behind)),
            [b'\\', behind @ ..] => {
                is_escaped = true;
                rest = escape(behind)?;
            }
            // Zeros stand behind the end of the text.
            [_, ..] => return Err(wrong(rest, "no control character in a string")),
            [] => return Err(wrong(rest, "'\"' behind a string")),
        }
    }
}

/// Goes behind the end of an escape, of which the backslash has been.
#[inline(always)]
fn escape(rest: &[u8]) -> Result<&[u8], Box<Wrong>> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', behind @ ..] => Ok(behind),
        [b'u', behind @ ..] => {
            let digits = behind.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
            match &behind[digits..] {
                behind if digits == 4 => Ok(behind),
                other => Err(wrong(other, "four hexadecimal digits")),
            }
        }
        _ => Err(wrong(rest, "an escape")),
    }
}

/// Goes behind the end of a value.
#[inline(always)]
fn any_value<'t>(rest: &'t [u8], open: &mut Vec<u8>) -> Scanned<'t, Known> {
    match rest {
        [b'{' | b'[', ..] => Ok((Form::Nested.into(), nested(rest, open)?)),
        _ => scalar(rest),
    }
}

#[inline(always)]
fn scalar(rest: &[u8]) -> Scanned<'_, Known> {
    let (form, behind) = match rest {
        [b'"', inner @ ..] => match string(inner)? {
            (Marks { is_escaped: false, is_ascii: true }, behind) => (Form::Plain, behind),
            (_, behind) => (Form::String, behind),
        },
        [b'-' | b'0'..=b'9', ..] => return number(rest),
        [b't', ..] => (Form::True, literal(rest, b"true")?),
        [b'f', ..] => (Form::False, literal(rest, b"false")?),
        [b'n', ..] => (Form::Null, literal(rest, b"null")?),
        _ => return Err(wrong(rest, "a value")),
    };
    Ok((form.into(), behind))
}

#[inline(always)]
fn literal<'t>(rest: &'t [u8], literal: &[u8]) -> Result<&'t [u8], Box<Wrong>> {
    rest.strip_prefix(literal).ok_or_else(|| wrong(rest, "true, false or null"))
}

#[inline(always)]
fn number(rest: &[u8]) -> Scanned<'_, Known> {
    let (is_negative, whole) = match rest {
        [b'-', behind @ ..] => (true, behind),
        _ => (false, rest),
    };
    let (mut value, mut rest) = match whole {
        // No digit may stand behind it.
        [b'0', behind @ ..] => (0, behind),
        _ => digits(whole, 0)?,
    };
    let (mut count, mut behind) = (whole.len() - rest.len(), 0);
    if let [b'.', fraction @ ..] = rest {
        (value, rest) = digits(fraction, value)?;
        behind = fraction.len() - rest.len();
        count += behind;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', behind @ ..] => behind,
            _ => exponent,
        };
        return Ok((Form::LongNumber.into(), digits(exponent, 0)?.1));
    }
    if count > DIGITS_MAX {
        return Ok((Form::LongNumber.into(), rest));
    }
    let behind = behind as u8;
    Ok((Known { form: Form::Number, is_negative, behind, digits: value }, rest))
}

/// Goes over digits, and appends them to those of `value`. Of too many of them nothing is left.
#[inline(always)]
fn digits(text: &[u8], mut value: u64) -> Scanned<'_, u64> {
    let mut rest = text;
    loop {
        let (eight, count) = leading_digits(first_word(rest));
        value = value.wrapping_mul(POWERS[count]).wrapping_add(eight);
        rest = &rest[count..];
        if count < 8 {
            break;
        }
    }
    if rest.len() == text.len() { Err(wrong(rest, "a digit")) } else { Ok((value, rest)) }
}

/// Goes behind the end of an array or object. `open` keeps what each of those that are open ends with.
#[inline(never)]
fn nested<'t>(mut rest: &'t [u8], open: &mut Vec<u8>) -> Result<&'t [u8], Box<Wrong>> {
    open.clear();
    loop {
        match rest {
            [bracket @ (b'{' | b'['), behind @ ..] => {
                let close = if *bracket == b'{' { b'}' } else { b']' };
                rest = blanks(behind);
                match rest {
                    [byte, behind @ ..] if *byte == close => rest = behind,
                    _ => {
                        open.push(close);
                        if close == b'}' {
                            rest = name(rest)?.1;
                        }
                        continue;
                    }
                }
            }
            _ => rest = scalar(rest)?.1,
        }
        // A value is whole, and with it perhaps those that it is the last of.
        loop {
            let Some(&close) = open.last() else { return Ok(rest) };
            rest = blanks(rest);
            match rest {
                [b',', behind @ ..] => {
                    rest = blanks(behind);
                    break;
                }
                [byte, behind @ ..] if *byte == close => {
                    rest = behind;
                    open.pop();
                }
                _ => return Err(wrong(rest, "',' or the end of an array or object")),
            }
        }
        if open.last() == Some(&b'}') {
            rest = name(rest)?.1;
        }
    }
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
            let read = scan.values(text, column, |column, found| values.push((column, found)));
            read.ok()?;
            let member = |(column, found): (usize, Found)| {
                let value = String::from_utf8(text[found.from..found.to].to_vec()).ok()?;
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
