//! Lists by cursor: `?limit=&cursor=` → `{"items": […], "next_cursor": …}`.
//!
//! A cursor names the last item seen rather than a number of items, so that nothing is shown twice or left out when
//! something is added meanwhile.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problems;
use shared::problem::Problem;

/// Items of one page, unless asked otherwise.
const USUAL: i64 = 50;
/// Most items of one page.
const MOST: i64 = 200;

/// What a client asks for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Most items to return, 1 to 200; 50 unless given.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl PageQuery {
    /// Most items to return.
    pub(crate) fn limit(&self) -> Result<i64, Problem> {
        match self.limit {
            None => Ok(USUAL),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(_) => Err(problems::invalid_request(
                "limit",
                format!("limit is 1 to {MOST}."),
            )),
        }
    }

    /// What the cursor says.
    pub(crate) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let parse = |text: &String| {
            let invalid = || {
                problems::invalid_request(
                    "cursor",
                    "Use next_cursor of the page before, unchanged.",
                )
            };
            text.parse().map_err(|_no_cursor| invalid())
        };
        self.cursor.as_ref().map(parse).transpose()
    }
}

impl<T> Page<T> {
    /// The page of `items`, which were asked for with one more than `limit` to learn whether there is a next page.
    pub(crate) fn of(mut items: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next_cursor = if is_last {
            None
        } else {
            items.last().map(cursor)
        };
        Self { items, next_cursor }
    }
}
