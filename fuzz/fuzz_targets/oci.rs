//! See `src/oci.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| playhouse_fuzz::oci::one(data));
