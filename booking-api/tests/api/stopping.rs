//! A process that is told to stop finishes what it has begun; a client that hangs up stops nothing.

use std::time::Duration;

use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_soft_stop_finishes_requests_in_flight_and_takes_no_more(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (paid, ()) = tokio::join!(buyer.pay(&hold, "tok_slow"), async {
        TestApi::eventually("it is being paid", async || {
            api.count("SELECT count(*) FROM payment").await == 1
        })
        .await;
        api.shutdown.soft().cancel();
    });
    assert_eq!(paid.expect_created()["state"], "CONFIRMED");
    TestApi::eventually("nobody is accepted any more", async || {
        reqwest::get(format!("{}/v1/concerts", api.base))
            .await
            .is_err()
    })
    .await;
    tokio::time::timeout(Duration::from_secs(10), api.shutdown.clone().finish())
        .await
        .expect("all tasks end");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_client_that_hangs_up_cancels_nothing_half_way(pool: PgPool) {
    // The resolver would finish it in the end; here it sleeps, so that the handler has to.
    let api = TestApi::start_with(pool, &["--outbox-interval-ms", "60000"]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let impatient = tokio::time::timeout(
        Duration::from_millis(500),
        buyer.pay_as("key", &hold, "tok_slow"),
    );
    assert!(impatient.await.is_err(), "the client has hung up");
    TestApi::eventually("it is paid all the same", async || {
        api.count("SELECT count(*) FROM orders WHERE state = 'CONFIRMED'")
            .await
            == 1
    })
    .await;
    buyer
        .pay_as("key", &hold, "tok_slow")
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn clients_that_hang_up_leave_no_lock_behind(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let redis = api.redis().await;
    for round in 0..20_u64 {
        let buyer = api.admitted_buyer();
        // Somewhere between the lock in Redis, PostgreSQL and the answer.
        drop(tokio::time::timeout(Duration::from_micros(round * 400), buyer.hold(["A-1"])).await);
    }
    let no_lock_is_left = TestApi::eventually("no lock is left", async || {
        let key = format!("onsale:seats:{{{}}}:0", api.performance);
        let value: Option<String> = redis.query(redis::cmd("GET").arg(key)).await.unwrap();
        value.is_none_or(|value| value.starts_with("taken:"))
    });
    // Long before a lock would end by itself.
    tokio::time::timeout(Duration::from_secs(5), no_lock_is_left)
        .await
        .expect("all are released");
    assert!(api.count("SELECT count(*) FROM hold").await <= 1);
}
