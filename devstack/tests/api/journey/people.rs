//! People who speak HTTP: they join, poll, look at seats, hold and pay.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::world::{LONG, ROOM, World};

pub(super) fn http() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().timeout(LONG).build().unwrap()
}

pub(super) struct Person {
    http: Client,
    pub(super) name: String,
    token: String,
    pub(super) waiting_token: String,
    pub(super) admission_token: String,
}

impl Person {
    pub(super) fn new(http: Client, name: &str, token: String) -> Self {
        let name = name.to_owned();
        Self {
            http,
            name,
            token,
            waiting_token: String::new(),
            admission_token: String::new(),
        }
    }

    pub(super) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// Enters the line at one gatekeeper; as people do, again when it is busy just then.
    pub(super) async fn join(&mut self, gatekeeper: &str) -> Value {
        let url = format!("{gatekeeper}/v1/rooms/{ROOM}/visitors");
        let began = Instant::now();
        let response = loop {
            let response = self.request(Method::POST, &url).send().await.unwrap();
            if response.status() != StatusCode::SERVICE_UNAVAILABLE || began.elapsed() > LONG {
                break response;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert!(response.status().is_success(), "{}", response.status());
        let document: Value = response.json().await.unwrap();
        document["token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.waiting_token);
        document
    }

    pub(super) async fn poll(&self, gatekeeper: &str) -> Value {
        let url = format!("{gatekeeper}/v1/rooms/{ROOM}/visitors/me");
        let response = self
            .http
            .get(url)
            .bearer_auth(&self.waiting_token)
            .send()
            .await
            .unwrap();
        expect(response, 200).await
    }

    /// Gives the place up.
    pub(super) async fn leave(&self, gatekeeper: &str) {
        let url = format!("{gatekeeper}/v1/rooms/{ROOM}/visitors/me");
        let request = self.http.delete(url).bearer_auth(&self.waiting_token);
        assert_eq!(request.send().await.unwrap().status(), 204);
    }

    /// Polls until the state is `state`.
    pub(super) async fn poll_until(&mut self, gatekeeper: &str, state: &str) -> Value {
        let began = Instant::now();
        loop {
            let document = self.poll(gatekeeper).await;
            if document["state"] == state {
                if state == "admitted" {
                    document["admission_token"]
                        .as_str()
                        .unwrap()
                        .clone_into(&mut self.admission_token);
                }
                return document;
            }
            assert!(
                began.elapsed() < LONG,
                "{} waits for {state}: {document}",
                self.name
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Through the line, to the admission token.
    pub(super) async fn enter(&mut self, gatekeeper: &str) {
        self.join(gatekeeper).await;
        self.poll_until(gatekeeper, "admitted").await;
    }

    pub(super) async fn seats(&self, world: &World) -> Response {
        let url = format!(
            "{}/v1/performances/{}/seats",
            world.booking_url, world.performance
        );
        self.request(Method::GET, &url)
            .header("admission-token", &self.admission_token)
            .send()
            .await
            .unwrap()
    }

    pub(super) async fn try_hold(&self, world: &World, seats: &[&str]) -> Response {
        let url = format!(
            "{}/v1/performances/{}/holds",
            world.booking_url, world.performance
        );
        let request = self
            .request(Method::POST, &url)
            .header("admission-token", &self.admission_token);
        let request = request.header("idempotency-key", format!("hold-{}", rand::random::<u64>()));
        request
            .json(&json!({ "seats": seats }))
            .send()
            .await
            .unwrap()
    }

    pub(super) async fn hold(&self, world: &World, seats: &[&str]) -> Value {
        expect(self.try_hold(world, seats).await, 201).await
    }

    pub(super) async fn find_hold(&self, world: &World, hold: &Value) -> Value {
        let hold = hold["id"].as_str().unwrap();
        let url = format!("{}/v1/holds/{hold}", world.booking_url);
        expect(self.request(Method::GET, &url).send().await.unwrap(), 200).await
    }

    pub(super) async fn try_pay(&self, world: &World, hold: &Value, card: &str) -> Response {
        let url = format!(
            "{}/v1/holds/{}/payment",
            world.booking_url,
            hold["id"].as_str().unwrap()
        );
        let method = json!({"method": {"kind": "card", "token": card}});
        let request = self.request(Method::POST, &url).json(&method);
        request
            .header("idempotency-key", format!("pay-{}", rand::random::<u64>()))
            .send()
            .await
            .unwrap()
    }

    pub(super) async fn pay(&self, world: &World, hold: &Value) -> Value {
        expect(self.try_pay(world, hold, "tok_ok").await, 201).await
    }

    pub(super) async fn order(&self, world: &World, order: &Value) -> Value {
        let url = format!(
            "{}/v1/orders/{}",
            world.booking_url,
            order["id"].as_str().unwrap()
        );
        expect(self.request(Method::GET, &url).send().await.unwrap(), 200).await
    }
}

/// The body of an answer that must have this status.
pub(super) async fn expect(response: Response, status: u16) -> Value {
    let got = response.status().as_u16();
    let body = response.text().await.unwrap();
    assert_eq!(got, status, "{body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}
