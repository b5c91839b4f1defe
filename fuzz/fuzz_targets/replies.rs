//! Replies of Redis.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| drop(gatekeeper::hostile::reply(input)));
