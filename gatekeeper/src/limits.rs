//! Who may ask how much: limits by client address, by user, and of the whole process.
//!
//! All of them are of this process alone: behind a balancer that shares clients out evenly, N gatekeepers allow N
//! times as much. They keep one client from crowding out the others, and they are cheap enough to come first: the
//! address before anything is read, the user as soon as the token has told who it is, both before Redis.
//!
//! A poll has a rule of its own, by visitor, and is not counted as a call of the user.

mod args;
mod in_flight;
mod keyed;
mod network;

use std::hash::Hash;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use http::HeaderMap;
use shared::ids::VisitorId;
use shared::problem::Problem;
use shared::shutdown::Shutdown;

pub use self::args::LimitArgs;
pub use self::in_flight::{InFlight, Place};
use self::keyed::KeyedLimit;
use self::network::Network;
use crate::http::client_address::TrustedProxies;
use crate::routes::problems;

/// A join spent of the bucket comes back after this. One join is one visit of a page; who reloads it faster than this,
/// on and on, is a program.
const JOIN_COMES_BACK_AFTER: Duration = Duration::from_secs(3);
/// An address may ask for this many seconds' worth at once: at an opening a carrier's customers come together.
const ADDRESS_BURST_SECONDS: u32 = 2;
/// Between two rounds of forgetting keys that have nothing spent.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// The limits of one process.
#[derive(Debug)]
pub struct Limits {
    proxies: TrustedProxies,
    addresses: Option<KeyedLimit<Network>>,
    anonymous_joins: Option<KeyedLimit<Network>>,
    joins: Option<KeyedLimit<VisitorId>>,
    calls: Option<KeyedLimit<VisitorId>>,
    in_flight: InFlight,
}

impl Limits {
    /// Limits as `args` say. A task of `shutdown` forgets keys that nobody uses any more.
    pub fn start(args: &LimitArgs, shutdown: &Shutdown) -> Arc<Self> {
        let limits = Arc::new(Self::new(args));
        let looked_after = Arc::clone(&limits);
        let stopped = shutdown.hard().clone();
        shutdown.spawn_background("limits", async move {
            stopped.run_until_cancelled(looked_after.forget()).await;
        });
        limits
    }

    fn new(args: &LimitArgs) -> Self {
        let number = NonZeroU32::new;
        let of_an_address = |name, rate| {
            let rate = number(rate)?;
            let burst = rate.saturating_mul(number(ADDRESS_BURST_SECONDS).unwrap_or(rate));
            Some(KeyedLimit::new(
                name,
                Quota::per_second(rate).allow_burst(burst),
            ))
        };
        let joins = number(args.user_joins_at_once).and_then(|at_once| {
            Quota::with_period(JOIN_COMES_BACK_AFTER).map(|quota| quota.allow_burst(at_once))
        });
        let calls = number(args.user_calls_at_once)
            .zip(number(args.user_calls_per_second))
            .map(|(at_once, rate)| Quota::per_second(rate).allow_burst(at_once));
        Self {
            proxies: TrustedProxies(args.trusted_proxies.into()),
            addresses: of_an_address("address", args.address_requests_per_second),
            anonymous_joins: of_an_address(
                "anonymous-joins",
                args.address_anonymous_joins_per_second,
            ),
            joins: joins.map(|quota| KeyedLimit::new("user-joins", quota)),
            calls: calls.map(|quota| KeyedLimit::new("user-calls", quota)),
            in_flight: InFlight::new("requests", args.max_requests_in_flight),
        }
    }

    /// Counts a request of whoever is at the other end. The first thing done with any request.
    pub(crate) fn check_address(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        check(
            self.addresses.as_ref(),
            &Network::link(self.proxies.client(peer, headers)),
            "Too many requests come from this network; slow down.",
        )
    }

    /// Counts a join of somebody who is anonymous and shows no token. Whoever is at the other end can come as anybody.
    pub(crate) fn check_anonymous_join(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        check(
            self.anonymous_joins.as_ref(),
            &Network::site(self.proxies.client(peer, headers)),
            "Too many people join from this network at once; come back in a moment.",
        )
    }

    /// Counts a join of a visitor who is known by a token that has been verified.
    pub(crate) fn check_join(&self, visitor: &VisitorId) -> Result<(), Problem> {
        check(
            self.joins.as_ref(),
            visitor,
            "Joining again and again gains nothing: your place is kept. Poll instead.",
        )
    }

    /// Counts any other call of a visitor, polls excepted.
    pub(crate) fn check_call(&self, visitor: &VisitorId) -> Result<(), Problem> {
        check(
            self.calls.as_ref(),
            visitor,
            "Too many calls; slow down. Your place is kept.",
        )
    }

    /// A place among the requests that are worked on at once; given back when it is dropped.
    pub(crate) fn enter(&self) -> Result<Place<'_>, Problem> {
        self.in_flight.enter().ok_or_else(problems::overloaded)
    }

    /// Never ends by itself.
    async fn forget(&self) {
        let mut ticks = tokio::time::interval(FORGET_EVERY);
        loop {
            ticks.tick().await;
            self.addresses.iter().for_each(KeyedLimit::forget);
            self.anonymous_joins.iter().for_each(KeyedLimit::forget);
            self.joins.iter().for_each(KeyedLimit::forget);
            self.calls.iter().for_each(KeyedLimit::forget);
        }
    }
}

/// Metrics say which limit refused how often, and of nobody whom.
fn count_refusal(limit: &'static str) {
    metrics::counter!("onsale_gatekeeper_refused_total", "limit" => limit).increment(1);
}

fn check<K: Hash + Eq + Clone>(
    limit: Option<&KeyedLimit<K>>,
    key: &K,
    detail: &'static str,
) -> Result<(), Problem> {
    limit.map_or(Ok(()), |limit| {
        limit
            .check(key)
            .map_err(|wait| problems::rate_limited(wait, detail))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(flags: &[&str]) -> Limits {
        let flags = Flags::parse_from(["test"].iter().chain(flags));
        Limits::new(&flags.limits)
    }

    fn admitted(mut call: impl FnMut() -> Result<(), Problem>) -> usize {
        (0..10_000).take_while(|_| call().is_ok()).count()
    }

    #[test]
    fn nought_switches_a_limit_off() {
        let off = limits(&[
            "--address-requests-per-second=0",
            "--address-anonymous-joins-per-second=0",
            "--user-joins-at-once=0",
            "--user-calls-at-once=0",
            "--max-requests-in-flight=0",
        ]);
        let visitor = "ada".parse().unwrap();
        let peer = "192.0.2.1:1".parse().unwrap();
        assert_eq!(
            admitted(|| off.check_address(peer, &HeaderMap::new())),
            10_000
        );
        assert_eq!(
            admitted(|| off.check_anonymous_join(peer, &HeaderMap::new())),
            10_000
        );
        assert_eq!(admitted(|| off.check_join(&visitor)), 10_000);
        assert_eq!(admitted(|| off.check_call(&visitor)), 10_000);
        let places: Vec<_> = (0..10_000).map_while(|_| off.enter().ok()).collect();
        assert_eq!(places.len(), 10_000);
    }

    #[test]
    fn a_user_has_so_many_joins_and_calls_at_once_whatever_the_others_do() {
        let limits = limits(&[]);
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        // One more may have come back meanwhile.
        assert!((20..=21).contains(&admitted(|| limits.check_join(&ada))));
        assert!(admitted(|| limits.check_call(&ada)) >= 60);
        let refused = limits.check_join(&ada).unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.slug()),
            (429, "rate-limited")
        );
        assert!(limits.check_join(&bob).is_ok());
    }
}
