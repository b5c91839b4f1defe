//! `admitter message`: tells everybody in a room something.

use shared::room::{Change, Line};

use super::setting;
use crate::output::Output;

pub(super) async fn execute(line: &Line, text: String, output: Output) -> anyhow::Result<()> {
    setting::execute(line, Change::Message(text), output).await
}
