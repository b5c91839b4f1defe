//! P1: polls of waiting visitors, as a share of a bare hyper server that returns the same bytes to the same client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::lanes::{self, Lane, Side};
use super::positions::Positions;
use super::report::{AgainstFloor, BenchReport, Figure, Outcome, Round, Series, rounded, sorted};
use super::requests;
use super::room::{self, BenchRoom, Member, PRESENT_THROUGHOUT, Pace};
use super::servers::{EARLY_POLLS_ALLOWED, NO_ADDRESS_LIMIT_SAID, SAME_CLIENT_SAID, Server};
use super::upkeep::{Known, Upkeep};
use super::visitors::{self, Joiner, Visitor};
use super::wire::Wire;
use crate::client::Outgoing;
use crate::progress::say;
use crate::tokens::Minter;

const RATIO_BOUND: f64 = 0.85;
/// How far apart the medians of the lengths may be.
const FLATNESS_BOUND_PERCENT: f64 = 5.0;
/// A machine is faster in one minute than in the next, floor and ours not alike: the lengths are measured by turns of a few
/// rounds, so that all of them have the same share of each.
const TURNS: usize = 11;
const ROUNDS_OF_A_TURN: usize = 3;
/// Shorter than the promise of those in front, who do not poll while it is the floor's turn.
const PHASE: Duration = Duration::from_millis(1_500);
const CONNECTIONS: usize = 64;
/// Different tokens that poll, where the line has as many.
const POLLERS_MAX: u64 = 10_000;
const RATE_PER_SECOND: u32 = 100;
const DEPARTURES_PER_SECOND: u32 = 10;
/// With less of either, the line would have stood still while it was measured.
const LIVELY: f64 = 0.95;
/// Snapshots follow within a quarter of a second.
const PAUSE_IS_KNOWN: Duration = Duration::from_secs(1);
/// Newcomers come every tenth of a second.
const UNTIL_SOMEBODY_COMES: Duration = Duration::from_millis(20);
/// Parts of the line, each with its share of those who poll.
const STRETCHES: u64 = 100;

/// One length of the line, with room for so many verified tokens.
#[derive(Clone, Copy, Debug)]
struct Plan {
    waiting: u64,
    remembered_tokens: Option<u64>,
}

const PLANS: [Plan; 4] = [
    Plan {
        waiting: 1_000,
        remembered_tokens: None,
    },
    Plan {
        waiting: 100_000,
        remembered_tokens: None,
    },
    Plan {
        waiting: 1_000_000,
        remembered_tokens: None,
    },
    // A tenth of those who poll.
    Plan {
        waiting: 100_000,
        remembered_tokens: Some(POLLERS_MAX / 10),
    },
];

pub(super) async fn measure(
    ground: &Ground,
    stop: &CancellationToken,
) -> anyhow::Result<BenchReport> {
    let pace = Pace {
        rate_per_second: RATE_PER_SECOND,
        capacity: None,
    };
    let series = room::in_rooms(ground, "p1", PLANS.len(), pace, stop, async |rooms| {
        by_turns(ground, rooms).await
    });
    let series = series.await?;
    let flatness = flatness(&series);
    let mut measured = AgainstFloor::new("polls a second", RATIO_BOUND, series);
    measured.figures.push(flatness);
    let conditions = json!({
        "client": "the crowds' own (hyper), closed loop, own process, kept connections, one request at a time",
        "connections": CONNECTIONS,
        "setup": format!("{NO_ADDRESS_LIMIT_SAID}, no early-poll rule; {CONNECTIONS} connections, closed loop, {SAME_CLIENT_SAID}; the lengths by turns of {ROUNDS_OF_A_TURN} rounds"),
    });
    Ok(BenchReport {
        name: "P1",
        description: "polls of waiting visitors, as a share of bare hyper",
        outcome: Outcome::AgainstFloor(measured),
        conditions: ground.conditions(conditions).await,
    })
}

