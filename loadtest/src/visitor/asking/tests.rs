//! What counts as good, as part of the game, and as an error.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::*;

fn ask() -> Ask {
    Ask {
        side: Side::Booking,
        step: Step::Hold,
        due: None,
        request: Outgoing::default(),
        good: &[201],
        refusals: &[(409, "seat-taken")],
    }
}

fn answer(status: u16, slug: Option<&str>, retry_after: Option<&'static str>) -> Answer {
    let mut headers = HeaderMap::new();
    let mut body = Bytes::new();
    if let Some(slug) = slug {
        headers.insert(
            "content-type",
            HeaderValue::from_static("application/problem+json"),
        );
        body = format!(r#"{{"type":"/problems/{slug}","status":{status}}}"#).into();
    }
    if let Some(seconds) = retry_after {
        headers.insert("retry-after", HeaderValue::from_static(seconds));
    }
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body,
    }
}

fn result(answer: Answer, tries_left: u32) -> CallResult {
    match judge(&ask(), &Ok(answer), tries_left) {
        Verdict::Final(result) | Verdict::Again(result, _) => result,
    }
}

#[test]
fn a_seat_that_somebody_else_took_is_part_of_the_game() {
    assert_eq!(result(answer(201, None, None), 7), CallResult::Good);
    assert_eq!(
        result(answer(409, Some("seat-taken"), None), 7),
        CallResult::Refused("seat-taken")
    );
}

#[test]
fn another_409_is_an_error_and_so_is_one_without_a_problem_document() {
    let other = CallResult::Unexpected("409 order-closed".into());
    assert_eq!(result(answer(409, Some("order-closed"), None), 7), other);
    let bare = CallResult::Unexpected("409 no problem document".into());
    assert_eq!(result(answer(409, None, None), 7), bare);
}

#[test]
fn an_overloaded_service_that_says_when_is_asked_again_and_one_that_does_not_is_an_error() {
    let polite = answer(503, Some("overloaded"), Some("2"));
    assert!(matches!(
        judge(&ask(), &Ok(polite), 7),
        Verdict::Again(CallResult::Retried, pause) if pause == Duration::from_secs(2)
    ));
    let curt = CallResult::Unexpected("503 overloaded".into());
    assert_eq!(result(answer(503, Some("overloaded"), None), 7), curt);
}

#[test]
fn patience_with_an_overloaded_service_ends() {
    let last = result(answer(429, Some("rate-limited"), Some("1")), 0);
    assert_eq!(last, CallResult::Unexpected("429 rate-limited".into()));
}

#[test]
fn a_server_error_is_an_error_even_where_it_says_when_to_return() {
    let last = result(answer(500, Some("internal"), Some("1")), 7);
    assert_eq!(last, CallResult::Unexpected("500 internal".into()));
}

#[test]
fn a_server_cannot_make_a_visitor_wait_for_an_hour() {
    let verdict = judge(
        &ask(),
        &Ok(answer(503, Some("overloaded"), Some("3600"))),
        7,
    );
    assert!(matches!(verdict, Verdict::Again(_, pause) if pause == PAUSE_MAX));
}

#[test]
fn pauses_grow_and_differ_but_never_below_what_was_asked_for() {
    let asked = Duration::from_secs(1);
    assert_eq!(longer(asked, 0, 0.0), asked);
    assert_eq!(longer(asked, 3, 0.0), Duration::from_secs(8));
    assert_eq!(longer(asked, 7, 1.0), PAUSE_MAX.mul_f64(1.5));
    assert_ne!(longer(asked, 0, 0.2), longer(asked, 0, 0.7));
}
