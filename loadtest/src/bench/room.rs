//! A room of one benchmark, made and removed by the operator's own tool. A benchmark may look into Redis and fill the
//! line past the HTTP port: a million user tokens would take a minute to check, and are not what is measured.

use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use shared::ids::{Number, RoomName, VisitorId};
use shared::redis_handle::Redis;
use shared::room::{Joined, Leaver, Line, Promise};
use shared::shutdown::Shutdown;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use crate::stage::{Admitter, ROOM_SPREADS};

/// Redis runs at the lowest priority beside a crowd that takes everything.
const REDIS_DEADLINE: Duration = Duration::from_secs(10);
/// Visitors of one call of the join script, and such calls under way.
const BATCH: u64 = 256;
const BATCHES_AT_ONCE: usize = 8;

/// Longer than any measurement: a crowd of a million that only stands there.
pub(super) const PRESENT_THROUGHOUT: Promise = Promise::of(Promise::LONGEST);

/// A room, with a way into its line.
pub(super) struct BenchRoom {
    pub name: String,
    pub line: Line,
    pub admitter: Admitter,
    redis: Redis,
    /// Its tasks, the connection's, end with it.
    shutdown: Shutdown,
}

/// Somebody in the line.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub visitor: VisitorId,
    pub number: Number,
}

/// How a room lets people in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub rate_per_second: u32,
    pub capacity: Option<u32>,
}

