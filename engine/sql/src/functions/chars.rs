//! Texts by their characters: places and lengths in SQL count characters, from 1.
//!
//! A character is what begins with a byte that continues none, so that no bytes are out of reach, valid or not.

/// Whether a byte begins a character.
fn begins(byte: &u8) -> bool {
    byte & 0xc0 != 0x80
}

/// How many characters there are.
pub(crate) fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| begins(byte)).count()
}

/// The offset of character number `index`, from 0; the length where there are not so many.
pub(crate) fn offset(text: &[u8], index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    let mut starts = text.iter().enumerate().filter(|(_, byte)| begins(byte));
    starts.nth(index).map_or(text.len(), |(offset, _)| offset)
}

/// The characters, each its bytes.
pub(crate) fn chars(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let width = rest.iter().skip(1).position(begins).map_or(rest.len(), |at| at + 1);
        let (char, behind) = rest.split_at_checked(width).filter(|(char, _)| !char.is_empty())?;
        rest = behind;
        Some(char)
    })
}

/// At most `length` characters, from number `from` on: it counts from 1, or back from the end where it is negative, and 0 is
/// 1. `None`: the length is negative.
pub(crate) fn substring(text: &[u8], from: i64, length: i64) -> Option<&[u8]> {
    let length = usize::try_from(length).ok()?;
    let skip = match usize::try_from(from) {
        Ok(from) => from.saturating_sub(1),
        Err(_) => {
            let back = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
            match count(text).checked_sub(back) {
                Some(skip) => skip,
                None => return Some(&[]),
            }
        }
    };
    let text = text.get(offset(text, skip)..)?;
    text.get(..offset(text, length))
}

/// The offset of the first `piece` in `text` at `from` or behind.
pub(crate) fn find(text: &[u8], piece: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let Some(first) = piece.first() else { return Some(from) };
    let last = rest.len().checked_sub(piece.len())?;
    let mut at = 0;
    while at <= last {
        at += rest.get(at..=last)?.iter().position(|byte| byte == first)?;
        if rest.get(at..)?.starts_with(piece) {
            return Some(from + at);
        }
        at += 1;
    }
    None
}

/// The pieces of `text` between `delimiter`s, which are not empty; an empty text is one empty piece.
pub(crate) fn split<'t>(text: &'t [u8], delimiter: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let at = from?;
        match find(text, delimiter, at).filter(|_| !delimiter.is_empty()) {
            Some(end) => {
                from = Some(end + delimiter.len());
                text.get(at..end)
            }
            None => {
                from = None;
                text.get(at..)
            }
        }
    })
}

/// The place of the first `piece` at character `from` or behind, counted from 1; 0 if there is none. An empty piece is at 1.
pub(crate) fn locate(text: &[u8], piece: &[u8], from: i64) -> i64 {
    if piece.is_empty() {
        return 1;
    }
    let skip = usize::try_from(from).unwrap_or(0).saturating_sub(1);
    match find(text, piece, offset(text, skip)) {
        Some(at) => place_of(text, at),
        None => 0,
    }
}

/// The number of the character at byte `offset`, from 1.
fn place_of(text: &[u8], offset: usize) -> i64 {
    text.get(..offset).map_or(0, |before| count(before) as i64 + 1)
}

/// The place of the `nth` appearance of `piece`, from character `from` on, or back from there where it is negative; 0 if
/// there is none.
pub(crate) fn nth_place(text: &[u8], piece: &[u8], from: i64, nth: i64) -> i64 {
    let forward = from > 0;
    let skip = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
    let mut at = match (forward, skip) {
        (_, 0) => return 0,
        (true, skip) => offset(text, skip - 1),
        (false, skip) => match count(text).checked_sub(skip) {
            Some(skip) => offset(text, skip),
            None => return 0,
        },
    };
    let mut left = nth;
    loop {
        let found = if forward { find(text, piece, at) } else { find_back(text, piece, at) };
        let Some(found) = found else { return 0 };
        left -= 1;
        if left <= 0 {
            return place_of(text, found);
        }
        at = match (forward, found) {
            (true, found) if found < text.len() => found + 1,
            (false, found) if found > 0 => found - 1,
            _ => return 0,
        };
    }
}

