//! One run, from the scenario to the verdict.

use std::path::PathBuf;
use std::sync::Arc;

use devstack::stack_file::Stack;
use tokio_util::sync::CancellationToken;

use crate::books::{self, AuditDatabase, Ledger};
use crate::client::Service;
use crate::clock::RunClock;
use crate::crowd::{Crowd, CrowdParts};
use crate::descriptors;
use crate::invariants::{self, RoomFacts};
use crate::journal::Journal;
use crate::progress::{self, say};
use crate::report::{Facts, Report, ReportConditions};
use crate::scenario::{Scenario, Whole};
use crate::stage::{House, Stage};
use crate::tokens::Minter;

/// What the command line says about a run.
pub(crate) struct Options {
    pub scenario: PathBuf,
    pub stack: PathBuf,
    pub seed: Option<u64>,
    pub keep: bool,
}

/// What a run works with besides the stage.
struct Tools {
    stack: Stack,
    scenario: Scenario,
    seed: u64,
    clock: RunClock,
    database: AuditDatabase,
    ledger: Ledger,
    stop: CancellationToken,
}

/// Makes the stage, sends the crowd, judges, and puts the stage away, whatever happened.
pub(crate) async fn run(options: Options, stop: &CancellationToken) -> anyhow::Result<Report> {
    let scenario = Scenario::read(&options.scenario)?;
    descriptors::make_room_for(scenario.crowd.visitors.get())?;
    let stack = devstack::stack_file::read(&options.stack)?;
    let tools = Tools {
        seed: options.seed.unwrap_or(scenario.seed),
        clock: RunClock::start(),
        database: AuditDatabase::connect(&stack.postgres).await?,
        ledger: Ledger::open(Service::at(&stack.gateway)?).await?,
        stop: stop.clone(),
        scenario,
        stack,
    };
    let minter = Minter::open(
        &tools.stack.user_token_key,
        &tools.stack.user_token_kid,
        tools.clock.started_at(),
    )?;
    let mut stage = Stage::new(&tools.stack, &tools.scenario, &minter)?;
    let report = on_stage(&tools, &mut stage, minter).await;
    if options.keep {
        say(&format!(
            "kept: room {}, performance {:?}",
            stage.room(),
            stage.performance()
        ));
        return report;
    }
    let removed = stage.remove().await;
    let report = report?;
    removed?;
    Ok(report)
}

async fn on_stage(tools: &Tools, stage: &mut Stage, minter: Minter) -> anyhow::Result<Report> {
    let house = stage.make().await?;
    let crowd = Arc::new(crowd(tools, stage, house, minter)?);
    let (journal, interrupted) = send(tools, &crowd).await?;
    say("the crowd is home; waiting for the books to be quiet");
    let patience = tools.scenario.limits.settle_seconds.seconds();
    let performance = crowd.house.performance();
    let books = books::wait_until_quiet(
        &tools.database,
        &tools.ledger,
        performance,
        &crowd.visitor_prefix,
        patience,
    )
    .await?;
    let room = RoomFacts {
        rate_per_second: tools.scenario.room.rate_per_second.get(),
        capacity: tools.scenario.room.capacity.map(Whole::get),
    };
    Ok(Report::of(Facts {
        scenario: &tools.scenario,
        seed: tools.seed,
        clock: tools.clock,
        journal: &journal,
        books: &books,
        findings: invariants::judge(&journal, &books, room),
        interrupted,
        conditions: conditions(tools).await?,
    }))
}

fn crowd(tools: &Tools, stage: &Stage, house: House, minter: Minter) -> anyhow::Result<Crowd> {
    Ok(Crowd::new(CrowdParts {
        clock: tools.clock,
        scenario: tools.scenario.clone(),
        seed: tools.seed,
        gatekeeper: Service::at(&tools.stack.gatekeeper)?,
        booking: Service::at(&tools.stack.booking_api)?,
        room: stage.room().to_owned(),
        other_room: stage.other_room().to_owned(),
        house,
        minter,
        visitor_prefix: format!("{}-", stage.room()),
    }))
}

/// Sends the crowd with a limit on its time. Tells too whether it was stopped from outside.
async fn send(tools: &Tools, crowd: &Arc<Crowd>) -> anyhow::Result<(Journal, bool)> {
    say(&format!(
        "{}: {} visitors, {} seats, {} admissions a second, room {}",
        tools.scenario.name,
        tools.scenario.crowd.visitors.get(),
        tools.scenario.house.seats(),
        tools.scenario.room.rate_per_second.get(),
        crowd.room,
    ));
    let stop = tools.stop.child_token();
    let mut going = std::pin::pin!(crowd.go(&stop));
    let journal = tokio::select! {
        journal = &mut going => journal?,
        never = progress::watch(crowd) => match never {},
        () = tokio::time::sleep(tools.scenario.limits.run_seconds.seconds()) => {
            say("the run is over its time: everybody is called back");
            stop.cancel();
            going.await?
        }
    };
    Ok((journal, tools.stop.is_cancelled()))
}

async fn conditions(tools: &Tools) -> anyhow::Result<ReportConditions> {
    let database = tools.database.conditions().await?;
    let redis = crate::bench::redis_version(&tools.stack.redis).await;
    Ok(ReportConditions::of(database, redis, &tools.stack.bin))
}
