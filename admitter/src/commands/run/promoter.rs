//! The loop of one room: fill in what is unset, promote, count, wait for the next tick.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::redis_handle::StoreError;
use shared::room::{Change, Line, Promoted, PromotionLimits};
use shared::shutdown::Shutdown;
use shared::telemetry::RoomGauge;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// Between two looks at what is unset: a room may be removed and made again between two lists of rooms.
const FILL_EVERY: Duration = Duration::from_millis(250);

/// Between two questions which admitter shows the gauges of a room, and for how long it does without asking again.
const REPORT_EVERY: Duration = Duration::from_secs(1);
const REPORT_FOR: Duration = Duration::from_secs(3);

pub(super) async fn promote(
    line: Line,
    process: String,
    defaults: Arc<[Change]>,
    limits: PromotionLimits,
    shutdown: Shutdown,
) {
    let room = line.room().to_string();
    info!(room, "promoting");
    let gauges = Gauges::of(&room);
    let mut reports = Reports::new(process);
    let mut ticks = tokio::time::interval(limits.tick);
    // After a stall one promotion makes up for it, as far as the bucket allows.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut filled_at = None;
    let mut complained = false;
    while shutdown.run_until_stopped(ticks.tick()).await.is_some() {
        match step(&line, &defaults, limits, &mut filled_at).await {
            Ok(promoted) => {
                record(&room, promoted.as_ref());
                let is_shown = reports.may_show(&line).await;
                gauges.set(promoted.as_ref().filter(|_| is_shown));
                complained = false;
            }
            Err(error) if !complained => {
                reports.clear_unless_shown(&gauges);
                warn!(
                    room,
                    error = &error as &dyn Error,
                    "promotion failed; trying on"
                );
                complained = true;
            }
            Err(_still) => reports.clear_unless_shown(&gauges),
        }
    }
}

async fn step(
    line: &Line,
    defaults: &[Change],
    limits: PromotionLimits,
    filled_at: &mut Option<Instant>,
) -> Result<Option<Promoted>, StoreError> {
    if filled_at.is_none_or(|at| at.elapsed() >= FILL_EVERY) {
        // Only what is unset, so that two daemons with other flags never fight, nor with an operator.
        line.fill(defaults).await?;
        *filled_at = Some(Instant::now());
    }
    line.promote(limits).await
}

fn record(room: &str, promoted: Option<&Promoted>) {
    let Some(promoted) = promoted else { return };
    let room = || room.to_owned();
    metrics::counter!("onsale_room_admitted_total", "room" => room()).increment(promoted.promoted);
    metrics::counter!("onsale_room_expired_total", "room" => room()).increment(promoted.expired);
}

/// Whether this admitter is the one that shows the gauges.
struct Reports {
    process: String,
    asked_at: Option<Instant>,
    told_at: Option<Instant>,
    may_show: bool,
}

impl Reports {
    fn new(process: String) -> Self {
        Self {
            process,
            asked_at: None,
            told_at: None,
            may_show: false,
        }
    }

    async fn may_show(&mut self, line: &Line) -> bool {
        if self.asked_at.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
            self.asked_at = Some(Instant::now());
            match line.may_report(&self.process, REPORT_FOR).await {
                Ok(may_show) => (self.may_show, self.told_at) = (may_show, Some(Instant::now())),
                Err(_away) => self.forget(),
            }
        }
        self.may_show
    }

    /// What cannot be asked stays as it was for so long that another may show it.
    fn forget(&mut self) {
        if self.told_at.is_none_or(|at| at.elapsed() >= REPORT_FOR) {
            self.may_show = false;
        }
    }

    fn clear_unless_shown(&mut self, gauges: &Gauges) {
        self.forget();
        if !self.may_show {
            gauges.set(None);
        }
    }
}

/// How many people are where; nobody when there is no such room any more, or another admitter shows it.
struct Gauges {
    waiting: RoomGauge,
    active: RoomGauge,
    absent: RoomGauge,
}

impl Gauges {
    fn of(room: &str) -> Self {
        Self {
            waiting: RoomGauge::new("onsale_room_waiting", room),
            active: RoomGauge::new("onsale_room_active", room),
            absent: RoomGauge::new("onsale_room_absent", room),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floats")]
    fn set(&self, promoted: Option<&Promoted>) {
        let count = |of: fn(&Promoted) -> u64| promoted.map_or(0, of) as f64;
        self.waiting.set(count(|promoted| promoted.waiting));
        self.active.set(count(|promoted| promoted.active));
        self.absent.set(count(|promoted| promoted.absent));
    }
}
