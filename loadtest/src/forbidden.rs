//! Trying what must be refused (I5), and writing down what came of it.

use std::time::Duration;

use http::StatusCode;

use crate::client::{Client, Outgoing};
use crate::journal::Probe;

/// Tries until the service has time to refuse, and the pause between them where it names none.
const TRIES_MAX: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Longest answer that is read: should it be let through, the map of a house.
const BODY_MAX: usize = 1 << 20;

/// A call that must be refused.
pub(crate) struct Forbidden {
    pub what: &'static str,
    /// Status and slug of the refusal that the contract names.
    pub expected: (u16, &'static str),
    pub request: Outgoing,
    pub known_by: KnownBy,
}

/// Who knows that the call must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// Anybody who looks at the token.
    Token,
    /// The line in Redis alone. Where it does not answer in time the token decides, by design, so what
    /// was let through is tried again: it must be refused as soon as the line can be asked.
    Line,
}

/// Tries it. `None` when the service was too busy, or away, each time: that proves nothing.
pub(crate) async fn attempt(client: &mut Client, forbidden: Forbidden) -> Option<Probe> {
    attempt_every(PAUSE, client, forbidden).await
}

async fn attempt_every(
    usual_pause: Duration,
    client: &mut Client,
    forbidden: Forbidden,
) -> Option<Probe> {
    let Forbidden {
        what,
        expected,
        request,
        known_by,
    } = forbidden;
    let mut last = None;
    for tries in 1..=TRIES_MAX {
        let pause = match client.send(request.clone(), BODY_MAX).await {
            Ok(answer) if is_busy(answer.status) => answer.retry_after().unwrap_or(usual_pause),
            Ok(answer) => {
                let slug = answer.problem().unwrap_or_default();
                let refused = (answer.status.as_u16(), &*slug) == expected;
                let got = (answer.status.as_u16(), slug.into());
                last = Some(Probe {
                    what,
                    expected,
                    got,
                    tries,
                });
                if refused || known_by == KnownBy::Token {
                    return last;
                }
                usual_pause
            }
            Err(_no_answer) => usual_pause,
        };
        tokio::time::sleep(pause.min(PAUSE_MAX)).await;
    }
    last
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

#[cfg(test)]
mod tests;
