#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidewire_tests::fuzz::soup_stream(bytes));
