//! JSON as text: values are found in it by a path, and copied out of it; no tree is made.

use bumpalo::Bump;
use bumpalo::collections::Vec as ScratchVec;

use super::json_path::Step;
use super::signature::Builder;

/// How deep values may nest.
const DEPTH_MAX: u32 = 128;

/// The offset of the first byte at `at` or behind that is no blank.
fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The value that is all of `text`, without the blanks around it.
pub(crate) fn whole(text: &[u8]) -> Option<&[u8]> {
    let start = skip_blanks(text, 0);
    let end = skip(text, start, 0)?;
    (skip_blanks(text, end) == text.len()).then(|| text.get(start..end))?
}

/// The end of the value that begins at `at`; `None`: there is none.
fn skip(text: &[u8], at: usize, depth: u32) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    match text.get(at)? {
        b'"' => skip_string(text, at),
        b'{' | b'[' => each(text, at, depth, &mut |_, _| ()),
        b't' => literal(text, at, b"true"),
        b'f' => literal(text, at, b"false"),
        b'n' => literal(text, at, b"null"),
        _ => skip_number(text, at),
    }
}

fn literal(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(word).then_some(at + word.len())
}

fn skip_string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match text.get(at + 1)? {
                b'u' => {
                    let digits = text.get(at + 2..at + 6)?;
                    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                    at += 6;
                }
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                _ => return None,
            },
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

fn skip_number(text: &[u8], at: usize) -> Option<usize> {
    let digits = |at: usize| {
        at + text
            .get(at..)
            .map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
    };
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits(start);
    if end == start || text.get(start) == Some(&b'0') && end > start + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        let behind = digits(end + 1);
        (behind > end + 1).then_some(())?;
        end = behind;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let start = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let behind = digits(start);
        (behind > start).then_some(())?;
        end = behind;
    }
    Some(end)
}

