//! What another site can make a visitor's browser do.

use reqwest::Method;

use crate::gate::{Gate, expect_problem, text};

#[tokio::test]
async fn another_site_cannot_make_a_browser_give_its_place_up() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let cookie = format!("waiting-{}={token}", gate.line.room());
    let leave = || {
        let request = gate.request(Method::DELETE, "/visitors/me");
        request.header("cookie", &cookie)
    };
    let foreign = [
        leave(),
        leave().header("sec-fetch-site", "cross-site"),
        leave().header("sec-fetch-site", "same-site"),
        leave().header("origin", "https://evil.example"),
        leave().header("origin", "null"),
    ];
    for request in foreign {
        expect_problem(request.send().await.unwrap(), 403, "forbidden").await;
    }
    assert_eq!(gate.poll(&token).await["state"], "waiting");
    let own = leave().header("sec-fetch-site", "same-origin");
    assert_eq!(own.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn no_answer_may_be_read_by_another_sites_scripts() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    for below in ["", "/visitors/me"] {
        let request = gate.request(Method::GET, below).bearer_auth(&token);
        let request = request.header("origin", "https://evil.example");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let allowed = response.headers().get("access-control-allow-origin");
        assert!(allowed.is_none(), "{allowed:?}");
    }
}
