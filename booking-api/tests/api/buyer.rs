//! Somebody who uses the API.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::Answer;
use crate::test_api::TestApi;

/// A user, with or without an admission.
#[derive(Clone)]
pub(crate) struct Buyer<'a> {
    pub(crate) api: &'a TestApi,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) admission: Option<String>,
}

impl<'a> Buyer<'a> {
    /// The same user, let into the room once more: a confirmed order ends an admission.
    pub(crate) fn admitted_again(&self) -> Buyer<'a> {
        Buyer {
            admission: Some(self.api.admission_token(&self.api.admission(&self.id))),
            ..self.clone()
        }
    }

    /// The same user without an admission.
    pub(crate) fn without_admission(&self) -> Buyer<'a> {
        Buyer {
            admission: None,
            ..self.clone()
        }
    }

    /// A request with this user's tokens.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.api.request(method, path).bearer_auth(&self.token);
        match &self.admission {
            Some(admission) => request.header("Admission-Token", admission),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::read(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post_table(&self, path: &str, table: &str) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "text/csv; charset=utf-8")
            .body(table.to_owned());
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::PATCH, path).json(body);
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    /// A POST under an idempotency key.
    pub(crate) async fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key)
            .json(body);
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) fn holds(&self) -> String {
        format!("/v1/performances/{}/holds", self.api.performance)
    }

    /// Holds seats, under a key that is used once.
    pub(crate) async fn hold<const N: usize>(&self, seats: [&str; N]) -> Answer {
        let body = json!({"seats": seats.to_vec()});
        self.post_as(&Uuid::new_v4().to_string(), &self.holds(), &body)
            .await
    }

    /// Holds seats that are free; the id of the hold.
    pub(crate) async fn held<const N: usize>(&self, seats: [&str; N]) -> String {
        self.hold(seats).await.expect_created()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Pays for a hold by a card, under a key that is used once.
    pub(crate) async fn pay(&self, hold: &str, card: &str) -> Answer {
        self.pay_as(&Uuid::new_v4().to_string(), hold, card).await
    }

    pub(crate) async fn pay_as(&self, key: &str, hold: &str, card: &str) -> Answer {
        let body = json!({"method": {"kind": "card", "token": card}});
        self.post_as(key, &format!("/v1/holds/{hold}/payment"), &body)
            .await
    }

    /// The state of one's own order.
    pub(crate) async fn order_state(&self, order: &str) -> String {
        let order = self.get(&format!("/v1/orders/{order}")).await.expect(200);
        order["state"].as_str().unwrap().to_owned()
    }

    /// How a seat looks on the map.
    pub(crate) async fn seat(&self, name: &str) -> String {
        let seats = self
            .get(&format!("/v1/performances/{}/seats", self.api.performance))
            .await
            .expect(200);
        let seats = seats["seats"].as_array().unwrap().clone();
        let seat = seats.iter().find(|seat| seat["seat"] == name).unwrap();
        seat["status"].as_str().unwrap().to_owned()
    }
}
