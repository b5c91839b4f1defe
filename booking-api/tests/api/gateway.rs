//! The simulated payment gateway, in this process, with books of its own.

use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A running gateway.
pub(crate) struct TestGateway {
    pub(crate) base: String,
    ledger: PathBuf,
    stop: CancellationToken,
}

impl TestGateway {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let ledger = std::env::temp_dir().join(format!("onsale-ledger-{}", Uuid::new_v4()));
        let (stop, books) = (CancellationToken::new(), ledger.clone());
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            devstack::gateway::serve(listener, &books, stopped)
                .await
                .unwrap();
        });
        Self { base, ledger, stop }
    }

    /// Sets its faults; what is not named is off.
    pub(crate) async fn faults(&self, faults: Value) {
        let client = reqwest::Client::new();
        let answer = client
            .post(format!("{}/v1/faults", self.base))
            .json(&faults)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    pub(crate) async fn no_faults(&self) {
        self.faults(json!({})).await;
    }

    /// All payments, as auditors see them.
    pub(crate) async fn ledger(&self) -> Vec<Value> {
        let page = reqwest::get(format!("{}/v1/ledger?limit=1000", self.base))
            .await
            .unwrap();
        let page: Value = page.json().await.unwrap();
        page["items"].as_array().unwrap().clone()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.stop.cancel();
        // Left behind, it is a file in the folder of temporary files.
        let _ = std::fs::remove_file(&self.ledger);
    }
}
