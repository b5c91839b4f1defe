//! Waiting until the books can be compared: captures follow orders by a moment.

use std::time::Duration;

use tokio::time::Instant;

use super::{AuditDatabase, Books, Ledger};

const PAUSE: Duration = Duration::from_millis(500);

/// Reads the books until nothing of this run is on its way, or until the patience is over; then the
/// last reading is what will be judged.
pub(crate) async fn wait_until_quiet(
    database: &AuditDatabase,
    ledger: &Ledger,
    performance: &str,
    buyer_prefix: &str,
    patience: Duration,
) -> anyhow::Result<Books> {
    let deadline = Instant::now() + patience;
    loop {
        let mut books = Books {
            orders: database.orders_of(buyer_prefix).await?,
            payments: ledger.new_payments().await?,
            ..Books::default()
        };
        let keys: Vec<&str> = books
            .payments
            .iter()
            .map(|item| item.key.as_str())
            .collect();
        books.paid_orders = database.orders_paid_by(&keys).await?;
        books.quiet = books.is_settled();
        if books.quiet || Instant::now() >= deadline {
            books.sold = database.sold(performance).await?;
            return Ok(books);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