impl Plan {
    fn label(self) -> String {
        match self.remembered_tokens {
            None => format!("{} waiting", self.waiting),
            Some(remembered) => format!("{} waiting, {remembered} tokens remembered", self.waiting),
        }
    }

    fn pollers(self) -> u64 {
        self.waiting.min(POLLERS_MAX)
    }
}

/// How far apart the medians of the lengths are, as a share of the largest.
fn flatness(series: &[Series]) -> Figure {
    let lengths = PLANS
        .iter()
        .zip(series)
        .filter(|(plan, _)| plan.remembered_tokens.is_none());
    let medians = sorted(lengths.map(|(_, series)| series.ratio_median));
    let (least, most) = (medians[0], medians[medians.len() - 1]);
    Figure {
        what: "between the medians of the lengths of the line".to_owned(),
        value: rounded((most - least) / most * 100.0),
        bound: Some(FLATNESS_BOUND_PERCENT),
        unit: "%",
    }
}

async fn by_turns(ground: &Ground, rooms: &[BenchRoom]) -> anyhow::Result<Vec<Series>> {
    let mut lines = Vec::with_capacity(PLANS.len());
    for (room, plan) in rooms.iter().zip(PLANS) {
        say(&format!("P1: {}", plan.label()));
        lines.push(LinedUp::new(ground, room, plan).await?);
    }
    let mut lengths = Vec::with_capacity(PLANS.len());
    for line in lines {
        lengths.push(Length::at_rest(ground, line).await?);
    }
    for turn in 1..=TURNS {
        say(&format!("P1: turn {turn} of {TURNS}"));
        for length in &mut lengths {
            length.take_turn().await?;
        }
    }
    let mut series = Vec::with_capacity(PLANS.len());
    for length in lengths {
        series.push(length.end().await?);
    }
    Ok(series)
}

/// A line with a gatekeeper of its own. Connections to it are opened once all lines are there: an idle one is closed.
struct LinedUp<'room> {
    plan: Plan,
    room: &'room BenchRoom,
    gatekeeper: Server,
    minter: Arc<Minter>,
    members: Vec<Member>,
    pollers: Vec<Visitor>,
}

impl<'room> LinedUp<'room> {
    async fn new(ground: &Ground, room: &'room BenchRoom, plan: Plan) -> anyhow::Result<Self> {
        let remembered = plan.remembered_tokens.map(|tokens| tokens.to_string());
        let mut settings = vec![EARLY_POLLS_ALLOWED];
        settings.extend(
            remembered
                .as_deref()
                .map(|tokens| ("ONSALE_REMEMBERED_TOKENS", tokens)),
        );
        let gatekeeper = Server::gatekeeper(ground, &settings).await?;
        let minter = Arc::new(ground.minter()?);
        let (members, pollers) = line_up(room, gatekeeper.address, &minter, plan).await?;
        Ok(Self {
            plan,
            room,
            gatekeeper,
            minter,
            members,
            pollers,
        })
    }
}

/// One length of the line while it is measured. Between its turns the room is paused, and nobody polls.
struct Length<'room> {
    plan: Plan,
    room: &'room BenchRoom,
    /// Run for as long as this is there.
    _servers: [Server; 2],
    polling: Vec<Polling>,
    positions: Positions<'room>,
    upkeep: Upkeep<'room>,
    rounds: Vec<Round>,
    admitted: u64,
    seconds: f64,
}

impl<'room> Length<'room> {
    async fn at_rest(ground: &Ground, line: LinedUp<'room>) -> anyhow::Result<Self> {
        let LinedUp { plan, room, .. } = line;
        let gatekeeper = line.gatekeeper.address;
        let watched: Known = Arc::new(Mutex::new(line.pollers.clone()));
        let mut positions = Positions::new(room, gatekeeper, &watched).await?;
        let floor = floor(ground, gatekeeper, &line.pollers).await?;
        let spare = Known::default();
        let mut polling = polling(&room.name, &floor, &line.gatekeeper, &line.pollers, &spare)?;
        everybody_polls(&mut polling).await?;
        positions.check_at_rest().await?;
        let joiner = Joiner::connect(gatekeeper, &line.minter, &room.name).await?;
        let size = (plan.waiting, plan.pollers());
        Ok(Self {
            plan,
            room,
            _servers: [floor, line.gatekeeper],
            polling,
            positions,
            upkeep: Upkeep::new(room, size, joiner, line.members, [spare, watched]),
            rounds: Vec::with_capacity(TURNS * ROUNDS_OF_A_TURN),
            admitted: 0,
            seconds: 0.0,
        })
    }

