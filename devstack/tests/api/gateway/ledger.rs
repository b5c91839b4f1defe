//! The gateway's books.

use std::{collections::HashSet, fs::OpenOptions, io::Write};

use devstack::gateway::serve;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use super::till::Till;

#[tokio::test]
async fn the_books_outlive_the_gateway() {
    let mut till = Till::open().await;
    let payment = till.authorized("k-1").await;
    till.operate(&payment, "capture", "c-1").await;
    let voided = till.authorized("k-2").await;
    till.operate(&voided, "void", "v-1").await;
    let before = till.get("/v1/ledger").await;

    till.restart_gateway().await;

    assert_eq!(till.get("/v1/ledger").await, before);
    assert_eq!(till.authorized_again("k-1").await, "CAPTURED");
    assert_eq!(
        till.operate(&payment, "capture", "c-1").await.0,
        StatusCode::OK
    );
    assert_eq!(till.ledger_item("k-1").await["captured"], 1_000);
}

#[tokio::test]
async fn an_entry_cut_in_half_by_a_crash_was_never_told_and_is_dropped() {
    let mut till = Till::open().await;
    till.authorized("k-1").await;
    let mut file = OpenOptions::new().append(true).open(till.ledger()).unwrap();
    file.write_all(b"{\"entry\":\"captured\",\"paym").unwrap();
    till.restart_gateway().await;
    till.authorized("k-2").await;
    till.restart_gateway().await;
    assert_eq!(till.ledger_item("k-1").await["captured"], 0);
    assert_eq!(till.ledger_item("k-2").await["authorized"], 1_000);
}

#[tokio::test]
async fn damaged_books_are_not_opened() {
    let folder = crate::folder::Folder::new();
    let path = folder.join("ledger.jsonl");
    std::fs::write(&path, "these are no books\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = serve(listener, &path, std::future::pending())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[tokio::test]
async fn two_gateways_do_not_share_books() {
    let till = Till::open().await;
    till.authorized("k-1").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert!(
        serve(listener, till.ledger(), std::future::pending())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_pages_of_the_ledger_hold_every_payment_once() {
    let till = Till::open().await;
    for number in 0..25 {
        till.authorized(&format!("k-{number}")).await;
    }
    let (mut keys, mut pages) = (Vec::new(), 0);
    let mut path = "/v1/ledger?limit=10".to_owned();
    loop {
        let (_, page) = till.get(&path).await;
        keys.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["key"].clone()),
        );
        pages += 1;
        let Value::String(next) = &page["next_cursor"] else {
            break;
        };
        path = format!("/v1/ledger?limit=10&cursor={next}");
    }
    assert_eq!(pages, 3);
    assert_eq!(keys.len(), 25);
    assert_eq!(
        keys.iter()
            .map(Value::to_string)
            .collect::<HashSet<_>>()
            .len(),
        25
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_pays_at_once_is_in_the_books_to_the_last_of_them() {
    let mut till = Till::open().await;
    let keys: Vec<String> = (0..500).map(|number| format!("k-{number}")).collect();
    futures_util::future::join_all(keys.iter().map(|key| till.authorized(key))).await;
    till.restart_gateway().await;
    let (_, page) = till.get("/v1/ledger?limit=1000").await;
    let booked = page["items"].as_array().unwrap();
    let booked: HashSet<_> = booked
        .iter()
        .map(|item| item["key"].as_str().unwrap())
        .collect();
    assert_eq!(booked, keys.iter().map(String::as_str).collect());
}

impl Till {
    /// The state that a repeat of the payment tells.
    async fn authorized_again(&self, key: &str) -> String {
        self.authorize(key, "tok_ok").await.1["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