/// Calls `visit` with the key, if there is one, and the value of each entry of the object or array at `at`. The end of it.
fn each<'t>(
    text: &'t [u8],
    at: usize,
    depth: u32,
    visit: &mut dyn FnMut(Option<&'t [u8]>, &'t [u8]),
) -> Option<usize> {
    let close = if text.get(at)? == &b'{' { b'}' } else { b']' };
    let mut at = skip_blanks(text, at + 1);
    if text.get(at)? == &close {
        return Some(at + 1);
    }
    loop {
        let mut key = None;
        if close == b'}' {
            (text.get(at)? == &b'"').then_some(())?;
            let end = skip_string(text, at)?;
            key = text.get(at..end);
            at = skip_blanks(text, end);
            (text.get(at)? == &b':').then_some(())?;
            at = skip_blanks(text, at + 1);
        }
        let end = skip(text, at, depth + 1)?;
        visit(key, text.get(at..end)?);
        at = skip_blanks(text, end);
        match text.get(at)? {
            b',' => at = skip_blanks(text, at + 1),
            byte if *byte == close => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Whether the string `quoted` is the text `key`.
fn is_text(quoted: &[u8], key: &[u8]) -> bool {
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    if !inside.contains(&b'\\') {
        return inside == key;
    }
    let mut rest = key;
    let mut same = true;
    unescape(quoted, |piece| match rest.strip_prefix(piece) {
        Some(behind) => rest = behind,
        None => same = false,
    });
    same && rest.is_empty()
}

/// Calls `push` with the pieces of the text that the string `quoted` stands for. Half a surrogate pair is a replacement
/// character.
pub(crate) fn unescape(quoted: &[u8], mut push: impl FnMut(&[u8])) {
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut at = 0;
    while at < inside.len() {
        let plain = inside[at..].iter().take_while(|byte| **byte != b'\\').count();
        push(&inside[at..at + plain]);
        at += plain;
        let Some(escaped) = inside.get(at + 1) else { break };
        let unit = |at: usize| {
            let digits = inside.get(at..at + 6)?.strip_prefix(b"\\u")?;
            u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let c = match escaped {
            b'u' => {
                let first = unit(at).unwrap_or(0xfffd);
                let second = unit(at + 6).filter(|second| (0xdc00..0xe000).contains(second));
                let pair = (0xd800..0xdc00).contains(&first) && second.is_some();
                let units = [first, second.unwrap_or(0)];
                let units = if pair { &units[..] } else { &units[..1] };
                at += 4 + 6 * usize::from(pair);
                let decoded = char::decode_utf16(units.iter().copied()).next();
                decoded.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            other => char::from(*other),
        };
        at += 2;
        push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Appends `text` as a string of JSON. `ascii`: what is not, and slashes, are escaped too.
pub(crate) fn quote(text: &[u8], out: &mut Builder<'_>, ascii: bool) {
    out.push(b"\"");
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push(b"\\\""),
                '\\' => out.push(b"\\\\"),
                '/' if ascii => out.push(b"\\/"),
                '\u{8}' => out.push(b"\\b"),
                '\u{c}' => out.push(b"\\f"),
                '\n' => out.push(b"\\n"),
                '\r' => out.push(b"\\r"),
                '\t' => out.push(b"\\t"),
                c if c < ' ' || ascii && !c.is_ascii() => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = std::fmt::Write::write_fmt(out, format_args!("\\u{unit:04x}"));
                    }
                }
                c => out.push_char(c),
            }
        }
        if !chunk.invalid().is_empty() {
            out.push_char(char::REPLACEMENT_CHARACTER);
        }
    }
    out.push(b"\"");
}

/// Calls `visit` with each value that the path leads to from `value`, which is one.
pub(crate) fn follow<'t>(value: &'t [u8], steps: &[Step], visit: &mut dyn FnMut(&'t [u8])) {
    let Some((step, rest)) = steps.split_first() else { return visit(value) };
    let is_object = value.first() == Some(&b'{');
    if !is_object && value.first() != Some(&b'[') {
        return;
    }
    match step {
        // Of a key that is there twice, the last counts.
        Step::Key(key) if is_object => {
            let mut found = None;
            each(value, 0, 0, &mut |name, value| {
                if name.is_some_and(|name| is_text(name, key)) {
                    found = Some(value);
                }
            });
            if let Some(found) = found {
                follow(found, rest, visit);
            }
        }
        Step::Index(index) if !is_object => {
            let mut count = 0_i64;
            if *index < 0 {
                each(value, 0, 0, &mut |_, _| count += 1);
            }
            let (wanted, mut at, mut found) = (count + index, 0, None);
            each(value, 0, 0, &mut |_, item| {
                if at == wanted {
                    found = Some(item);
                }
                at += 1;
            });
            if let Some(found) = found {
                follow(found, rest, visit);
            }
        }
        Step::All => {
            each(value, 0, 0, &mut |_, item| follow(item, rest, visit));
        }
        _ => {}
    }
}

/// Appends `value` without blanks, its keys in order.
pub(crate) fn copy(value: &[u8], scratch: &Bump, out: &mut Builder<'_>) {
    match value.first() {
        Some(b'{') => {
            let mut entries = ScratchVec::new_in(scratch);
            each(value, 0, 0, &mut |key, value| {
                let mut name = ScratchVec::new_in(scratch);
                unescape(key.unwrap_or_default(), |piece| name.extend_from_slice(piece));
                match entries.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, old)) => *old = value,
                    None => entries.push((name, value)),
                }
            });
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            out.push(b"{");
            for (at, (name, value)) in entries.iter().enumerate() {
                out.push(if at > 0 { b"," } else { b"" });
                quote(name, out, false);
                out.push(b":");
                copy(value, scratch, out);
            }
            out.push(b"}");
        }
        Some(b'[') => {
            out.push(b"[");
            let mut first = true;
            each(value, 0, 0, &mut |_, item| {
                out.push(if std::mem::take(&mut first) { b"" } else { b"," });
                copy(item, scratch, out);
            });
            out.push(b"]");
        }
        Some(b'"') => {
            let mut text = ScratchVec::new_in(scratch);
            unescape(value, |piece| text.extend_from_slice(piece));
            quote(&text, out, false);
        }
        Some(b't' | b'f' | b'n') | None => out.push(value),
        Some(_) => number(value, out),
    }
}

/// Appends a number as Java's `BigDecimal` does: plain, or with an exponent where it is far from the point.
pub(crate) fn number(value: &[u8], out: &mut Builder<'_>) {
    let at_e = value.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = value.split_at(at_e.unwrap_or(value.len()));
    let exponent = std::str::from_utf8(exponent.get(1..).unwrap_or_default()).unwrap_or_default();
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix(b"-") {
        Some(rest) => (&b"-"[..], rest),
        None => (&b""[..], mantissa),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let behind = mantissa.len().saturating_sub(point + 1) as i64;
    let digits = || mantissa.iter().filter(|byte| **byte != b'.');
    // Without the zeros in front, but for the last.
    let zeros =
        digits().take_while(|byte| **byte == b'0').count().min(digits().count().saturating_sub(1));
    let count = (digits().count() - zeros) as i64;
    let scale = behind - exponent.clamp(-1_000_000_000, 1_000_000_000);
    let adjusted = count - 1 - scale;
    if at_e.is_none() && adjusted >= -6 {
        out.push(value);
        return;
    }
    out.push(sign);
    if scale >= 0 && adjusted >= -6 {
        let whole = count - scale;
        if whole <= 0 {
            out.push(b"0.");
            (whole..0).for_each(|_| out.push(b"0"));
        }
        for (at, digit) in digits().skip(zeros).enumerate() {
            if at as i64 == whole && whole > 0 {
                out.push(b".");
            }
            out.push(&[*digit]);
        }
        return;
    }
    for (at, digit) in digits().skip(zeros).enumerate() {
        out.push(if at == 1 { b"." } else { b"" });
        out.push(&[*digit]);
    }
    if adjusted != 0 {
        let _ = std::fmt::Write::write_fmt(out, format_args!("E{adjusted:+}"));
    }
}
