//! See `src/arguments.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playhouse_fuzz::arguments::one(data));
