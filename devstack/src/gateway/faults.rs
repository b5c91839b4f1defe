//! Faults on demand: a real gateway is slow, declines, fails, and sometimes does what it was asked
//! without ever saying so.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_LENGTH,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{Gateway, problem::Problem, request::Input};

/// The longest delay that may be asked for: two minutes, beyond every deadline of a caller.
const MOST_DELAY_MS: u64 = 120_000;

/// The faults in force. Rates are probabilities of a call.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Faults {
    /// Every call waits so long before it is begun.
    delay_ms: u64,
    /// Payments that the bank declines.
    decline_rate: f64,
    /// Calls that fail before anything is done.
    error_rate: f64,
    /// Calls that are done, and whose answer is lost.
    lose_answer_rate: f64,
    /// Captures that the bank refuses for good.
    refuse_capture_rate: f64,
}

impl Faults {
    /// What goes wrong before the work.
    pub(super) async fn before(self) -> Result<(), Problem> {
        tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        if happens(self.error_rate) {
            Err(Problem::out_of_order())
        } else {
            Ok(())
        }
    }

    pub(super) fn decline(self) -> bool {
        happens(self.decline_rate)
    }

    pub(super) fn refuse_capture(self) -> bool {
        happens(self.refuse_capture_rate)
    }

    pub(super) fn lose_answer(self) -> bool {
        happens(self.lose_answer_rate)
    }

    fn mistake(self) -> Option<String> {
        let rates = [
            ("decline_rate", self.decline_rate),
            ("error_rate", self.error_rate),
            ("lose_answer_rate", self.lose_answer_rate),
            ("refuse_capture_rate", self.refuse_capture_rate),
        ];
        let rate = rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(rate));
        if let Some((name, _)) = rate {
            return Some(format!("{name} is a probability, from 0.0 to 1.0"));
        }
        (self.delay_ms > MOST_DELAY_MS).then(|| format!("delay_ms is at most {MOST_DELAY_MS}"))
    }
}

/// `POST /v1/faults`: replaces the faults in force; what is not named is switched off.
pub(super) async fn set(
    State(gateway): State<Gateway>,
    Input(faults): Input<Faults>,
) -> Result<Json<Faults>, Problem> {
    if let Some(mistake) = faults.mistake() {
        return Err(Problem::invalid_request(mistake));
    }
    *gateway
        .faults
        .lock()
        .expect("no code panics while it holds this lock") = faults;
    Ok(Json(faults))
}

/// `GET /v1/faults`
pub(super) async fn show(State(gateway): State<Gateway>) -> Json<Faults> {
    Json(gateway.faults())
}

/// An answer that the caller cannot read: an error of a server half of the time, else a connection
/// that breaks in the middle of the body.
pub(super) fn lost_answer() -> Response {
    if happens(0.5) {
        return Problem::out_of_order().into_response();
    }
    let broken = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("the answer is lost on purpose"))
    });
    let mut response = Response::new(Body::from_stream(broken));
    response.headers_mut().insert(CONTENT_LENGTH, 256.into());
    response
}

fn happens(rate: f64) -> bool {
    rate > 0.0 && rand::random_bool(rate)
}
