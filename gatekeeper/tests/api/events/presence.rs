//! A stream is a hint, never presence: behind a load balancer a dead phone looks alive for minutes.

use std::time::{Duration, Instant};

use super::reader::Reader;
use crate::gate::{Gate, LONG, text};
use crate::presence::{clock_at, pass, sweep};

#[tokio::test]
async fn an_open_stream_is_no_sign_of_presence() {
    let gate = Gate::start().await;
    let ada = text(&gate.join("ada").await, "token");
    let bob = text(&gate.join("bob").await, "token");
    let mut stream = Reader::open(&gate, &ada).await;
    stream.until("position", |told| told["position"] == 1).await;
    // The beats of the joins are on their way; they are no signs of what comes after.
    until_flushed(&gate, &bob).await;
    pass(&gate, Duration::from_secs(60)).await;
    // The beats of two flushes have arrived since; were a stream one, they were among them.
    until_flushed(&gate, &bob).await;
    sweep(&gate).await;
    let snapshot = gate.line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.absent, snapshot.lowest_waiting), (1, Some(2)));
    // It is still open, and polls bring its visitor back: the next one may still be answered from memory.
    let began = Instant::now();
    while gate.line.snapshot(0).await.unwrap().unwrap().absent > 0 {
        assert!(began.elapsed() < LONG, "polls do not bring ada back");
        gate.poll(&ada).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gate.admit(1).await;
    stream.until("admitted", |_| true).await;
}

/// Until the beats of two flushes have arrived, `token`'s among them.
async fn until_flushed(gate: &Gate, token: &str) {
    let (began, mut flushes, mut before) = (Instant::now(), 0, clock_at(gate).await);
    while flushes < 2 {
        assert!(began.elapsed() < LONG, "no beats arrive");
        gate.try_poll(token).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = clock_at(gate).await;
        flushes += u32::from(now != before);
        before = now;
    }
}
