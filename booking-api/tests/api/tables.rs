//! Layouts that come as tables.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_layout_may_come_as_a_table(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let organiser = api.organiser();
    let path = "/v1/admin/layouts";
    let head = "section,row,number,x,y,tier,accessible\n";
    let table = format!("{head}Hall,A,1,0,0,VIP,\nHall,A,2,1.5,0,VIP,TRUE\nBalcony,B,1,0,9,R,\n");
    let imported = organiser
        .post_table(&format!("{path}?name=Small"), &table)
        .await
        .expect_created();
    assert_eq!(
        (&imported["name"], &imported["seats"], &imported["tiers"]),
        (&json!("Small"), &json!(3), &json!(["R", "VIP"]))
    );
    // The same hall as JSON is the same layout.
    let seat = |number: u32, x: f64, y: f64| json!({"number": number, "x": x, "y": y});
    let mut second = seat(2, 1.5, 0.0);
    second["accessible"] = json!(true);
    let same = json!({"name": "Small", "sections": [
        {"name": "Hall", "tier": "VIP", "rows": [{"name": "A", "seats": [seat(1, 0.0, 0.0), second]}]},
        {"name": "Balcony", "tier": "R", "rows": [{"name": "B", "seats": [seat(1, 0.0, 9.0)]}]}]});
    let again = organiser.post(path, &same).await.expect(200);
    assert_eq!(again["hash"], imported["hash"]);
    for (query, lines, told) in [
        ("", "Hall,A,1,0,0,VIP,\n", "?name="),
        ("?name=X", "Hall,A,one,0,0,VIP,\n", "Line 2"),
        ("?name=X", "Hall,A,1,0,0,VIP,\nHall,A,2,0\n", "Line 3"),
        ("?name=X", "Hall,A,1,0,0,VIP,maybe\n", "accessible"),
        ("?name=X", "Hall,A,1,NaN,0,VIP,\n", "x and y are between"),
        ("?name=X", "Hall,A,1,0,0,VIP,\nHall,A,1,0,0,VIP,\n", "twice"),
        ("?name=X", "", "1 to"),
    ] {
        let problem = organiser
            .post_table(&format!("{path}{query}"), &format!("{head}{lines}"))
            .await
            .expect_problem(400, "invalid-request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{detail}");
    }
}
