//! Looking at what has become of visitors.

use std::time::Duration;

use shared::ids::Number;
use shared::redis_handle::StoreError;
use shared::room::{
    ClaimOutcome, ClaimRequest, Leaver, Line, NewRoom, Promise, PromotionLimits, Seen,
};

use crate::{PRESENT, field, new_room, redis, set_field, visitor};

async fn request(line: &Line, who: u64) -> ClaimRequest {
    ClaimRequest {
        visitor: visitor(who),
        number: Number(who),
        life: line.snapshot(0).await.unwrap().unwrap().settings.life,
    }
}

async fn look(line: &Line, who: u64) -> Seen {
    let seen = line.look(&[request(line, who).await]).await.unwrap();
    seen[0]
}

/// Everything that Redis holds of the room, as it would be saved.
async fn dump(line: &Line) -> Vec<(String, Vec<u8>)> {
    let redis = redis().await;
    let mut keys = redis::cmd("KEYS");
    keys.arg(format!("onsale:{{{}}}:*", line.room()));
    let mut names: Vec<String> = redis.query(&keys).await.unwrap();
    names.sort();
    let mut dumped = Vec::new();
    for name in names {
        let bytes = redis.query(redis::cmd("DUMP").arg(&name)).await.unwrap();
        dumped.push((name, bytes));
    }
    dumped
}

#[tokio::test]
async fn a_look_tells_what_has_become_of_each_and_changes_nothing() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(1_000.0),
        ..NewRoom::default()
    })
    .await;
    let present: Vec<_> = (1..=4).map(visitor).collect();
    line.join(&present, PRESENT).await.unwrap();
    let brief = Promise::of(Duration::ZERO);
    line.join(&[visitor(5)], brief).await.unwrap();
    // 1 and 2 are let in, 2 claims; 3 leaves; 4 waits; 5 is absent.
    set_field(&line, "bucket", "2").await;
    let limits = PromotionLimits {
        tick: Duration::from_millis(50),
        at_once: 2,
    };
    assert_eq!(line.promote(limits).await.unwrap().unwrap().promoted, 2);
    let claimed = line.claim(&[request(&line, 2).await]).await.unwrap();
    assert!(matches!(claimed[0], ClaimOutcome::Admitted(_)));
    let third = request(&line, 3).await;
    let leaver = Leaver {
        visitor: third.visitor,
        number: third.number,
        life: third.life,
    };
    assert_eq!(line.leave(&[leaver]).await.unwrap(), [true]);
    let clock: u64 = match field(&line, "clock_ms").await {
        Some(clock) => clock.parse().unwrap(),
        None => 3_600_000,
    };
    set_field(&line, "clock_ms", &(clock + 20_000).to_string()).await;
    let overdue = line.promised(0).await.unwrap().unwrap().overdue(10);
    assert_eq!(line.sweep(&overdue).await.unwrap(), 1);

    let before = dump(&line).await;
    let mut requests = Vec::new();
    for who in 1..=6 {
        requests.push(request(&line, who).await);
    }
    let void = ClaimRequest {
        life: requests[0].life + 1,
        ..requests[0].clone()
    };
    requests.push(void);
    assert_eq!(
        line.look(&requests).await.unwrap(),
        [
            Seen::Admitted,
            Seen::Admitted,
            Seen::Left,
            Seen::Waiting,
            Seen::Unknown,
            Seen::Unknown,
            Seen::Void
        ]
    );
    assert_eq!(dump(&line).await, before);
    line.remove().await.unwrap();
    // Removed or lost: nobody's token is void because of it.
    assert!(matches!(
        line.look(&requests).await,
        Err(StoreError::NoRoom)
    ));
}

#[tokio::test]
async fn an_admission_that_redis_lost_is_seen_as_long_as_a_claim_would_give_it_again() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(1_000.0),
        ..NewRoom::default()
    })
    .await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    set_field(&line, "bucket", "1").await;
    let limits = PromotionLimits {
        tick: Duration::from_millis(50),
        at_once: 1,
    };
    line.promote(limits).await.unwrap().unwrap();
    let request = request(&line, 1).await;
    line.claim(std::slice::from_ref(&request)).await.unwrap();
    for lost in ["admissions", "active"] {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(format!("onsale:{{{}}}:{lost}", line.room()));
        redis().await.query::<i64>(&unlink).await.unwrap();
    }
    assert_eq!(look(&line, 1).await, Seen::Admitted);
    let claimed = line.claim(&[request]).await.unwrap();
    assert!(matches!(claimed[0], ClaimOutcome::Admitted(_)));
}