/// The offset of the last `piece` in `text` that begins at `from` or before.
fn find_back(text: &[u8], piece: &[u8], from: usize) -> Option<usize> {
    let last = text.len().checked_sub(piece.len())?.min(from);
    (0..=last).rev().find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(piece)))
}

/// The text without the characters of `set` at its front.
pub(crate) fn trim_front<'t>(text: &'t [u8], set: &[u8]) -> &'t [u8] {
    let mut rest = text;
    while let Some(first) = chars(rest).next().filter(|first| chars(set).any(|c| c == *first)) {
        rest = rest.get(first.len()..).unwrap_or_default();
    }
    rest
}

/// The text without the characters of `set` at its end.
pub(crate) fn trim_back<'t>(text: &'t [u8], set: &[u8]) -> &'t [u8] {
    let mut rest = text;
    while let Some(start) = rest.iter().rposition(begins) {
        let last = rest.get(start..).unwrap_or_default();
        if !chars(set).any(|c| c == last) {
            break;
        }
        rest = rest.get(..start).unwrap_or_default();
    }
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_count_characters() {
        let part = |from, length| substring("aäbcöf".as_bytes(), from, length);
        assert_eq!(part(2, 2), Some("äb".as_bytes()));
        assert_eq!((part(0, 1), part(-2, 9)), (Some(&b"a"[..]), Some("öf".as_bytes())));
        assert_eq!((part(-9, 5), part(9, 5), part(2, -1)), (Some(&b""[..]), Some(&b""[..]), None));
    }

    #[test]
    fn places_count_from_one() {
        assert_eq!((locate(b"abcb", b"b", 1), locate(b"abcb", b"b", 3)), (2, 4));
        assert_eq!((locate(b"abcb", b"x", 1), locate(b"abcb", b"", 9)), (0, 1));
        assert_eq!((nth_place(b"abcbb", b"b", 1, 2), nth_place(b"abcb", b"b", -1, 1)), (4, 4));
        assert_eq!((nth_place(b"abcb", b"b", -1, 2), nth_place(b"abcb", b"b", 0, 1)), (2, 0));
    }

    #[test]
    fn what_is_trimmed_is_a_set() {
        assert_eq!(trim_front(b"xyab", b"yx"), b"ab");
        assert_eq!(trim_back("abäx".as_bytes(), "xä".as_bytes()), b"ab");
    }

    fn any_text() -> impl Strategy<Value = String> {
        "[abä€ ]{0,12}"
    }

    proptest! {
        #[test]
        fn they_do_what_strings_do(text in any_text(), piece in "[abä]{1,2}", from in 0_usize..14) {
            let chars_of = |text: &str| text.chars().count();
            prop_assert_eq!(count(text.as_bytes()), chars_of(&text));
            let at = offset(text.as_bytes(), from);
            prop_assert_eq!(at, text.char_indices().nth(from).map_or(text.len(), |(at, _)| at));
            let found = text[at..].find(&piece).map(|found| found + at);
            prop_assert_eq!(find(text.as_bytes(), piece.as_bytes(), at), found);
            let pieces: Vec<_> = split(text.as_bytes(), piece.as_bytes()).collect();
            let wanted: Vec<_> = text.split(&piece).map(str::as_bytes).collect();
            prop_assert_eq!(pieces, wanted);
            let set: Vec<char> = piece.chars().collect();
            let trimmed = trim_front(trim_back(text.as_bytes(), piece.as_bytes()), piece.as_bytes());
            prop_assert_eq!(trimmed, text.trim_matches(&set[..]).as_bytes());
        }

        #[test]
        fn no_bytes_are_too_wild(
            text in proptest::collection::vec(any::<u8>(), 0..20),
            piece in proptest::collection::vec(any::<u8>(), 0..3),
            from in any::<i64>(), length in any::<i64>(),
        ) {
            let _ = (substring(&text, from, length), locate(&text, &piece, from));
            let _ = nth_place(&text, &piece, from.clamp(-30, 30), length.clamp(1, 3));
            prop_assert_eq!(chars(&text).map(<[u8]>::len).sum::<usize>(), text.len());
            let _ = (trim_front(&text, &piece), trim_back(&text, &piece));
        }
    }
}
