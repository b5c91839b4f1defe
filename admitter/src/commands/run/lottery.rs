//! The lottery of one room, while it has one to hold: hashes the list ahead, closes it in time, draws, and takes everybody to
//! their place. Any number of daemons may do it at once.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::lottery::{Digest, Permutation, Secret};
use shared::redis_handle::StoreError;
use shared::room::{JoinHashing, Line, LotteryState, Moved, RoomState};
use tracing::{error, info, warn};

use crate::commands::lottery::write_proof;

/// Between two looks at a room, and a room that has no lottery is looked at no more often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A look begins when it is time to open, not up to a quarter of a second later.
const LOOK_LEAST: Duration = Duration::from_millis(5);
/// Between two steps out of the lobby: Redis has others to answer, too.
const STEP_EVERY: Duration = Duration::from_millis(5);
/// Between two attempts to write a proof.
const PROVE_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Thousands of joins hashed by one look.
const HASHED_AT_ONCE: u32 = 1_000;

/// Holds the room's lottery, for as long as the room is there.
pub(super) async fn hold(line: Line, proofs: Option<Arc<Path>>) {
    let mut holder = Holder {
        line,
        prover: Prover {
            folder: proofs,
            proven: None,
            due: None,
        },
        secret: None,
        has_asked: false,
    };
    let mut complained = false;
    loop {
        let pause = match holder.look().await {
            Ok(pause) => {
                complained = false;
                pause
            }
            Err(error) => {
                if !complained {
                    let error: &dyn Error = &error;
                    warn!(room = %holder.line.room(), error, "the lottery cannot be looked after; trying on");
                    complained = true;
                }
                LOOK_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

struct Holder {
    line: Line,
    prover: Prover,
    /// Redis may lose it; whoever has seen it gives it back.
    secret: Option<Secret>,
    /// Whether the operator has been told what is missing.
    has_asked: bool,
}

impl Holder {
    /// Does what can be done now. How long until there may be more to do.
    async fn look(&mut self) -> Result<Duration, StoreError> {
        // What is not there may be lost: the secret is kept. One of another commitment is never given back.
        let Some(state) = self.line.lottery().await? else {
            return Ok(LOOK_EVERY);
        };
        self.keep_secret(&state).await?;
        if state.public.seed.is_some() {
            let proving = self.prover.prove(&self.line, &state);
            let (moved, ()) = tokio::join!(move_all(&self.line, &state), proving);
            moved?;
            return Ok(LOOK_EVERY);
        }
        if state.room != RoomState::Scheduled {
            return Ok(LOOK_EVERY);
        }
        self.hash_ahead().await?;
        if state.opens_in_ms > 0 {
            let left = Duration::from_millis(state.opens_in_ms.unsigned_abs());
            return Ok(left.clamp(LOOK_LEAST, LOOK_EVERY));
        }
        self.open().await
    }

    async fn keep_secret(&mut self, state: &LotteryState) -> Result<(), StoreError> {
        let remembered = self
            .secret
            .filter(|secret| secret.commitment() == state.public.commitment);
        match (state.secret, remembered) {
            (Some(secret), _) => self.secret = Some(secret),
            (None, Some(secret)) => {
                warn!(room = %self.line.room(), "redis has lost the secret of the lottery; giving it back");
                self.line.restore_secret(&secret).await?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// The list as far as it is hashed now, and whatever else there is to know.
    async fn hash_ahead(&self) -> Result<Option<LotteryState>, StoreError> {
        for _ in 0..HASHED_AT_ONCE {
            let Some(state) = self.line.lottery().await? else {
                return Ok(None);
            };
            if self.line.hash_joins(&state).await? == JoinHashing::Complete {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<Duration, StoreError> {
        if !self.line.close_lottery().await? {
            return Ok(LOOK_EVERY);
        }
        let Some(state) = self.hash_ahead().await? else {
            return Ok(LOOK_LEAST);
        };
        if !self.line.publish_list(&state).await? {
            return Ok(LOOK_LEAST);
        }
        if state.public.public_value.is_none() || state.secret.is_none() {
            self.wait_for_operator(&state);
            return Ok(LOOK_EVERY);
        }
        if !self.line.draw(&state).await? {
            return Ok(LOOK_LEAST);
        }
        info!(room = %self.line.room(), joins = state.joins, "the places are drawn");
        Ok(Duration::ZERO)
    }

    fn wait_for_operator(&mut self, state: &LotteryState) {
        if self.has_asked {
            return;
        }
        let room = self.line.room();
        if state.secret.is_none() {
            error!(%room, "the secret of the lottery is lost; the room cannot be drawn");
        } else {
            warn!(%room, "it is time to open, and the public value is not known; say it with `admitter lottery draw`");
        }
        self.has_asked = true;
    }
}

/// Writes proofs of draws down.
struct Prover {
    folder: Option<Arc<Path>>,
    /// The seed of the draw that has its proof.
    proven: Option<Digest>,
    /// Which could not be written, and when it is tried again.
    due: Option<(Digest, Instant)>,
}

impl Prover {
    /// Writes the proof of a draw, by which anybody can check it, whatever becomes of Redis.
    async fn prove(&mut self, line: &Line, state: &LotteryState) {
        let (Some(folder), Some(seed)) = (&self.folder, state.public.seed) else {
            return;
        };
        let again_at = self.due.filter(|(of, _)| *of == seed).map(|(_, at)| at);
        if self.proven == Some(seed) || again_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        let room = line.room();
        let file = folder.join(format!("{room}-{seed}.proof"));
        if !file.exists() {
            match write_proof(line, state, &file).await {
                Ok(_header) => info!(%room, file = %file.display(), "the proof is written"),
                Err(error) => {
                    // What is lost stays lost, so it is said once.
                    if again_at.is_none() {
                        warn!(%room, error = %format!("{error:#}"), "the proof cannot be written; trying on");
                    }
                    self.due = Some((seed, Instant::now() + PROVE_AGAIN_AFTER));
                    return;
                }
            }
        }
        self.proven = Some(seed);
    }
}

async fn move_all(line: &Line, state: &LotteryState) -> Result<(), StoreError> {
    let (Some((mut moved, _)), Some(seed), Some(size)) =
        (state.moving, &state.public.seed, state.public.size)
    else {
        return Ok(());
    };
    let Some(places) = Permutation::new(seed, size) else {
        return Ok(());
    };
    while let Moved::UpTo(place) = line.move_from_lobby(&places, moved).await? {
        moved = place;
        tokio::time::sleep(STEP_EVERY).await;
    }
    info!(room = %line.room(), "everybody of the lottery stands in line");
    Ok(())
}
