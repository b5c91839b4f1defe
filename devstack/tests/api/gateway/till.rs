//! A shop's till: speaks to a gateway of its own, and can crash it.

use std::path::PathBuf;

use devstack::gateway::serve;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::task::TaskTracker;

use crate::folder::Folder;

pub(crate) struct Till {
    _folder: Folder,
    ledger: PathBuf,
    client: Client,
    base: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// An answer: its status and its document.
pub(crate) type Answer = (StatusCode, Value);

impl Till {
    pub(crate) async fn open() -> Self {
        let folder = Folder::new();
        let ledger = folder.join("ledger.jsonl");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let (base, stop, serving) = start(ledger.clone()).await;
        Self {
            _folder: folder,
            ledger,
            client,
            base,
            stop: Some(stop),
            serving,
        }
    }

    /// Ends the gateway and starts another one with the same ledger.
    pub(crate) async fn restart_gateway(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.serving).await.unwrap();
        let (base, stop, serving) = start(self.ledger.clone()).await;
        (self.base, self.stop, self.serving) = (base, Some(stop), serving);
    }

    pub(crate) fn ledger(&self) -> &PathBuf {
        &self.ledger
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(self.client.get(format!("{}{path}", self.base)))
            .await
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        self.try_post(path, key, body)
            .await
            .expect("the gateway answers")
    }

    /// None when no answer came.
    pub(crate) async fn try_post(
        &self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Option<Answer> {
        let mut request = self.client.post(format!("{}{path}", self.base)).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        read(request).await
    }

    /// An authorization of 1,000 won.
    pub(crate) async fn authorize(&self, key: &str, token: &str) -> Answer {
        self.post("/v1/payments", Some(key), &order("authorize", token))
            .await
    }

    /// An authorization that worked: the gateway's reference.
    pub(crate) async fn authorized(&self, key: &str) -> String {
        let (status, document) = self.authorize(key, "tok_ok").await;
        assert_eq!(status, StatusCode::OK, "{document}");
        assert_eq!(document["state"], "AUTHORIZED");
        document["payment"].as_str().unwrap().to_owned()
    }

    /// `capture`, `void` or `refund`.
    pub(crate) async fn operate(&self, payment: &str, what: &str, key: &str) -> Answer {
        self.post(
            &format!("/v1/payments/{payment}/{what}"),
            Some(key),
            &json!({}),
        )
        .await
    }

    /// The line of the books for a payment.
    pub(crate) async fn ledger_item(&self, key: &str) -> Value {
        let (_, page) = self.get("/v1/ledger").await;
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["key"] == key)
            .unwrap()
            .clone()
    }
}

pub(crate) fn order(mode: &str, token: &str) -> Value {
    json!({"amount": 1_000, "currency": "KRW", "mode": mode, "reference": "order-1",
           "method": {"kind": "card", "token": token}})
}

async fn read(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let status = response.status();
    if !status.is_success() {
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json");
    }
    Some((status, response.json().await.ok()?))
}

async fn start(ledger: PathBuf) -> (String, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let gateways = TaskTracker::new();
    let serving = async move {
        let stopped = async move { stopped.await.unwrap_or_default() };
        serve(listener, &ledger, stopped).await.unwrap();
    };
    (base, stop, gateways.spawn(serving))
}
