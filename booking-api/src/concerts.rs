//! Concerts: the shows. Everybody may see them; lists come from the replica and are cached.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
mod store;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::database::Connection;
use crate::error::ApiError;
use crate::performances::{self, PerformanceSummary};

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

/// A concert or one of its performances was changed here. What is shown next comes from the primary: the replica is a moment
/// behind, and what it does not know yet would be shown for as long as it is cached.
pub(crate) async fn changed(app: &App, id: i64) -> Result<(), ApiError> {
    let mut connection = app.primary.connection().await?;
    if let Some(document) = render(&mut connection, id).await? {
        app.cache.put(&name(id), document, CACHED_FOR).await;
    }
    Ok(())
}

/// A concert's document, as one of the databases has it.
async fn document(
    connection: &mut Connection,
    id: i64,
) -> Result<Option<ConcertDocument>, ApiError> {
    let Some(concert) = store::get(connection, id).await? else {
        return Ok(None);
    };
    let performances = performances::summaries_of(connection, id).await?;
    Ok(Some(ConcertDocument {
        concert,
        performances,
    }))
}

/// The same, ready to be sent.
async fn render(connection: &mut Connection, id: i64) -> Result<Option<Bytes>, ApiError> {
    let document = document(connection, id).await?;
    let render =
        |document| serde_json::to_vec(&document).expect("text, numbers and times are always JSON");
    Ok(document.map(render).map(Bytes::from))
}

fn name(id: i64) -> String {
    format!("concert:{id}")
}
