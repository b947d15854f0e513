//! libFuzzer around one of the bodies of tidewire-tests: the one that `FUZZ_BODY` names.
//!
//! One binary for all, since each would link the whole engine.

#![no_main]

use std::env;
use std::sync::LazyLock;

use tidewire_tests::fuzz::{BODIES, Body};

static BODY: LazyLock<Body> = LazyLock::new(|| {
    let asked = env::var("FUZZ_BODY").unwrap_or_default();
    let found = BODIES.iter().find(|(name, _)| *name == asked);
    let Some((_, body)) = found else {
        let names: Vec<_> = BODIES.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        panic!("FUZZ_BODY is '{asked}', and not one of {names}");
    };
    *body
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| BODY(bytes));
