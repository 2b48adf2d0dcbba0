//! See `framing::check`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| interlingua_fuzz::framing::check(bytes));