/// Makes a room, does `work` in it, and removes it whatever came of that, a stop from outside included.
pub(super) async fn in_a_room<T>(
    ground: &Ground,
    label: &str,
    pace: Pace,
    stop: &CancellationToken,
    work: impl AsyncFnOnce(&BenchRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    in_rooms(ground, label, 1, pace, stop, async |rooms| {
        work(&rooms[0]).await
    })
    .await
}

/// The same with `count` rooms beside each other.
pub(super) async fn in_rooms<T>(
    ground: &Ground,
    label: &str,
    count: usize,
    pace: Pace,
    stop: &CancellationToken,
    work: impl AsyncFnOnce(&[BenchRoom]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut rooms = Vec::with_capacity(count);
    for _ in 0..count {
        rooms.push(BenchRoom::connect(ground, label).await?);
    }
    let working = async {
        for room in &rooms {
            room.admitter
                .create(&room.name, pace.rate_per_second, pace.capacity)
                .await?;
            // Nobody is let in before everybody is there.
            room.admitter.pause(&room.name).await?;
        }
        tokio::time::sleep(ROOM_SPREADS).await;
        work(&rooms).await
    };
    and_remove(&rooms, stop, working).await
}

/// The same with a room that opens by lottery at `opens_at`.
pub(super) async fn in_a_lottery<T>(
    ground: &Ground,
    label: &str,
    rate_per_second: u32,
    opens_at: Timestamp,
    public_value: &str,
    stop: &CancellationToken,
    work: impl AsyncFnOnce(&BenchRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let room = BenchRoom::connect(ground, label).await?;
    room.admitter
        .schedule(&room.name, rate_per_second, opens_at)
        .await?;
    let working = async {
        room.admitter
            .commit_lottery(&room.name, public_value)
            .await?;
        work(&room).await
    };
    and_remove(std::slice::from_ref(&room), stop, working).await
}

async fn and_remove<T>(
    rooms: &[BenchRoom],
    stop: &CancellationToken,
    working: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let done = stop.run_until_cancelled(Box::pin(working)).await;
    let mut removed = Ok(());
    for room in rooms {
        removed = removed.and(room.admitter.remove(&room.name).await);
    }
    let done = done.unwrap_or_else(|| Err(anyhow::anyhow!("stopped before the end")))?;
    removed?;
    Ok(done)
}

impl BenchRoom {
    async fn connect(ground: &Ground, label: &str) -> anyhow::Result<Self> {
        let unique = uuid::Uuid::now_v7().simple().to_string();
        let name = format!("lt-{label}-{}", &unique[unique.len() - 8..]);
        let url = ground
            .stack
            .redis
            .parse()
            .context("the stack file has a bad Redis address")?;
        let shutdown = Shutdown::new();
        let redis = Redis::connect(&url, REDIS_DEADLINE, &shutdown);
        redis.wait_connected(REDIS_DEADLINE).await?;
        let room: RoomName = name.parse()?;
        Ok(Self {
            name,
            line: Line::new(redis.clone(), room),
            admitter: Admitter::of(&ground.stack),
            redis,
            shutdown,
        })
    }

    /// Lets `count` visitors with ids as accounts have them join. They are absent when `promised` is over: none of
    /// them polls.
    pub(super) async fn fill(&self, count: u64, promised: Promise) -> anyhow::Result<Vec<Member>> {
        let batches = (0..count.div_ceil(BATCH)).map(|batch| BATCH.min(count - batch * BATCH));
        let joined = stream::iter(batches.map(|size| self.join(size, promised)))
            .buffered(BATCHES_AT_ONCE)
            .try_collect::<Vec<_>>();
        Ok(joined.await?.concat())
    }

    async fn join(&self, count: u64, promised: Promise) -> anyhow::Result<Vec<Member>> {
        let visitor = |_| uuid::Uuid::now_v7().to_string().parse();
        let visitors = (0..count)
            .map(visitor)
            .collect::<Result<Vec<VisitorId>, _>>()?;
        let joined = self.line.join(&visitors, promised).await?;
        let members = visitors.into_iter().zip(joined.visitors);
        members
            .map(|(visitor, joined)| match joined {
                Joined::New(number) | Joined::Again(number) => Ok(Member { visitor, number }),
                Joined::Refused => anyhow::bail!("the room takes nobody"),
            })
            .collect()
    }

    /// Takes somebody out of the line. Says whether they were still there.
    pub(super) async fn leave(&self, member: &Member) -> anyhow::Result<bool> {
        let mut command = redis::cmd("HGET");
        let life = self
            .redis
            .query(command.arg(self.key("room")).arg("life"))
            .await?;
        let Member { visitor, number } = member.clone();
        Ok(self
            .line
            .leave(&[Leaver {
                visitor,
                number,
                life,
            }])
            .await?
            == [true])
    }

    /// How many are in the line.
    pub(super) async fn waiting(&self) -> anyhow::Result<u64> {
        Ok(self
            .redis
            .query(redis::cmd("ZCARD").arg(self.key("waiting")))
            .await?)
    }

    /// People whom a lottery has drawn a place for, and who have not been taken there yet.
    pub(super) async fn in_lobby(&self) -> anyhow::Result<u64> {
        Ok(self
            .redis
            .query(redis::cmd("ZCARD").arg(self.key("lobby")))
            .await?)
    }

    /// When those of the first places were let in who are in the active set.
    pub(super) async fn let_in_at(&self, places: u64) -> anyhow::Result<Vec<Timestamp>> {
        let mut command = redis::cmd("HVALS");
        let admissions: Vec<String> = self
            .redis
            .query(command.arg(self.key("admissions")))
            .await?;
        let mut found = Vec::new();
        for admission in admissions {
            let mut words = admission.split(' ').map(str::parse::<i64>);
            let (Some(Ok(place)), Some(Ok(since_ms))) = (words.next(), words.next()) else {
                anyhow::bail!("an admission cannot be read: {admission}");
            };
            if u64::try_from(place).is_ok_and(|place| place <= places) {
                found.push(Timestamp::from_millisecond(since_ms)?);
            }
        }
        Ok(found)
    }

    /// How many stand in front of a visitor; `None` when they are not in the line.
    pub(super) async fn rank(&self, visitor: &VisitorId) -> anyhow::Result<Option<u64>> {
        let mut command = redis::cmd("ZRANK");
        command.arg(self.key("waiting")).arg(visitor.as_str());
        Ok(self.redis.query(&command).await?)
    }

    /// Admissions since the room was made.
    pub(super) async fn admitted(&self) -> anyhow::Result<u64> {
        self.counter("admitted_total").await
    }

    /// Numbers given since the room was made, whatever has become of their owners.
    pub(super) async fn numbers(&self) -> anyhow::Result<u64> {
        Ok(self.counter("next").await?.saturating_sub(1))
    }

    async fn counter(&self, field: &str) -> anyhow::Result<u64> {
        let mut command = redis::cmd("HGET");
        command.arg(self.key("room")).arg(field);
        let counted = self.redis.query::<Option<u64>>(&command).await?;
        Ok(counted.unwrap_or(0))
    }

    fn key(&self, name: &str) -> String {
        format!("onsale:{{{}}}:{name}", self.name)
    }
}

impl Drop for BenchRoom {
    fn drop(&mut self) {
        self.shutdown.hard().cancel();
    }
}
