//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use shared::args::RedisArgs;
use shared::ids::{RoomName, VisitorId};
use shared::lottery::Digest;
use shared::room::Author;

use crate::commands::doctor::DoctorArgs;
use crate::commands::run::RunArgs;

/// Lets the next visitors of Onsale's waiting rooms in, and sets how.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// Where Redis is.
    #[command(flatten)]
    pub redis: RedisArgs,

    /// Prints JSON for machines.
    #[arg(long, global = true)]
    pub json: bool,

    /// Who makes a change, as `admitter log` shows it. The default is your user name and this machine's: user@host.
    #[arg(long, env = "ONSALE_BY", global = true, value_name = "NAME")]
    pub by: Option<Author>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the daemon that promotes; any number of them may run.
    Run(Box<RunArgs>),
    /// Lists, makes, shows and removes rooms.
    #[command(subcommand)]
    Rooms(RoomsCommand),
    /// Sets the admissions per second of a room; 0 admits nobody.
    Rate {
        /// The room.
        room: RoomName,
        /// Admissions per second.
        #[arg(value_parser = rate)]
        per_second: f64,
    },
    /// Sets the most visitors in the active set of a room.
    Capacity {
        /// The room.
        room: RoomName,
        /// How many, or `none` for no bound.
        #[arg(value_parser = capacity)]
        most: Bound,
    },
    /// Opens a room: numbers go out, visitors come in.
    Open {
        /// The room.
        room: RoomName,
    },
    /// Pauses an open room: numbers go on, nobody is let in.
    Pause {
        /// The room.
        room: RoomName,
    },
    /// Resumes a paused room.
    Resume {
        /// The room.
        room: RoomName,
    },
    /// Drains a room: no new joins, the line goes on.
    Drain {
        /// The room.
        room: RoomName,
    },
    /// Closes a room.
    Close {
        /// The room.
        room: RoomName,
    },
    /// Shows how rooms are doing.
    Status {
        /// The room; all of them without it.
        room: Option<RoomName>,
        /// Shows it anew every second, until interrupted: as curves in a terminal, line by line elsewhere and with --json.
        #[arg(long)]
        watch: bool,
    },
    /// Shows who changed what in a room and when, the newest last; a removed room's for another month.
    Log {
        /// The room.
        room: RoomName,
    },
    /// Checks Redis, keys, clocks, the limits of this machine and the rooms, and says what to change. Fails when there is a problem.
    Doctor(DoctorArgs),
    /// Opens a room by a lottery that anybody can check.
    #[command(subcommand)]
    Lottery(LotteryCommand),
    /// Takes a visitor out of the line or the active set.
    Evict {
        /// The room.
        room: RoomName,
        /// The visitor.
        visitor: VisitorId,
    },
    /// Tells everybody in a room something; an empty text takes it back.
    Message {
        /// The room.
        room: RoomName,
        /// The text, at most 500 characters.
        #[arg(value_parser = message)]
        text: String,
    },
}

/// What to do with rooms.
#[derive(Debug, Subcommand)]
pub enum RoomsCommand {
    /// Lists all rooms.
    List,
    /// Makes a room and opens it, unless a time is given. One that is there already is left as it is.
    Create {
        /// The room's name: 1 to 40 of a-z, 0-9 and -.
        room: RoomName,
        /// Admissions per second; the default is that of the daemon.
        #[arg(long, value_parser = rate)]
        rate: Option<f64>,
        /// Most visitors in the active set; the default is that of the daemon.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
        capacity: Option<u64>,
        /// Lets visitors join without a user token. Not for rooms that lead to the booking API.
        #[arg(long)]
        anonymous: bool,
        /// When it opens, such as 2026-12-24T20:00:00+09:00; until then one can join, but nobody is let in.
        #[arg(long)]
        opens_at: Option<Timestamp>,
    },
    /// Shows one room.
    Show {
        /// The room.
        room: RoomName,
    },
    /// Removes a room with everybody in it. Their tokens are void, even if the room is made again.
    Remove {
        /// The room.
        room: RoomName,
    },
}