    /// Some rounds, during which people are let in, leave and come.
    async fn take_turn(&mut self) -> anyhow::Result<()> {
        self.room.admitter.resume(&self.room.name).await?;
        let (admitted, began) = (self.room.admitted().await?, Instant::now());
        let over = CancellationToken::new();
        let is_first = self.rounds.is_empty();
        let rounds = async {
            let rounds = rounds(&mut self.polling, is_first).await;
            over.cancel();
            rounds
        };
        let (rounds, (), ()) = tokio::try_join!(
            rounds,
            self.upkeep.go_on(&over),
            self.positions.watch(&over)
        )?;
        self.rounds.extend(rounds);
        self.seconds += began.elapsed().as_secs_f64();
        self.admitted += self.room.admitted().await? - admitted;

        self.room.admitter.pause(&self.room.name).await?;
        tokio::time::sleep(PAUSE_IS_KNOWN).await;
        everybody_polls(&mut self.polling).await
    }

    async fn end(mut self) -> anyhow::Result<Series> {
        self.positions.check_at_rest().await?;
        let departures = self.upkeep.departures;
        for (what, count, rate) in [
            ("were let in", self.admitted, RATE_PER_SECOND),
            ("left", departures, DEPARTURES_PER_SECOND),
        ] {
            let reached = f64::from(u32::try_from(count)?) / self.seconds;
            if reached < f64::from(rate) * LIVELY {
                bail!("only {reached:.1} a second {what} while polls were measured, not {rate}");
            }
        }
        let (plan, positions) = (self.plan, &self.positions);
        let observed = observed(positions, plan, self.admitted, departures, self.seconds);
        let series = Series::new(plan.label(), Some(plan.waiting), self.rounds, observed);
        Ok(match plan.remembered_tokens {
            None => series,
            // Nearly every poll verifies its token anew: what that costs is to be seen beside the others.
            Some(_) => series.without_bound(),
        })
    }
}

/// Each promises to come back in as long as it takes while nobody is let in: nobody becomes absent for a while.
async fn everybody_polls(polling: &mut Vec<Polling>) -> anyhow::Result<()> {
    let rate = lanes::phase(polling, |mut polling| async {
        let mut answered = 0;
        for _ in 0..polling.pollers.len() {
            answered += polling.poll(Side::Ours).await?;
        }
        Ok((polling, answered))
    });
    rate.await.map(drop)
}

/// Those who poll are spread through the line; the others join past the HTTP port.
async fn line_up(
    room: &BenchRoom,
    gatekeeper: SocketAddr,
    minter: &Arc<Minter>,
    plan: Plan,
) -> anyhow::Result<(Vec<Member>, Vec<Visitor>)> {
    let fillers = plan.waiting - plan.pollers();
    let (mut members, mut pollers) = (Vec::new(), Vec::new());
    for stretch in 0..STRETCHES {
        let part = |whole: u64| whole * (stretch + 1) / STRETCHES - whole * stretch / STRETCHES;
        members.extend(room.fill(part(fillers), PRESENT_THROUGHOUT).await?);
        let count = usize::try_from(part(plan.pollers()))?;
        pollers.extend(visitors::gather(gatekeeper, minter, &room.name, count).await?);
    }
    members.extend(pollers.iter().map(|poller| poller.member.clone()));
    Ok((members, pollers))
}

