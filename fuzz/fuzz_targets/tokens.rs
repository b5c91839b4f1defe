//! Tokens that strangers send.
#![no_main]

use std::sync::LazyLock;

use gatekeeper::hostile::Verifiers;
use libfuzzer_sys::fuzz_target;

static VERIFIERS: LazyLock<Verifiers> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("onsale-fuzz-{}", std::process::id()));
    Verifiers::in_folder(&folder).expect("the folder of temporary files can be written")
});

fuzz_target!(|input: &[u8]| {
    VERIFIERS.token(input);
});