/// What to do about lotteries.
#[derive(Debug, Subcommand)]
pub enum LotteryCommand {
    /// Commits to a secret, before people join: those who join until the opening get their places by lottery.
    #[command(group = clap::ArgGroup::new("public").required(true))]
    Commit {
        /// The room, which is scheduled.
        room: RoomName,
        /// Where a value will come from that nobody knows yet, such as "drand round 4711"; `lottery draw` then says it.
        #[arg(long, group = "public", value_parser = public_text)]
        public_source: Option<String>,
        /// The value itself; then the room opens in time by itself.
        #[arg(long, group = "public", value_parser = public_text)]
        public_value: Option<String>,
    },
    /// Says the public value of which only the source was named, once it is time to open.
    Draw {
        /// The room.
        room: RoomName,
        /// The value.
        #[arg(long, value_parser = public_text)]
        public_value: String,
    },
    /// Writes the proof of a draw into a file: the secret, the public value, and who joined, hashed.
    Publish {
        /// The room.
        room: RoomName,
        /// The file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Recomputes a draw from its proof, offline, and fails when anything differs.
    Verify(VerifyArgs),
}

/// What to verify.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The proof that `lottery publish` has written.
    pub file: PathBuf,
    /// The commitment that was published before anybody joined; without it the proof is only checked against itself.
    #[arg(long)]
    pub commitment: Option<Digest>,
    /// The hash of the list that was published when it was closed (`GET /v1/rooms/{room}`); without it nobody notices a list that was altered afterwards.
    #[arg(long)]
    pub list: Option<Digest>,
    /// Shows the place of a visitor.
    #[arg(long)]
    pub visitor: Option<VisitorId>,
    /// Shows the place of a number.
    #[arg(long)]
    pub number: Option<u64>,
}

/// A bound that may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound(pub Option<u64>);

/// The fastest that can be set; a typing mistake must not open the doors.
pub(crate) const HIGHEST_RATE: f64 = 100_000.0;
const LONGEST_MESSAGE: usize = 500;

/// Admissions per second: a number from 0 to 100,000.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().or(Err(
        "a rate is a number of admissions per second, such as 100",
    ))?;
    check_rate(rate)
}

pub(crate) fn check_rate(rate: f64) -> Result<f64, String> {
    if (0.0..=HIGHEST_RATE).contains(&rate) {
        Ok(rate)
    } else {
        Err(format!(
            "a rate is from 0 to {HIGHEST_RATE} admissions per second"
        ))
    }
}

fn capacity(text: &str) -> Result<Bound, String> {
    if text == "none" {
        return Ok(Bound(None));
    }
    match text.parse() {
        Ok(most) if most > 0 => Ok(Bound(Some(most))),
        _ => Err("a capacity is a whole number from 1, or none".to_owned()),
    }
}

fn public_text(text: &str) -> Result<String, String> {
    let is_plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_plain && text.len() <= LONGEST_MESSAGE {
        return Ok(text.to_owned());
    }
    Err(format!(
        "it has 1 to {LONGEST_MESSAGE} bytes, and no control characters"
    ))
}

fn message(text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_MESSAGE {
        return Err(format!(
            "a message has at most {LONGEST_MESSAGE} characters"
        ));
    }
    if text
        .chars()
        .any(|character| character.is_control() && character != '\n')
    {
        return Err("a message has no control characters but line breaks".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn figures_that_make_no_sense_are_refused() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for bad in ["-1", "NaN", "inf", "1e9", "fast", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(capacity("none"), Ok(Bound(None)));
        assert_eq!(capacity("7"), Ok(Bound(Some(7))));
        for bad in ["0", "-1", "1.5", "all"] {
            assert!(capacity(bad).is_err(), "{bad}");
        }
        assert!(message(&"x".repeat(501)).is_err());
        assert!(message("bell\u{7}").is_err());
    }
}
