//! Everything that handlers share.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use shared::ids::RoomName;
use shared::redis_handle::Redis;
use shared::room::Line;
use shared::shutdown::Shutdown;
use shared::tokens::admission::{AdmissionClaims, AdmissionVerifier};
use shared::tokens::jwks::{JwksError, JwksFile};
use shared::tokens::key_ring::KeyRingError;
use shared::tokens::user::UserSigner;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::accounts::{PasswordError, Passwords, Sessions};
use crate::cache::Cache;
use crate::database::{self, Primary, Replica};
use crate::gateway::{self, Gateway};
use crate::holds::SeatLocks;
use crate::http::TurnedAway;
use crate::identity::{Sealed, Verifiers};
use crate::layouts::Layouts;
use crate::migrate::{self, MigrationError};
use crate::performances::Performances;
use crate::seats::{self, Snapshots};
use crate::settings::{AccountsArgs, ServeArgs, Switch};
use crate::tasks::Tasks;
use crate::{idempotency, outbox, payments, shop};

/// Between two looks for a replica that was away at the start.
const REPLICA_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Whoever holds a connection for longer than this at the very end has been given up.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
/// Between two attempts to free a slot of the line, and for how long it is tried.
const FINISHED_AGAIN_AFTER: Duration = Duration::from_secs(1);
const FINISHED_WITHIN: Duration = Duration::from_secs(60);

/// One process' application.
pub type SharedApp = Arc<App>;

