//! The OpenAPI document says what there is.

use serde_json::Value;
use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_openapi_document_lists_every_route(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let document = api.get("/openapi.json").await.expect(200);
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let mut routes: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
        {
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    routes.sort();
    insta::assert_json_snapshot!(routes, @r#"
    [
      "DELETE /v1/admin/performances/{id}",
      "DELETE /v1/holds/{id}",
      "DELETE /v1/sessions/current",
      "GET /v1/admin/performances/{id}/statistics",
      "GET /v1/concerts",
      "GET /v1/concerts/{id}",
      "GET /v1/holds/{id}",
      "GET /v1/layouts/{hash}",
      "GET /v1/orders",
      "GET /v1/orders/{id}",
      "GET /v1/performances/{id}",
      "GET /v1/performances/{id}/seats",
      "PATCH /v1/admin/concerts/{id}",
      "PATCH /v1/admin/performances/{id}",
      "POST /v1/admin/concerts",
      "POST /v1/admin/layouts",
      "POST /v1/admin/performances",
      "POST /v1/holds/{id}/extension",
      "POST /v1/holds/{id}/payment",
      "POST /v1/performances/{id}/holds",
      "POST /v1/sessions",
      "POST /v1/users"
    ]
    "#);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let unresolved = references(&document)
        .into_iter()
        .find(|name| !schemas.contains_key(name));
    assert_eq!(unresolved, None);
}

/// The names of all schemas that are referred to.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own
                .and_then(|reference| reference.strip_prefix("#/components/schemas/"))
                .map(str::to_owned);
            own.into_iter()
                .chain(members.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
