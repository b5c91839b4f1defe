//! Concerts: the shows. Everybody may see them; lists come from the replica and are cached.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
mod store;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::performances::PerformanceSummary;

/// How long a cached answer is shown: as long as an organiser can wait to see a change.
const CACHED_FOR: Duration = Duration::from_secs(5);

/// A concert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Concert {
    id: i64,
    title: String,
    venue: String,
    description: String,
    /// When its next performance begins; null when there is none to come.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_performance_at: Option<Timestamp>,
}

/// A concert with its performances.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConcertDocument {
    #[serde(flatten)]
    concert: Concert,
    performances: Vec<PerformanceSummary>,
}

/// A concert or one of its performances was changed here: what is cached about it is thrown away.
pub(crate) async fn changed(app: &App, id: i64) {
    app.cache.forget(&name(id)).await;
}

fn name(id: i64) -> String {
    format!("concert:{id}")
}
