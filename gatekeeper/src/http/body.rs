//! Request bodies. The gatekeeper needs none, and accepts an empty JSON object from clients that always send one.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use shared::problem::Problem;

use crate::routes::problems;

const LARGEST_BYTES: usize = 4 * 1024;
const WITHIN: Duration = Duration::from_secs(10);

/// The request without its body, which must say nothing: empty, or `{}`.
pub async fn expect_nothing(request: Request<Incoming>) -> Result<Request<()>, Problem> {
    let (head, body) = request.into_parts();
    read_nothing(body).await?;
    Ok(Request::from_parts(head, ()))
}

async fn read_nothing(body: Incoming) -> Result<(), Problem> {
    let reading = Limited::new(body, LARGEST_BYTES).collect();
    let collected = match tokio::time::timeout(WITHIN, reading).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let problem = Problem::new("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Too large");
            return Err(problem.detail("This call takes no body; leave it out."));
        }
        Ok(Err(_broken)) => return Err(problems::invalid_request("The body broke off.")),
        Err(_elapsed) => {
            return Err(problems::invalid_request(
                "The body did not arrive within 10 seconds.",
            ));
        }
    };
    if collected.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<Map<String, Value>>(&collected) {
        Ok(fields) => match fields.keys().next() {
            None => Ok(()),
            Some(field) => Err(problems::invalid_request(format!(
                "The field {field:?} is not known; this call takes no body."
            ))),
        },
        Err(_malformed) => Err(problems::invalid_request(
            "The body is not a JSON object; this call takes none.",
        )),
    }
}
