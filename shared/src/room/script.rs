//! Scripts of a room: each is its own file behind a common prelude.

use crate::redis_handle::Script;

/// The script `$name.lua` with the prelude in front.
macro_rules! room_script {
    ($name:literal) => {
        std::sync::LazyLock::new(|| {
            $crate::room::script::with_prelude(
                $name,
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/src/room/scripts/",
                    $name,
                    ".lua"
                )),
            )
        })
    };
}

pub(super) use room_script;

pub(super) fn with_prelude(name: &'static str, body: &str) -> Script {
    Script::new(
        name,
        &format!("{}\n{body}", include_str!("scripts/prelude.lua")),
    )
}
