//! `admitter lottery publish`: writes everything by which anybody can check the draw.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;
use shared::lottery::proof::{Entry, FORMAT, Header};
use shared::lottery::{Digest, Permutation, seed_of, visitor_hash};
use shared::room::{Line, LotteryState};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::output::Output;

pub(super) async fn execute(line: &Line, out: &Path, output: Output) -> anyhow::Result<()> {
    let room = line.room();
    let Some(state) = line.lottery().await? else {
        bail!("{room} has no lottery");
    };
    let header = write_proof(line, &state, out).await?;
    output.done(
        &format!(
            "{} holds the proof of {} joins; check it with: admitter lottery verify {0}",
            out.display(),
            header.joins
        ),
        &json!({"room": room, "joins": header.joins, "size": header.size, "seed": header.seed}),
    );
    Ok(())
}

/// Writes the proof of a draw, whole or not at all. Returns its first line.
pub(in crate::commands) async fn write_proof(
    line: &Line,
    state: &LotteryState,
    out: &Path,
) -> anyhow::Result<Header> {
    let header = header(line, state)?;
    let places = Permutation::new(&header.seed, header.size)
        .with_context(|| format!("{} places cannot be drawn", header.size))?;
    let written = write(line, state, &header, &places, out).await;
    written.with_context(|| format!("cannot write {}", out.display()))?;
    Ok(header)
}

fn header(line: &Line, state: &LotteryState) -> anyhow::Result<Header> {
    let room = line.room();
    let public = &state.public;
    let (Some(seed), Some(size), Some(value)) = (public.seed, public.size, &public.public_value)
    else {
        bail!("{room} is not drawn yet; until then the secret stays one");
    };
    let lost = "redis has lost what the places were drawn by; a proof that was written before still holds (`admitter run --proofs`)";
    let secret = state.secret.context(lost)?;
    if seed_of(&secret, &state.hashed.hash(), size, value) != seed {
        bail!("{lost}");
    }
    Ok(Header {
        format: FORMAT.to_owned(),
        room: room.clone(),
        life: state.life,
        commitment: public.commitment,
        secret: secret.reveal().parse::<Digest>()?,
        public_source: public.public_source.clone(),
        public_value: value.clone(),
        joins: state.hashed.joins(),
        list: state.hashed.hash(),
        list_was_lost: state.list_was_lost,
        seed,
        size,
    })
}

/// Under another name until it is whole. Nothing of it blocks: the daemon lets people in meanwhile.
async fn write(
    line: &Line,
    state: &LotteryState,
    header: &Header,
    places: &Permutation,
    out: &Path,
) -> anyhow::Result<()> {
    let unfinished = out.with_added_extension(format!("{:08x}.part", rand::random::<u32>()));
    let file = File::create(&unfinished).await?;
    let written = write_into(file, line, state, header, places).await;
    let finished = match written {
        Ok(()) => fs::rename(&unfinished, out).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    if finished.is_err() {
        // What failed is what there is to say.
        let _ = fs::remove_file(&unfinished).await;
    }
    finished
}

async fn write_into(
    mut file: File,
    line: &Line,
    state: &LotteryState,
    header: &Header,
    places: &Permutation,
) -> anyhow::Result<()> {
    let first = serde_json::to_string(header)? + "\n";
    file.write_all(first.as_bytes()).await?;
    let mut at = 0;
    while at < header.joins {
        let joins = line.listed_joins(at).await?;
        if joins.is_empty() {
            bail!("the list of joins ends after {at} of {}", header.joins);
        }
        let mut lines = String::new();
        for (number, visitor) in &joins {
            let entry = Entry {
                number: *number,
                place: places.place_of(*number),
                visitor: visitor_hash(line.room(), state.life, visitor),
            };
            writeln!(lines, "{entry}")?;
        }
        file.write_all(lines.as_bytes()).await?;
        at += u64::try_from(joins.len())?;
    }
    // Only this waits for the last write, and tells whether it failed.
    file.flush().await?;
    file.sync_all().await?;
    Ok(())
}
