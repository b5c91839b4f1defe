//! `admitter lottery verify`: recomputes a draw from what was published, offline.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};
use shared::lottery::Digest;
use shared::lottery::proof::{Difference, Entry, Findings, Header, verify};
use shared::lottery::visitor_hash;

use crate::cli::VerifyArgs;
use crate::output::Output;

/// Fails when anything differs.
pub(in crate::commands) fn execute(args: &VerifyArgs, output: Output) -> anyhow::Result<ExitCode> {
    let file =
        File::open(&args.file).with_context(|| format!("cannot open {}", args.file.display()))?;
    let mut asked = Vec::new();
    let proof = BufReader::new(file);
    let mut wanted: Option<Digest> = None;
    let findings = verify(proof, |header, entry| {
        let wanted = *wanted.get_or_insert_with(|| wanted_hash(args, header));
        if args.number == Some(entry.number) || (args.visitor.is_some() && entry.visitor == wanted)
        {
            asked.push(*entry);
        }
    })?;
    let altered = altered(args, &findings.header);
    let holds = findings.differences_total == 0 && altered.is_empty();
    let sentence = sentence(args, &findings, &asked, altered);
    output.done(&sentence, &document(&findings, &asked, holds));
    let is_answered = asked.is_empty() == (args.number.is_none() && args.visitor.is_none());
    Ok(if holds && is_answered {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn wanted_hash(args: &VerifyArgs, header: &Header) -> Digest {
    match &args.visitor {
        Some(visitor) => visitor_hash(&header.room, header.life, visitor),
        None => Digest::of(&[]),
    }
}

/// What is not as it was published before the draw.
fn altered(args: &VerifyArgs, header: &Header) -> Vec<String> {
    [
        ("commitment", args.commitment, header.commitment),
        ("hash of the list", args.list, header.list),
    ]
    .into_iter()
    .filter(|(_, told, found)| told.is_some_and(|told| told != *found))
    .map(|(what, _, found)| {
        format!(
            "DIFFERS: the {what} of the proof is {found}, not the one that was published before"
        )
    })
    .collect()
}

fn sentence(
    args: &VerifyArgs,
    findings: &Findings,
    asked: &[Entry],
    altered: Vec<String>,
) -> String {
    let mut lines = altered;
    lines.extend(
        findings
            .differences
            .iter()
            .map(|difference| format!("DIFFERS: {difference}")),
    );
    let told = u64::try_from(findings.differences.len()).unwrap_or(u64::MAX);
    if findings.differences_total > told {
        lines.push(format!("… and {} more", findings.differences_total - told));
    }
    if lines.is_empty() {
        let Header {
            room,
            size,
            commitment,
            list,
            ..
        } = &findings.header;
        lines.push(format!(
            "The draw of {room} holds: {} joins, {size} places, commitment {commitment}, list {list}.",
            findings.joins
        ));
        if args.commitment.is_none() || args.list.is_none() {
            lines.push("Compare commitment and list with those that were published before the draw, or give them: --commitment, --list.".to_owned());
        }
    }
    if findings.header.list_was_lost {
        lines.push(
            "The list was lost before the draw: who came back too late to be listed anew is not in it, and drew a place all the same."
                .to_owned(),
        );
    }
    for entry in asked {
        lines.push(format!(
            "number {} drew place {}",
            entry.number, entry.place
        ));
    }
    if asked.is_empty() && (args.number.is_some() || args.visitor.is_some()) {
        lines.push("Whom you ask for is not in the list.".to_owned());
    }
    lines.join("\n")
}

fn document(findings: &Findings, asked: &[Entry], holds: bool) -> Value {
    let asked: Vec<Value> = asked
        .iter()
        .map(|entry| json!({"number": entry.number, "place": entry.place}))
        .collect();
    json!({
        "holds": holds,
        "room": findings.header.room,
        "joins": findings.joins,
        "size": findings.header.size,
        "list_was_lost": findings.header.list_was_lost,
        "commitment": findings.header.commitment,
        "list": findings.header.list,
        "seed": findings.header.seed,
        "differences": findings.differences.iter().map(Difference::to_string).collect::<Vec<_>>(),
        "differences_total": findings.differences_total,
        "asked": asked,
    })
}