/// The floor, with the answer to the last one's poll: the longest position.
async fn floor(
    ground: &Ground,
    gatekeeper: SocketAddr,
    pollers: &[Visitor],
) -> anyhow::Result<Server> {
    let last = pollers.last().context("nobody polls")?;
    let mut wire = Wire::open(gatekeeper, None).await?;
    let reply = wire.ask(&last.poll).await?;
    Server::floor(ground, &reply).await
}

/// One loop of polls.
struct Polling {
    lane: Lane,
    room: String,
    /// A request for each visitor.
    pollers: Vec<Outgoing>,
    /// For how many it polls as long as there are as many.
    most: usize,
    next: usize,
    spare: Known,
}

fn polling(
    room: &str,
    floor: &Server,
    gatekeeper: &Server,
    pollers: &[Visitor],
    spare: &Known,
) -> anyhow::Result<Vec<Polling>> {
    let mut loops = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        loops.push(Polling {
            lane: Lane::new(floor.address, gatekeeper.address),
            room: room.to_owned(),
            pollers: Vec::new(),
            most: 0,
            next: 0,
            spare: Arc::clone(spare),
        });
    }
    for (index, poller) in pollers.iter().enumerate() {
        let polling = &mut loops[index % CONNECTIONS];
        polling.add(poller)?;
        polling.most += 1;
    }
    Ok(loops)
}

/// The rounds of a turn.
async fn rounds(polling: &mut Vec<Polling>, is_first: bool) -> anyhow::Result<Vec<Round>> {
    let mut measure = async |side| {
        let until = Instant::now() + PHASE;
        lanes::phase(polling, |polling| polling.poll_until(side, until)).await
    };
    // Once for warmth: tokens are verified, connections are found good.
    if is_first {
        measure(Side::Floor).await?;
        measure(Side::Ours).await?;
    }
    lanes::interleaved(ROUNDS_OF_A_TURN, measure).await
}

impl Polling {
    async fn poll_until(mut self, side: Side, until: Instant) -> anyhow::Result<(Self, u32)> {
        let mut answered = 0;
        while Instant::now() < until {
            answered += self.poll(side).await?;
        }
        Ok((self, answered))
    }

    /// Polls for the next visitor. Counts 1, or 0 when that visitor is no longer in the line: somebody else polls in
    /// their stead then, as soon as somebody has come.
    async fn poll(&mut self, side: Side) -> anyhow::Result<u32> {
        if self.pollers.len() < self.most {
            self.fill_up()?;
        }
        if self.pollers.is_empty() {
            tokio::time::sleep(UNTIL_SOMEBODY_COMES).await;
            return Ok(0);
        }
        self.next = (self.next + 1) % self.pollers.len();
        let reply = self.lane.ask(side, &self.pollers[self.next]).await?;
        if reply.status != StatusCode::OK {
            bail!(
                "a poll was answered {}: {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            );
        }
        let is_waiting = reply.body.starts_with(br#"{"state":"waiting""#);
        if !is_waiting {
            self.pollers.swap_remove(self.next);
        }
        Ok(u32::from(is_waiting))
    }

    fn add(&mut self, visitor: &Visitor) -> anyhow::Result<()> {
        let poll = requests::outgoing_poll(&self.room, &visitor.waiting_token)?;
        self.pollers.push(poll);
        Ok(())
    }

    fn fill_up(&mut self) -> anyhow::Result<()> {
        let missing = self.most - self.pollers.len();
        let newcomers: Vec<Visitor> = {
            let mut spare = self.spare.lock().expect("nobody panics with it");
            let from = spare.len().saturating_sub(missing);
            spare.drain(from..).collect()
        };
        newcomers.iter().try_for_each(|newcomer| self.add(newcomer))
    }
}

fn observed(
    positions: &Positions<'_>,
    plan: Plan,
    admitted: u64,
    departures: u64,
    seconds: f64,
) -> Value {
    let per_second =
        |count: u64| rounded(f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds);
    let mut observed = positions.observed();
    observed["different_tokens"] = plan.pollers().into();
    observed["admissions_per_second"] = per_second(admitted).into();
    observed["departures_per_second"] = per_second(departures).into();
    observed
}
