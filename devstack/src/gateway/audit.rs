//! `GET /v1/ledger?cursor=&limit=`: all payments with their sums, in order of arrival, for auditors.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Gateway, book::Payment, problem::Problem, request::Asked};

/// Payments of a page if nothing else is asked for.
const USUAL_LIMIT: usize = 500;

/// The most that one page has.
const MOST_LIMIT: usize = 5_000;

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/ledger`
pub(super) async fn page(
    State(gateway): State<Gateway>,
    Asked(page): Asked<Page>,
) -> Result<Json<Value>, Problem> {
    let from = page.position()?;
    let limit = page.limit.unwrap_or(USUAL_LIMIT).clamp(1, MOST_LIMIT);
    let document = gateway
        .ledger
        .read(|book| {
            let items: Vec<Value> = book
                .page(from, limit)
                .iter()
                .map(Payment::ledger_item)
                .collect();
            let behind = from + items.len();
            let next = (behind < book.len()).then(|| behind.to_string());
            json!({"items": items, "next_cursor": next})
        })
        .await?;
    Ok(Json(document))
}

impl Page {
    /// A cursor is the position behind the page before; an empty one is the start.
    fn position(&self) -> Result<usize, Problem> {
        match self.cursor.as_deref() {
            None | Some("") => Ok(0),
            Some(cursor) => cursor.parse().map_err(|_not_a_number| {
                Problem::invalid_request("cursor is the next_cursor of another page")
            }),
        }
    }
}