/// Everything that handlers share.
#[derive(Debug)]
pub struct App {
    pub(crate) settings: ServeArgs,
    pub(crate) primary: Primary,
    pub(crate) replica: Replica,
    pub(crate) redis: Redis,
    pub(crate) cache: Cache,
    pub(crate) verifiers: Verifiers,
    /// Signs tokens of built-in accounts; none when those are switched off.
    pub(crate) signer: Option<UserSigner>,
    /// Sessions of built-in accounts; none when those are switched off.
    pub(crate) sessions: Option<Sessions>,
    pub(crate) passwords: Passwords,
    pub(crate) sealed: Sealed,
    pub(crate) performances: Performances,
    pub(crate) layouts: Layouts,
    pub(crate) snapshots: Snapshots,
    pub(crate) seat_locks: SeatLocks,
    pub(crate) gateway: Gateway,
    /// Rung when this process has put something into the outbox.
    pub(crate) outbox_bell: Notify,
    pub(crate) tasks: Tasks,
    /// Requests refused at the door since the last beat to the line.
    pub(crate) turned_away: TurnedAway,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings that do not go together.
    #[error("these settings do not go together:\n- {}", .0.join("\n- "))]
    Settings(Vec<String>),
    /// A database is not what it should be.
    #[error(transparent)]
    Database(#[from] database::StartError),
    /// The schema is another version's.
    #[error(transparent)]
    Schema(#[from] MigrationError),
    /// Public keys.
    #[error(transparent)]
    PublicKeys(#[from] JwksError),
    /// Private keys.
    #[error(transparent)]
    PrivateKeys(#[from] KeyRingError),
    /// The payment gateway's client.
    #[error(transparent)]
    Gateway(#[from] gateway::StartError),
    /// Password hashing does not work on this machine.
    #[error("passwords cannot be hashed here")]
    Passwords(#[source] Box<dyn Error + Send + Sync>),
}

impl From<PasswordError> for StartError {
    fn from(error: PasswordError) -> Self {
        Self::Passwords(Box::new(error))
    }
}

/// Refuses a replica that is none, or that never catches up. One that is away is no reason not to sell: holds and payments
/// never ask it, and lists and statistics wait until it is back and has been checked.
async fn check_replica(replica: &Replica, shutdown: &Shutdown) -> Result<(), StartError> {
    match try_replica(replica).await {
        Err(error) if is_away(&error) => {
            warn!(
                error = &error as &dyn Error,
                "the replica is away: lists and statistics are not answered until it is back"
            );
            let (replica, stopping) = (replica.clone(), shutdown.clone());
            shutdown.spawn("replica", async move {
                stopping.run_until_stopped(trust_when_back(&replica)).await;
            });
            Ok(())
        }
        checked => checked,
    }
}

async fn try_replica(replica: &Replica) -> Result<(), StartError> {
    database::check_is_replica(replica).await?;
    migrate::wait_until_current(replica).await?;
    replica.trust();
    Ok(())
}

fn is_away(error: &StartError) -> bool {
    let (StartError::Database(database::StartError::Database(_, error))
    | StartError::Schema(MigrationError::Unknown(error))) = error
    else {
        return false;
    };
    error.is_out_of_reach()
}

/// Goes on until the replica is there and is one; until then nothing is read from it.
async fn trust_when_back(replica: &Replica) {
    let mut complained = false;
    loop {
        tokio::time::sleep(REPLICA_AGAIN_AFTER).await;
        match try_replica(replica).await {
            Ok(()) => {
                info!("the replica is back");
                return;
            }
            Err(error) if !complained && !is_away(&error) => {
                error!(error = &error as &dyn Error, "the replica is not used");
                complained = true;
            }
            Err(_) => {}
        }
    }
}

impl App {
    /// Checks everything that can be checked, and starts what runs beside the requests.
    pub async fn start(settings: ServeArgs, shutdown: &Shutdown) -> Result<SharedApp, StartError> {
        let mistakes = settings.mistakes();
        if !mistakes.is_empty() {
            return Err(StartError::Settings(mistakes));
        }
        let primary = Primary::new(&settings.database, &settings.pool);
        let replica = Replica::new(&settings.replica, &settings.pool);
        database::check_is_writable(&primary).await?;
        migrate::check_is_current(&primary).await?;
        check_replica(&replica, shutdown).await?;
        let app = Arc::new(Self::assemble(settings, primary, replica, shutdown)?);
        app.start_tasks(shutdown);
        Ok(app)
    }

    fn assemble(
        settings: ServeArgs,
        primary: Primary,
        replica: Replica,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let redis = settings.redis.connect(shutdown);
        let (accounts, limits) = (&settings.accounts, &settings.limits);
        let signer = signer(accounts, shutdown)?;
        let lifetime = Duration::from_secs(accounts.session_minutes.unsigned_abs() * 60);
        let sessions = signer
            .is_some()
            .then(|| Sessions::new(primary.clone(), redis.clone(), lifetime));
        let is_sealed = settings.waiting_room_url.scheme() == "https";
        Ok(Self {
            verifiers: verifiers(&settings, shutdown)?,
            signer,
            sessions,
            passwords: Passwords::new(accounts.password_hashers)?,
            sealed: if is_sealed { Sealed::Yes } else { Sealed::No },
            performances: Performances::new(primary.clone()),
            layouts: Layouts::new(primary.clone()),
            snapshots: Snapshots::new(primary.clone(), limits.seats_fresh()),
            seat_locks: SeatLocks::new(
                redis.clone(),
                limits.taken_mark(),
                limits.holds_without_redis,
            ),
            gateway: Gateway::new(&settings.gateway)?,
            cache: Cache::new(redis.clone()),
            outbox_bell: Notify::new(),
            tasks: Tasks::new(shutdown.clone()),
            turned_away: TurnedAway::default(),
            settings,
            primary,
            replica,
            redis,
        })
    }

    fn start_tasks(self: &Arc<Self>, shutdown: &Shutdown) {
        shutdown.spawn("outbox", outbox::work(Arc::clone(self), shutdown.clone()));
        shutdown.spawn(
            "payment resolver",
            payments::resolve(Arc::clone(self), shutdown.clone()),
        );
        shutdown.spawn(
            "sweeper",
            idempotency::sweep(self.primary.clone(), shutdown.clone()),
        );
        shutdown.spawn(
            "seat gauges",
            seats::publish(self.replica.clone(), shutdown.clone()),
        );
        shutdown.spawn("shop beats", shop::beat(Arc::clone(self), shutdown.clone()));
    }

    /// Closes the connections to the databases, as the last thing before the process ends.
    pub async fn close(&self) {
        let closed = async { tokio::join!(self.primary.close(), self.replica.close()) };
        if tokio::time::timeout(CLOSED_WITHIN, closed).await.is_err() {
            warn!("ending with open connections to the databases");
        }
    }

    /// The settings it was started with.
    pub fn settings(&self) -> &ServeArgs {
        &self.settings
    }

    /// Where to stand in line for a room.
    pub(crate) fn waiting_room(&self, room: &RoomName) -> String {
        let site = self
            .settings
            .waiting_room_url
            .as_str()
            .trim_end_matches('/');
        format!("{site}/rooms/{room}")
    }

    /// Keeps a buyer in the active set of the line for as long as a hold. Without it the token alone still admits.
    pub(crate) async fn stretch(app: &SharedApp, admission: &AdmissionClaims, until: Timestamp) {
        let line = Line::new(app.redis.clone(), admission.aud.clone());
        if let Err(error) = line.stretch(&admission.sub, &admission.jti, until).await {
            warn!(
                error = &error as &dyn Error,
                "an admission could not be stretched"
            );
        }
    }

    /// Ends an admission whose buyer has what they came for, so that the next visitor may come in, and this one not again.
    /// Tries on while the line is away, for a minute; otherwise the admission ends by itself, unless Redis loses it meanwhile.
    pub(crate) async fn finish(app: &SharedApp, admission: &AdmissionClaims) {
        let line = Line::new(app.redis.clone(), admission.aud.clone());
        let began = Instant::now();
        loop {
            match line.finish(admission).await {
                Err(error)
                    if error.is_passing()
                        && began.elapsed() < FINISHED_WITHIN
                        && app.tasks.pause(FINISHED_AGAIN_AFTER).await => {}
                Err(error) => {
                    warn!(
                        error = &error as &dyn Error,
                        "a slot of the line is not free yet"
                    );
                    return;
                }
                Ok(_) => return,
            }
        }
    }
}

/// What checks tokens, with keys that are read anew when their files change.
fn verifiers(settings: &ServeArgs, shutdown: &Shutdown) -> Result<Verifiers, StartError> {
    let users = settings.accounts.user_tokens.verifier(shutdown)?;
    let admissions = JwksFile::open(&settings.admission_jwks)?;
    admissions.keep_fresh(shutdown);
    Ok(Verifiers::new(users, AdmissionVerifier::new(admissions)))
}

/// What signs tokens of built-in accounts, where those are switched on.
fn signer(accounts: &AccountsArgs, shutdown: &Shutdown) -> Result<Option<UserSigner>, StartError> {
    let keys = accounts
        .user_keys
        .as_deref()
        .filter(|_| accounts.accounts == Switch::On);
    let Some(keys) = keys else { return Ok(None) };
    let signer = UserSigner::open(keys)?;
    signer.keep_fresh(shutdown);
    Ok(Some(signer))
}
