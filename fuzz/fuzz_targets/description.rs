//! See `src/description.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playhouse_fuzz::description::one(data));
