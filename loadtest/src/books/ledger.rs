//! The ledger of the payment gateway: `GET {gateway}/v1/ledger`.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use http::Request;
use serde::Deserialize;

use crate::client::{Client, Service};

/// Items asked for at once, and most pages read: half a million payments.
const PAGE_ITEMS: usize = 500;
const PAGES_MAX: usize = 1_000;
const PAGE_BYTES_MAX: usize = 1 << 20;

/// One payment, as the gateway keeps it, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LedgerItem {
    /// The id of the payment at its sender.
    pub key: String,
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
    pub voided: i64,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<LedgerItem>,
    next_cursor: Option<serde_json::Value>,
}

/// Reads the ledger; knows which payments are older than the run.
pub(crate) struct Ledger {
    gateway: Arc<Service>,
    older: HashSet<String>,
}

impl LedgerItem {
    /// The buyer's money is blocked, and neither taken nor given free.
    pub(crate) fn is_open(&self) -> bool {
        self.captured + self.voided < self.authorized
    }

    /// What the shop has, in the end.
    pub(crate) fn kept(&self) -> i64 {
        self.captured - self.refunded
    }
}

impl Ledger {
    /// Remembers what is in the ledger now, before the run.
    pub(crate) async fn open(gateway: Arc<Service>) -> anyhow::Result<Self> {
        let older = read_all(&gateway)
            .await?
            .into_iter()
            .map(|item| item.key)
            .collect();
        Ok(Self { gateway, older })
    }

    /// Every payment that has come since.
    pub(crate) async fn new_payments(&self) -> anyhow::Result<Vec<LedgerItem>> {
        let all = read_all(&self.gateway).await?;
        Ok(all
            .into_iter()
            .filter(|item| !self.older.contains(&item.key))
            .collect())
    }
}

async fn read_all(gateway: &Arc<Service>) -> anyhow::Result<Vec<LedgerItem>> {
    let mut client = Client::new(gateway);
    let mut items = Vec::new();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let path = format!("/v1/ledger?limit={PAGE_ITEMS}{cursor}");
        let request = Request::get(path).body(http_body_util::Full::default())?;
        let answer = client
            .send(request, PAGE_BYTES_MAX)
            .await
            .context("cannot read the ledger")?;
        let page: Page = answer.json().with_context(|| {
            format!(
                "the payment gateway answered its ledger with {}",
                answer.status
            )
        })?;
        items.extend(page.items);
        cursor = match page.next_cursor {
            None | Some(serde_json::Value::Null) => return Ok(items),
            Some(serde_json::Value::String(next)) => format!("&cursor={next}"),
            Some(next) => format!("&cursor={next}"),
        };
    }
    bail!(
        "the ledger has more than {} payments",
        PAGE_ITEMS * PAGES_MAX
    )
}
