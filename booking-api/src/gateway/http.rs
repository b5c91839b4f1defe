//! The adapter to a payment gateway that speaks HTTP and JSON, as the simulated one does.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, CallError, Cancelled, Operation, PaymentCall, PaymentGateway, StartError};
use crate::settings::{GatewayArgs, Mode};

/// Within it a gateway in the same region is connected to, or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Longest answer that is read; an honest one has some hundred bytes.
const ANSWER_BYTES: usize = 64 * 1024;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A payment gateway by HTTP.
#[derive(Debug)]
pub(super) struct HttpGateway {
    client: Client,
    address: Url,
}

impl HttpGateway {
    pub(super) fn new(settings: &GatewayArgs) -> Result<Self, StartError> {
        let client = Client::builder()
            .timeout(settings.timeout())
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let address = settings.gateway_url.clone();
        if address.cannot_be_a_base() {
            Err(StartError::Address)
        } else {
            Ok(Self { client, address })
        }
    }

    fn post(&self, path: &[&str], body: &Value) -> RequestBuilder {
        let mut address = self.address.clone();
        // Segment by segment, so that a reference of the gateway cannot lead elsewhere.
        let mut segments = address
            .path_segments_mut()
            .expect("checked when it was made");
        segments
            .pop_if_empty()
            .extend(["v1", "payments"])
            .extend(path);
        drop(segments);
        self.client.post(address).json(body)
    }
}

impl PaymentGateway for HttpGateway {
    fn pay(&self, payment: PaymentCall) -> BoxFuture<'static, Result<Answer, CallError>> {
        let mode = match payment.mode {
            Mode::Authorize => "authorize",
            Mode::Charge => "charge",
        };
        let body = json!({
            "amount": payment.amount, "currency": payment.currency, "mode": mode,
            "method": payment.method, "reference": payment.order,
        });
        send(
            self.post(&[], &body)
                .header(IDEMPOTENCY_KEY, payment.payment.to_string()),
        )
        .boxed()
    }

    fn operate(
        &self,
        operation: Operation,
        reference: &str,
        key: String,
    ) -> BoxFuture<'static, Result<Answer, CallError>> {
        let verb = match operation {
            Operation::Capture => "capture",
            Operation::Void => "void",
            Operation::Refund => "refund",
        };
        send(
            self.post(&[reference, verb], &json!({}))
                .header(IDEMPOTENCY_KEY, key),
        )
        .boxed()
    }

    fn cancel(&self, payment: Uuid) -> BoxFuture<'static, Result<Cancelled, CallError>> {
        send(self.post(&["cancel"], &json!({ "key": payment }))).boxed()
    }
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, CallError> {
    let response = request.send().await.map_err(|error| {
        // Only a connection that never stood is certain to have carried nothing.
        if error.is_connect() {
            CallError::NotSent(error)
        } else {
            CallError::NoAnswer(error)
        }
    })?;
    let status = response.status();
    let body = read(response).await?;
    if status.is_success() {
        // Done, but said in a way that we do not understand, is the same as not having heard it.
        return serde_json::from_slice(&body).or(Err(CallError::Failed(status.as_u16())));
    }
    let may_be_done = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    if may_be_done || !status.is_client_error() {
        return Err(CallError::Failed(status.as_u16()));
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let slug = problem["type"]
        .as_str()
        .and_then(|kind| kind.rsplit('/').next())
        .unwrap_or("refused");
    Err(CallError::Refused {
        status: status.as_u16(),
        reason: slug.chars().take(100).collect(),
    })
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(CallError::NoAnswer)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES {
            return Err(CallError::Failed(response.status().as_u16()));
        }
    }
    Ok(body)
}
