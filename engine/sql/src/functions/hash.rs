//! Hashes, in hexadecimal.

use sha2::Digest;
use tidewire_event::{DataType, Value};

use super::signature::Kind::{Int, Text};
use super::{Call, Function};
use crate::code::{Code, Env, bytes};
use crate::error::SqlError;

macro_rules! hash {
    ($name:literal, $hash:ty) => {
        Function {
            name: $name,
            usage: concat!($name, "(text)"),
            bind: |b| b.takes(1, &[Text], DataType::String),
            compile: |call| call.bytes_of_bytes(|env, text| Some(digest::<$hash>(env, text))),
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    hash!("MD5", md5::Md5),
    hash!("SHA1", sha1::Sha1),
    hash!("SHA224", sha2::Sha224),
    hash!("SHA256", sha2::Sha256),
    hash!("SHA384", sha2::Sha384),
    hash!("SHA512", sha2::Sha512),
    Function {
        name: "SHA2",
        usage: "SHA2(text, bits)",
        bind: |b| {
            let bound = b.takes(2, &[Text, Int], DataType::String)?;
            match b.args.get(1).and_then(|bits| bits.as_literal()) {
                Some(Value::Int(bits)) if ![224, 256, 384, 512].contains(bits) => {
                    Err(SqlError::new(b.place(1), format!("there is no SHA-2 of {bits} bits"))
                        .help("there are those of 224, 256, 384 and 512"))
                }
                _ => Ok(bound),
            }
        },
        compile: sha2,
    },
];

fn sha2(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, bits, at) = (call.bytes(0)?, call.int(1)?, call.at);
    Ok(bytes(move |env| {
        let (text, bits) = (text(env)?, bits(env)?);
        match bits {
            224 => Some(digest::<sha2::Sha224>(env, text)),
            256 => Some(digest::<sha2::Sha256>(env, text)),
            384 => Some(digest::<sha2::Sha384>(env, text)),
            512 => Some(digest::<sha2::Sha512>(env, text)),
            _ => env.fail(at, || format!("there is no SHA-2 of {bits} bits")),
        }
    }))
}

fn digest<'a, D: Digest>(env: &Env<'a>, text: &[u8]) -> &'a [u8] {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
    let mut digits = env.builder();
    for byte in D::digest(text) {
        digits.extend_from_slice(&[digit(byte >> 4), digit(byte)]);
    }
    crate::code::built(digits)
}
