//! Parts of URLs.

use tidewire_event::DataType;

use super::Function;
use super::chars;
use super::signature::Kind::Text;
use crate::code::bytes;

pub(crate) static FUNCTIONS: &[Function] = &[Function {
    name: "PARSE_URL",
    usage: "PARSE_URL(text, part [, key])",
    bind: |b| b.takes_or_null(2, &[Text, Text, Text], DataType::String),
    compile: |call| {
        let (url, name, with_key) = (call.bytes(0)?, call.bytes(1)?, call.codes.len() > 2);
        let key = call.bytes_or(2, b"")?;
        Ok(bytes(move |env| {
            let (url, name, key) = (url(env)?, name(env)?, key(env)?);
            let found = part(url, name)?;
            if !with_key {
                return Some(found);
            }
            // Only a query has keys.
            (name == b"QUERY").then_some(())?;
            chars::split(found, b"&").find_map(|pair| pair.strip_prefix(key)?.strip_prefix(b"="))
        }))
    },
}];

/// The text before `mark`, and what is behind it if it is there.
fn cut(text: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (&text[..at], text.get(at + 1..)),
        None => (text, None),
    }
}

/// A part of a URL. `None`: there is none, or the text has no protocol.
fn part<'t>(url: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let (url, reference) = cut(url, b'#');
    let (protocol, rest) = cut(url, b':');
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let rest = rest.filter(|_| !protocol.is_empty() && protocol.iter().all(is_name))?;
    let (authority, file) = match rest.strip_prefix(b"//") {
        Some(rest) => {
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
            let (authority, file) = rest.split_at(end.unwrap_or(rest.len()));
            (Some(authority), file)
        }
        None => (None, rest),
    };
    let (path, query) = cut(file, b'?');
    let at = authority.and_then(|authority| authority.iter().rposition(|byte| *byte == b'@'));
    Some(match name {
        b"PROTOCOL" => protocol,
        b"HOST" => {
            let host = authority?.get(at.map_or(0, |at| at + 1)..)?;
            // The colons of an address in brackets are its own.
            let end = host.iter().position(|byte| *byte == b']').map_or(0, |at| at + 1);
            let port = host.get(end..)?.iter().position(|byte| *byte == b':');
            host.get(..port.map_or(host.len(), |port| end + port))?
        }
        b"PATH" => path,
        b"QUERY" => query?,
        b"REF" => reference?,
        b"FILE" => file,
        b"AUTHORITY" => authority?,
        b"USERINFO" => authority?.get(..at?)?,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_parts() {
        let url = b"http://user:pw@facebook.com:80/path1/p.php?k1=v1&k2=v2#Ref1";
        let parts = [
            ("PROTOCOL", "http"),
            ("HOST", "facebook.com"),
            ("PATH", "/path1/p.php"),
            ("QUERY", "k1=v1&k2=v2"),
            ("REF", "Ref1"),
            ("FILE", "/path1/p.php?k1=v1&k2=v2"),
            ("AUTHORITY", "user:pw@facebook.com:80"),
            ("USERINFO", "user:pw"),
        ];
        for (name, wanted) in parts {
            assert_eq!(part(url, name.as_bytes()), Some(wanted.as_bytes()), "{name}");
        }
        assert_eq!(
            (part(b"http://a.b", b"PATH"), part(b"http://a.b", b"QUERY")),
            (Some(&b""[..]), None)
        );
        assert_eq!((part(b"facebook", b"HOST"), part(b"http://a.b/c", b"path")), (None, None));
        assert_eq!(part(b"http://[::1]:80/", b"HOST"), Some(&b"[::1]"[..]));
    }
}
