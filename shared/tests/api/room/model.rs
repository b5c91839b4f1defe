//! Random joins, leaves, claims, finishes and promotions against a model in memory: numbers are unique
//! and dense (I6), admission is in order (I7), the capacity holds (I8), and the bitmap says exactly who waits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shared::ids::Number;
use shared::room::{ClaimOutcome, ClaimRequest, Joined, Leaver, Line, NewRoom, PromotionLimits};
use shared::tokens::admission::AdmissionClaims;
use std::time::Duration;

use crate::{PRESENT, new_room, visitor};

const VISITORS: u64 = 24;
const CAPACITY: u64 = 5;
const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 3,
};

#[derive(Debug, Clone)]
enum Step {
    Join(Vec<u64>),
    Leave(u64),
    Evict(u64),
    Promote,
    Claim(u64),
    Finish(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..VISITORS;
    prop_oneof![
        3 => prop::collection::vec(who.clone(), 1..6).prop_map(Step::Join),
        2 => who.clone().prop_map(Step::Leave),
        1 => who.clone().prop_map(Step::Evict),
        3 => Just(Step::Promote),
        3 => who.clone().prop_map(Step::Claim),
        2 => who.prop_map(Step::Finish),
    ]
}

/// What should be in Redis.
#[derive(Debug, Default)]
struct Model {
    next: u64,
    waiting: BTreeMap<u64, u64>,
    active: BTreeMap<u64, u64>,
    /// The newest number of each visitor, live or over.
    newest: BTreeMap<u64, u64>,
    over: BTreeMap<u64, ClaimOutcome>,
    given: BTreeSet<u64>,
    /// The last admission that was finished, whose shop may call once more.
    finished: Option<AdmissionClaims>,
}

impl Model {
    fn live(&self, who: u64) -> Option<u64> {
        let number = *self.newest.get(&who)?;
        (!self.over.contains_key(&number)).then_some(number)
    }

    fn end(&mut self, who: u64, outcome: ClaimOutcome) {
        if let Some(number) = self.live(who) {
            self.waiting.remove(&number);
            self.active.remove(&number);
            self.over.insert(number, outcome);
        }
    }
}

async fn join(line: &Line, model: &mut Model, who: &[u64]) {
    let visitors: Vec<_> = who.iter().map(|who| visitor(*who)).collect();
    let joined = line.join(&visitors, PRESENT).await.unwrap();
    for (who, joined) in who.iter().zip(joined.visitors) {
        if let Some(number) = model.live(*who) {
            assert_eq!(joined, Joined::Again(Number(number)));
        } else {
            model.next += 1;
            assert_eq!(joined, Joined::New(Number(model.next)), "numbers are dense");
            assert!(model.given.insert(model.next), "a number given twice");
            model.newest.insert(*who, model.next);
            model.waiting.insert(model.next, *who);
        }
    }
}

async fn promote(line: &Line, model: &mut Model) {
    let promoted = line.promote(LIMITS).await.unwrap().unwrap();
    assert!(promoted.promoted <= u64::from(LIMITS.at_once));
    for _ in 0..promoted.promoted {
        let (number, who) = model
            .waiting
            .pop_first()
            .expect("only who waits is promoted");
        model.active.insert(number, who);
    }
    assert!(promoted.active <= CAPACITY, "capacity");
    assert_eq!(promoted.active, model.active.len() as u64);
    assert_eq!(promoted.waiting, model.waiting.len() as u64);
}

async fn claim(line: &Line, model: &Model, life: u64, who: u64) {
    let Some(&number) = model.newest.get(&who) else {
        return;
    };
    let request = ClaimRequest {
        visitor: visitor(who),
        number: Number(number),
        life,
    };
    let outcomes = line
        .claim(&[request.clone(), request.clone()])
        .await
        .unwrap();
    assert_eq!(outcomes[0], outcomes[1], "claiming twice is claiming once");
    match &outcomes[0] {
        ClaimOutcome::Admitted(_) => assert!(model.active.contains_key(&number)),
        ClaimOutcome::Waiting => assert!(model.waiting.contains_key(&number)),
        over => assert_eq!(Some(over), model.over.get(&number)),
    }
    let elsewhere = ClaimRequest {
        life: life + 1,
        ..request
    };
    assert_eq!(
        line.claim(&[elsewhere]).await.unwrap(),
        [ClaimOutcome::Void]
    );
}

async fn finish(line: &Line, model: &mut Model, life: u64, who: u64) {
    let Some(number) = model
        .live(who)
        .filter(|number| model.active.contains_key(number))
    else {
        return;
    };
    let request = ClaimRequest {
        visitor: visitor(who),
        number: Number(number),
        life,
    };
    let [ClaimOutcome::Admitted(admission)] = &line.claim(&[request]).await.unwrap()[..] else {
        panic!("an active visitor claims");
    };
    let claims = crate::tokens::admission_claims(line.room(), visitor(who), number, admission);
    assert!(line.finish(&claims).await.unwrap());
    assert!(
        !line.finish(&claims).await.unwrap(),
        "finishing twice frees one slot"
    );
    model.end(who, ClaimOutcome::Finished);
    model.finished = Some(claims);
}

/// Removes the room; a call that comes late must not leave anything behind for ever.
async fn remove(line: &Line, model: &Model) {
    assert!(line.remove().await.unwrap());
    if let Some(claims) = &model.finished {
        assert!(!line.finish(claims).await.unwrap());
    }
    assert_eq!(crate::kept_for_ever(line).await, [] as [String; 0]);
}

/// The bitmap, the head and the counts against the model, whenever things stand still.
async fn compare(line: &Line, model: &Model) {
    let snapshot = line.snapshot(1_000).await.unwrap().unwrap();
    assert_eq!(snapshot.settings.next, model.next + 1);
    assert_eq!(
        snapshot.lowest_waiting,
        model.waiting.keys().next().copied()
    );
    assert_eq!(snapshot.waiting, model.waiting.len() as u64);
    let bits = snapshot
        .near
        .first()
        .map(|chunk| chunk.bits.clone())
        .unwrap_or_default();
    for place in 1..=model.next {
        let (byte, bit) = (usize::try_from(place / 8).unwrap(), place % 8);
        let departed = bits.get(byte).is_some_and(|byte| byte & (0x80 >> bit) != 0);
        assert_eq!(
            departed,
            !model.waiting.contains_key(&place),
            "bit of place {place}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_scripts_do_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let settings = NewRoom {
                // Fast enough that only the capacity and the limit of a call hold promotion back.
                rate_per_second: Some(100_000.0), capacity: Some(CAPACITY), ..NewRoom::default()
            };
            let line = new_room(&settings).await;
            let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Join(who) => join(&line, &mut model, &who).await,
                    Step::Leave(who) => {
                        if let Some(&number) = model.newest.get(&who) {
                            let leaver = Leaver { visitor: visitor(who), number: Number(number), life };
                            let left = line.leave(&[leaver.clone(), leaver]).await.unwrap();
                            assert_eq!(left, [model.live(who).is_some(), false]);
                            model.end(who, ClaimOutcome::Left);
                        }
                    }
                    Step::Evict(who) => {
                        assert_eq!(line.evict(&visitor(who)).await.unwrap(), model.live(who).is_some());
                        model.end(who, ClaimOutcome::Left);
                    }
                    Step::Promote => promote(&line, &mut model).await,
                    Step::Claim(who) => claim(&line, &model, life, who).await,
                    Step::Finish(who) => finish(&line, &mut model, life, who).await,
                }
                compare(&line, &model).await;
            }
            remove(&line, &model).await;
        });
    }
}
