#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidewire_tests::fuzz::mold_lines(bytes));
