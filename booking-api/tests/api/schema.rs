//! The rules that the database holds by itself, whatever a program tries.

use booking_api::migrate;
use booking_api::settings::{Cli, Command};
use clap::Parser;
use devstack::test_stores;
use sqlx::{ConnectOptions, PgPool};

use crate::test_api::TestApi;

async fn refusal(pool: &PgPool, sql: &'static str) -> String {
    let error = sqlx::query(sql).execute(pool).await.expect_err(sql);
    let error = error
        .into_database_error()
        .expect("the database refuses it");
    error.constraint().unwrap_or_default().to_owned()
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_payment_goes_along_the_allowed_edges_only(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    TestApi::eventually("it is captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED'")
            .await
            == 1
    })
    .await;
    for sql in [
        "UPDATE payment SET state = 'VOID_DUE'",
        "UPDATE payment SET state = 'SENT', due_at = now()",
        "UPDATE payment SET state = 'DECLINED'",
        "UPDATE payment SET state = 'REFUNDED'",
    ] {
        assert_eq!(refusal(&api.pool, sql).await, "payment_edge", "{sql}");
    }
    assert_eq!(
        refusal(&api.pool, "UPDATE payment SET refunded = captured + 1").await,
        "payment_money"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_seat_has_one_confirmed_reservation(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    let second = "INSERT INTO reservation SELECT partition_date, performance_id, seat_no, fence + 1, order_id, price, state
                    FROM reservation";
    let constraint = refusal(&api.pool, second).await;
    assert!(
        constraint.starts_with("reservation_2099_12") && constraint.contains("seat_no"),
        "{constraint}"
    );
    assert_eq!(
        refusal(
            &api.pool,
            "UPDATE seat SET status = 'AVAILABLE' WHERE seat_no = 0"
        )
        .await,
        "seat_shape"
    );
    assert_eq!(
        refusal(&api.pool, "UPDATE buyer_quota SET reserved = max + 1").await,
        "buyer_quota_max"
    );
    assert_eq!(
        refusal(
            &api.pool,
            "UPDATE seat SET blocked = true WHERE seat_no = 0"
        )
        .await,
        "seat_blocked_is_nobodys"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_buyer_has_one_live_hold_and_extends_it_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    api.admitted_buyer().held(["A-1"]).await;
    let second = "INSERT INTO hold (id, performance_id, buyer, admission, seats, prices, amount, currency, expires_at, created_at)
        SELECT gen_random_uuid(), performance_id, buyer, admission, seats, prices, amount, currency, expires_at, created_at FROM hold";
    assert_eq!(refusal(&api.pool, second).await, "hold_one_live");
    assert_eq!(
        refusal(&api.pool, "UPDATE hold SET extensions = 2").await,
        "hold_one_extension"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_performance_inserted_by_hand_gets_its_partition(pool: PgPool) {
    let api = TestApi::start(pool).await;
    sqlx::query(
        "INSERT INTO performance (concert_id, layout_id, starts_at, partition_date, sale_opens_at, sale_closes_at, room,
                                  currency, created_by)
         SELECT concert_id, layout_id, '2050-02-03', '2050-02-03', sale_opens_at, sale_closes_at, room, currency, 'hand'
           FROM performance",
    )
    .execute(&api.pool)
    .await
    .unwrap();
    assert_eq!(
        api.count("SELECT count(*) FROM pg_class WHERE relname = 'reservation_2050_02'")
            .await,
        1
    );
}

#[sqlx::test(migrations = false)]
async fn migrating_twice_is_migrating_once_even_at_the_same_time(pool: PgPool) {
    let url = pool.connect_options().to_url_lossy().to_string();
    let settings =
        || match Cli::parse_from(["booking-api", "migrate", "--database-url", &url]).command {
            Command::Migrate(settings) => *settings,
            Command::Serve(_) => unreachable!("migrate was asked for"),
        };
    let (one, two) = (settings(), settings());
    let (one, two) = tokio::join!(migrate::migrate(&one), migrate::migrate(&two));
    one.unwrap();
    two.unwrap();
    migrate::migrate(&settings()).await.unwrap();
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(
        usize::try_from(applied).unwrap(),
        booking_api::MIGRATOR.iter().count()
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_primary_is_no_replica_and_a_replica_no_primary(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let primary = api.pool.connect_options().to_url_lossy().to_string();
    let replica = test_stores::replica_url();
    let start = async |database: &str, replica: &str| {
        let flags = ["--database-url", database, "--replica-url", replica];
        api.try_another_instance(&flags)
            .await
            .expect_err("it refuses to start")
            .to_string()
    };
    let no_replica = start(&primary, &primary).await;
    assert!(
        no_replica.contains("--replica-url leads to a server that is not a replica"),
        "{no_replica}"
    );
    let no_primary = start(&replica, &replica).await;
    assert!(
        no_primary.contains("--database-url leads to a replica"),
        "{no_primary}"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_database_that_is_behind_is_refused(pool: PgPool) {
    let api = TestApi::start(pool).await;
    for change in [
        "DELETE FROM _sqlx_migrations WHERE version > 5",
        "DROP TABLE _sqlx_migrations",
    ] {
        sqlx::query(change).execute(&api.pool).await.unwrap();
        let refused = api
            .try_another_instance(&[])
            .await
            .expect_err("it refuses to start")
            .to_string();
        assert!(
            refused.contains("run `booking-api migrate` first"),
            "{refused}"
        );
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn settings_that_do_not_go_together_are_named_all_at_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let flags = [
        "--retry-after-ms",
        "900",
        "--retry-after-most-ms",
        "600",
        "--user-issuer",
        "elsewhere",
    ];
    let refused = api
        .try_another_instance(&flags)
        .await
        .expect_err("it refuses to start")
        .to_string();
    assert!(
        refused.contains("--retry-after-ms") && refused.contains("--user-issuer"),
        "{refused}"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn every_connection_has_time_limits(pool: PgPool) {
    let api = TestApi::start_with(
        pool,
        &[
            "--statement-timeout-ms",
            "1000",
            "--lock-timeout-ms",
            "9000",
        ],
    )
    .await;
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE seat IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let refused = api.admitted_buyer().hold(["A-1"]).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    refused.expect_problem(503, "overloaded");
    blocker.rollback().await.unwrap();
    let settings: Vec<(String,)> = sqlx::query_as(
        "SELECT DISTINCT application_name FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'booking-api'",
    )
    .fetch_all(&api.pool)
    .await
    .unwrap();
    assert_eq!(
        settings.len(),
        1,
        "operators see whose connections these are"
    );
}
