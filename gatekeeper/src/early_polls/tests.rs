use proptest::prelude::*;

use super::*;

const INTERVAL: Duration = Duration::from_secs(30);

fn table(visitors: u64) -> EarlyPolls {
    EarlyPolls::new(EarlyPollRule::Refuse, visitors)
}

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn six_polls_at_once_are_answered_and_the_seventh_is_told_when_to_come() {
    let table = table(1);
    let poll = |now| table.count_at(7, Number(1), INTERVAL, now);
    for _ in 0..6 {
        assert_eq!(poll(at(1.0)), Ok(()));
    }
    let wait = poll(at(1.0)).unwrap_err();
    // A poll comes back every 10 s.
    assert!((9.9..=10.1).contains(&wait.as_secs_f64()), "{wait:?}");
    assert!(poll(at(1.0) + wait / 2).is_err());
    assert_eq!(poll(at(1.1) + wait), Ok(()), "being refused costs nothing");
}

#[test]
fn a_longer_interval_told_earlier_is_no_debt_in_front() {
    let table = table(1);
    let poll = |interval, now| table.count_at(7, Number(1), Duration::from_secs(interval), at(now));
    for _ in 0..6 {
        assert_eq!(poll(300, 1.0), Ok(()));
    }
    assert!(poll(300, 2.0).is_err());
    assert_eq!(poll(1, 2.0), Ok(()), "at the pace of the front");
}

#[test]
fn neighbours_have_buckets_of_their_own_and_so_have_rooms() {
    let table = table(1);
    for room in [7, 7 << 16] {
        for number in 1..=100 {
            for _ in 0..6 {
                let counted = table.count_at(room, Number(number), INTERVAL, at(1.0));
                assert_eq!(counted, Ok(()), "{number} in {room}");
            }
        }
    }
}

#[test]
fn where_it_is_allowed_nobody_is_refused() {
    let table = EarlyPolls::new(EarlyPollRule::Allow, 1);
    let claims = WaitingClaims::new(
        "ada".parse().unwrap(),
        "main".parse().unwrap(),
        1,
        Number(1),
    );
    assert!((0..1_000).all(|_| table.count(&claims, INTERVAL).is_ok()));
}

proptest! {
    /// Two tabs that keep to their intervals, whatever the jitter, are never refused.
    #[test]
    fn two_tabs_are_normal(interval in 1.0..300.0, jitters in prop::collection::vec((0.9..1.1, 0.9..1.1), 50)) {
        let table = table(1);
        let mut due: Vec<f64> = Vec::new();
        let (mut one, mut other) = (0.0, 0.0);
        for (first, second) in jitters {
            due.extend([one, other]);
            one += interval * first;
            other += interval * second;
        }
        due.sort_by(f64::total_cmp);
        for moment in due {
            let counted = table.count_at(7, Number(1), at(interval), at(moment));
            prop_assert_eq!(counted, Ok(()), "at {}", moment);
        }
    }

    /// Whatever the times, a visitor gets six polls and three an interval.
    #[test]
    fn nobody_gets_more_than_the_bucket_gives(gaps in prop::collection::vec(0.0..5.0, 1..200)) {
        let table = table(1);
        let (mut now, mut answered) = (0.0, 0.0);
        for gap in gaps {
            now += gap;
            if table.count_at(7, Number(1), INTERVAL, at(now)).is_ok() {
                answered += 1.0;
            }
            prop_assert!(answered <= 6.01 + 3.0 * (now + 0.01) / INTERVAL.as_secs_f64());
        }
    }

    #[test]
    fn a_bucket_survives_being_packed(owner: u16, at: u32, spent in 0.001..5.0) {
        let unpacked = Bucket::unpack(Bucket { owner, at, spent }.pack()).unwrap();
        prop_assert_eq!((unpacked.owner, unpacked.at), (owner, at));
        prop_assert!((unpacked.spent - spent).abs() < 0.001);
    }
}
