//! Two admitters, five, none, then one, while people are let in: the rate is that of one, in order of place.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::waiting::Crowd;
use super::world::{LONG, ROOM, World};

const RATE: u32 = 100;
const PEOPLE: u64 = 1_500;
/// What the token bucket holds: 0.3 s of the rate.
const BUCKET: f64 = 30.0;

fn admitted_total(world: &World) -> u64 {
    let status = world.admitter(&["status", ROOM]);
    status["admitted_total"].as_u64().unwrap()
}

async fn until_admitted(world: &World, count: u64) {
    let began = Instant::now();
    while admitted_total(world) < count {
        assert!(began.elapsed() < LONG, "fewer than {count} are let in");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_five_no_and_one_admitter_keep_the_rate_and_the_order() {
    // Half of the rate, for a machine that has other things to do.
    two_five_none_one(0.5).await;
}

/// The same on a machine that does nothing else; `make test-full` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a quiet machine"]
async fn two_five_no_and_one_admitter_keep_the_rate_to_two_percent() {
    two_five_none_one(0.98).await;
}

async fn two_five_none_one(least_share: f64) {
    let mut world = World::start().await;
    world.admitter(&["pause", ROOM]);
    world.admitter(&["rate", ROOM, &RATE.to_string()]);
    let mut crowd = Crowd::join(&world, "person", PEOPLE).await;
    crowd.poll(&world);

    world.admitter(&["resume", ROOM]);
    until_admitted(&world, 200).await;
    for _ in 0..3 {
        world.add_admitter().await;
    }
    assert_eq!(world.admitters.len(), 5);
    until_admitted(&world, 500).await;
    for admitter in &mut world.admitters {
        admitter.kill().unwrap();
    }
    // By the clock of Redis, which is this machine's.
    let killed_at = Timestamp::now();

    let before = admitted_total(&world);
    let last = crowd.people.last().unwrap();
    let began = Instant::now();
    loop {
        let document = last.poll(world.gatekeeper(0)).await;
        assert_eq!(document["state"], "waiting", "{document}");
        if document["eta_reason"] == "halted" {
            break;
        }
        assert!(began.elapsed() < LONG, "people are not told: {document}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        admitted_total(&world),
        before,
        "nobody is let in without one"
    );
    assert!(before < PEOPLE, "there was somebody to be let in");

    world.admitters[3].restart().await.unwrap();
    until_admitted(&world, PEOPLE).await;
    let times = crowd.until_over().await;
    let times: Vec<Timestamp> = times
        .into_iter()
        .map(|at| at.expect("everybody is in"))
        .collect();
    assert!(times.is_sorted(), "in order of place (I7)");
    assert_pace(&times);
    // The rate holds while any lives.
    let (first, second) = times.split_at(times.partition_point(|at| *at <= killed_at));
    for times in [first, second] {
        let seconds = times[times.len() - 1]
            .duration_since(times[0])
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a small figure")]
        let share = (times.len() - 1) as f64 / seconds / f64::from(RATE);
        assert!(share >= least_share, "{share} of the rate over {seconds} s");
    }
}

/// No window holds more than rate × its length + the bucket (I8).
fn assert_pace(times: &[Timestamp]) {
    for (first, start) in times.iter().enumerate() {
        for (last, end) in times.iter().enumerate().skip(first) {
            // Times are told in milliseconds, or coarser where they are cut.
            let seconds = end.duration_since(*start).as_secs_f64() + 0.001;
            #[expect(clippy::cast_precision_loss, reason = "small figures")]
            let count = (last - first + 1) as f64;
            assert!(
                count <= f64::from(RATE) * seconds + BUCKET + 1e-6,
                "{count} within {seconds} s"
            );
        }
    }
}
