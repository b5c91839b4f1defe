//! Tricks to stand further in front, or more than once.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use shared::room::NewRoom;
use shared::tokens::admission::AdmissionVerifier;
use shared::tokens::jwks::JwksFile;

use crate::events::reader::Reader;
use crate::gate::{Gate, Process, expect_problem, fast_room, text};
use crate::presence::{pass, sweep};

#[tokio::test]
async fn two_tabs_or_devices_of_one_user_have_one_number() {
    let gate = Gate::start().await;
    let other = Process::start(&devstack::test_stores::redis_url(), &[]).await;
    let known = format!("http://{}{}", other.address, gate.room_path());
    let began = std::time::Instant::now();
    while !gate
        .http
        .get(&known)
        .send()
        .await
        .unwrap()
        .status()
        .is_success()
    {
        assert!(began.elapsed() < crate::gate::LONG);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let join = async |index: usize| {
        let address = if index.is_multiple_of(2) {
            gate.address
        } else {
            other.address
        };
        let url = format!("http://{address}{}/visitors", gate.room_path());
        let request = gate.http.post(url).bearer_auth(gate.user_token("ada"));
        let document: Value = request.send().await.unwrap().json().await.unwrap();
        document["number"].as_u64()
    };
    let numbers = futures_util::future::join_all((0..16).map(join)).await;
    assert!(
        numbers.iter().all(|number| *number == Some(1)),
        "{numbers:?}"
    );
    assert_eq!(gate.join("bob").await["number"], 2);
    other.shutdown.soft().cancel();
    other.shutdown.hard().cancel();
}

#[tokio::test]
async fn polling_faster_gets_nobody_in_earlier() {
    let gate = Gate::start().await;
    let patient = text(&gate.join("ada").await, "token");
    let greedy = text(&gate.join("bob").await, "token");
    gate.poll_until(&greedy, |document| document["position"] == 2)
        .await;
    for _ in 0..200 {
        let status = gate.try_poll(&greedy).await.status().as_u16();
        assert!(status == 200 || status == 429, "{status}");
    }
    gate.admit(1).await;
    gate.poll_until(&patient, |document| document["state"] == "admitted")
        .await;
    let status = gate.try_poll(&greedy).await.status().as_u16();
    assert!(status == 200 || status == 429, "{status}");
    let snapshot = gate.line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.lowest_waiting, snapshot.waiting), (Some(2), 1));
}

#[tokio::test]
async fn joining_in_a_loop_gives_one_number_and_no_better_one() {
    let gate = Gate::start().await;
    gate.join("ada").await;
    let mut numbers = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let response = gate.try_join("bob").await;
        if response.status().is_success() {
            let document: Value = response.json().await.unwrap();
            numbers.insert(document["number"].as_u64().unwrap());
        } else {
            expect_problem(response, 429, "rate-limited").await;
        }
    }
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [2]);
    assert_eq!(gate.join("eve").await["number"], 3);
}

#[tokio::test]
async fn a_finished_visitor_does_not_come_back_in_front() {
    let gate = Gate::start().await;
    let (admitted, waiting) = gate.admitted("ada").await;
    let admission = text(&admitted, "admission_token");
    let keys = devstack::test_stores::keys_dir().join("admission-jwks.json");
    let verifier = AdmissionVerifier::new(JwksFile::open(&keys).unwrap());
    let claims = verifier.verify(&admission, gate.line.room()).unwrap();
    gate.join("bob").await;
    gate.join("eve").await;
    gate.line.finish(&claims).await.unwrap();
    gate.poll_until(&waiting, |document| document["state"] == "finished")
        .await;
    let request = gate.request(Method::GET, "/admission");
    let request = request.header("admission-token", &admission);
    expect_problem(
        request.send().await.unwrap(),
        401,
        "admission-token-invalid",
    )
    .await;
    let again = gate.join("ada").await;
    assert_eq!(
        (&again["number"], &again["state"]),
        (&4.into(), &"waiting".into())
    );
    let token = text(&again, "token");
    gate.poll_until(&token, |document| document["position"] == 3)
        .await;
    assert_eq!(
        gate.poll(&waiting).await["state"],
        "finished",
        "the old place stays over"
    );
}

#[tokio::test]
async fn a_clients_clock_changes_nothing() {
    let gate = Gate::start().await;
    let ada = text(&gate.join("ada").await, "token");
    let bob = text(&gate.join("bob").await, "token");
    gate.poll_until(&bob, |document| document["position"] == 2)
        .await;
    for date in [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 2100 23:59:59 GMT",
    ] {
        let request = gate.request(Method::GET, "/visitors/me").bearer_auth(&bob);
        let request = request
            .header("date", date)
            .header("if-modified-since", date);
        let document: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (&document["number"], &document["position"]),
            (&2.into(), &2.into())
        );
        let join = gate.request(Method::POST, "/visitors");
        let join = join
            .bearer_auth(gate.user_token("bob"))
            .header("date", date);
        let document: Value = join.send().await.unwrap().json().await.unwrap();
        assert_eq!(document["number"], 2);
    }
    gate.admit(1).await;
    gate.poll_until(&ada, |document| document["state"] == "admitted")
        .await;
}

#[tokio::test]
async fn the_token_of_a_lapsed_place_gets_nobody_back_in() {
    let gate = Gate::with_room(&NewRoom {
        late_return_ms: Some(1),
        after_turn_ms: Some(1),
        ..fast_room()
    })
    .await;
    let late = text(&gate.join("ada").await, "token");
    let bob = text(&gate.join("bob").await, "token");
    pass(&gate, Duration::from_secs(60)).await;
    sweep(&gate).await;
    // The turn of the first passes while nobody has seen her for long.
    gate.poll_until(&bob, |document| document["position"] == 1)
        .await;
    gate.admit(1).await;
    gate.poll_until(&bob, |document| document["state"] == "admitted")
        .await;
    pass(&gate, Duration::from_secs(60)).await;
    gate.poll_until(&late, |document| document["state"] == "lapsed")
        .await;
    assert_eq!(gate.leave(&late).await, 204);
    let told = Reader::open(&gate, &late).await.event().await.unwrap();
    assert_eq!(
        (told.0.as_str(), &told.1["state"]),
        ("room", &"lapsed".into())
    );
    assert_eq!(
        gate.poll(&late).await["state"],
        "lapsed",
        "asking again changes nothing"
    );
    let again = gate.join("ada").await;
    assert_eq!(
        (&again["number"], &again["state"]),
        (&3.into(), &"waiting".into())
    );
    assert_eq!(gate.poll(&late).await["state"], "lapsed");
}
