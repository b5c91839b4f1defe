//! Random joins, leaves, moves, promotions and claims around a draw against a model in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use shared::ids::Number;
use shared::lottery::Permutation;
use shared::room::{ClaimOutcome, ClaimRequest, Joined, Leaver, Line};

use super::{admitted, draw, join, lottery_room, move_all, places, promote, waiting};
use crate::{field, kept_for_ever, visitor};

#[derive(Debug, Clone)]
enum Step {
    Join(u64),
    Leave(u64),
    Evict(u64),
    Move,
    Promote,
    Claim(u64),
}

const VISITORS: u64 = 30;

fn step() -> impl Strategy<Value = Step> {
    let who = 1..=VISITORS;
    prop_oneof![
        3 => who.clone().prop_map(Step::Join),
        2 => who.clone().prop_map(Step::Leave),
        1 => who.clone().prop_map(Step::Evict),
        2 => Just(Step::Move),
        3 => Just(Step::Promote),
        2 => who.prop_map(Step::Claim),
    ]
}

/// What should be in Redis.
#[derive(Default)]
struct Model {
    next: u64,
    /// Numbers in the line or let in, and whose they are.
    live: BTreeMap<u64, u64>,
    newest: BTreeMap<u64, u64>,
    drawn: Option<Permutation>,
    /// Places that were let in so far.
    let_in: BTreeSet<u64>,
}

impl Model {
    fn number_of(&self, who: u64) -> Option<u64> {
        let number = *self.newest.get(&who)?;
        self.live.contains_key(&number).then_some(number)
    }

    fn place_of(&self, number: u64) -> u64 {
        self.drawn
            .as_ref()
            .map_or(number, |places| places.place_of(number))
    }

    async fn join(&mut self, line: &Line, who: u64) {
        let joined = join(line, &[who]).await;
        if let Some(number) = self.number_of(who) {
            assert_eq!(joined, [Joined::Again(Number(number))]);
            return;
        }
        self.next += 1;
        assert_eq!(joined, [Joined::New(Number(self.next))]);
        self.live.insert(self.next, who);
        self.newest.insert(who, self.next);
    }

    async fn leave(&mut self, line: &Line, life: u64, who: u64) {
        let Some(&number) = self.newest.get(&who) else {
            return;
        };
        let leaver = Leaver {
            visitor: visitor(who),
            number: Number(number),
            life,
        };
        let left = line.leave(&[leaver.clone(), leaver]).await.unwrap();
        assert_eq!(left, [self.live.remove(&number).is_some(), false]);
    }

    async fn evict(&mut self, line: &Line, who: u64) {
        let number = self.number_of(who);
        assert_eq!(
            line.evict(&visitor(who)).await.unwrap(),
            number.is_some(),
            "evicted"
        );
        if let Some(number) = number {
            self.live.remove(&number);
        }
    }

    async fn claim(&self, line: &Line, life: u64, who: u64) {
        let Some(&number) = self.newest.get(&who) else {
            return;
        };
        let request = ClaimRequest {
            visitor: visitor(who),
            number: Number(number),
            life,
        };
        let outcome = line.claim(&[request]).await.unwrap().remove(0);
        match outcome {
            ClaimOutcome::Admitted(_) => assert!(self.let_in.contains(&self.place_of(number))),
            // What became of somebody before the draw is known once their place has been reached.
            ClaimOutcome::Waiting => {
                let is_moving = field(line, "moved").await.is_some();
                assert!(is_moving || self.live.contains_key(&number));
            }
            over => {
                assert_eq!(over, ClaimOutcome::Left);
                assert!(!self.live.contains_key(&number));
            }
        }
    }

    async fn promote(&mut self, line: &Line) {
        promote(line, 3).await;
        let admitted = admitted(line).await;
        let last = admitted.keys().max().copied().unwrap_or(0);
        for (place, visitor) in &admitted {
            let number = (1..=self.next).find(|number| self.place_of(*number) == *place);
            let who = self.live[&number.unwrap()];
            assert_eq!(*visitor, format!("visitor-{who}"), "place {place}");
        }
        self.let_in.extend(admitted.keys());
        // In order of places: nobody who still waits was overtaken.
        for number in self.live.keys() {
            let place = self.place_of(*number);
            assert!(
                place > last || self.let_in.contains(&place),
                "place {place} was overtaken by {last}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_lost_doubled_or_overtaken(
        before in prop::collection::vec(step(), 1..60), after in prop::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let line = lottery_room().await;
            let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
            let mut model = Model::default();
            for step in &before {
                run(&line, &mut model, life, step).await;
            }
            draw(&line).await;
            model.drawn = Some(places(&line).await);
            for step in &after {
                run(&line, &mut model, life, step).await;
            }
            move_all(&line, model.drawn.as_ref().unwrap()).await;
            compare(&line, &model).await;
            for _ in 0..VISITORS * 4 {
                model.promote(&line).await;
                if model.let_in.len() >= model.live.len() && waiting(&line).await.is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(waiting(&line).await.is_empty(), "everybody is let in");
            line.remove().await.unwrap();
            assert_eq!(kept_for_ever(&line).await, [] as [String; 0]);
        });
    }
}

async fn run(line: &Line, model: &mut Model, life: u64, step: &Step) {
    match step {
        Step::Join(who) => model.join(line, *who).await,
        Step::Leave(who) => model.leave(line, life, *who).await,
        Step::Evict(who) => model.evict(line, *who).await,
        Step::Claim(who) => model.claim(line, life, *who).await,
        Step::Move => {
            if let Some(places) = &model.drawn {
                let moved = field(line, "moved").await;
                let Some(moved) = moved else { return };
                line.move_from_lobby(places, moved.parse().unwrap())
                    .await
                    .unwrap();
            }
        }
        Step::Promote => model.promote(line).await,
    }
}

/// For every place that was given: its bit is 0 exactly when it is in the line.
async fn compare(line: &Line, model: &Model) {
    let stand: BTreeSet<u64> = waiting(line)
        .await
        .into_iter()
        .map(|(_, place)| place)
        .collect();
    let expected = model.live.keys().map(|number| model.place_of(*number));
    let expected: BTreeSet<u64> = expected
        .filter(|place| !model.let_in.contains(place))
        .collect();
    assert_eq!(stand, expected);
    let bits = line.chunks(&[0]).await.unwrap().remove(0).bits;
    for place in 1..=model.next {
        let (byte, bit) = (usize::try_from(place / 8).unwrap(), place % 8);
        let departed = bits.get(byte).is_some_and(|byte| byte & (0x80 >> bit) != 0);
        assert_eq!(departed, !stand.contains(&place), "bit of place {place}");
    }
}
