//! Processes die, stop, and lose Redis while people are under way.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::books::Books;
use super::people::expect;
use super::world::{LONG, Line, ROOM, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gatekeeper_costs_nobody_a_place() {
    let mut world = World::start().await;
    world.admitter(&["pause", ROOM]);
    let mut people: Vec<_> = (0..20)
        .map(|index| world.person(&format!("person-{index}")))
        .collect();
    for person in &mut people {
        person.join(world.gatekeeper(0)).await;
    }
    world.gatekeepers[0].0.kill().unwrap();
    for (index, person) in (1..).zip(&mut people) {
        let began = Instant::now();
        loop {
            let document = person.poll(world.gatekeeper(1)).await;
            if document["position"] == index {
                break;
            }
            assert!(began.elapsed() < LONG, "{document}");
        }
        assert_eq!(
            person.join(world.gatekeeper(1)).await["number"],
            index,
            "the same number again"
        );
    }
    world.gatekeepers[0].0.restart().await.unwrap();
    assert_eq!(people[19].join(world.gatekeeper(0)).await["number"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_admitter_changes_nothing_and_with_none_people_wait() {
    let mut world = World::start().await;
    let mut people: Vec<_> = (0..150)
        .map(|index| world.person(&format!("person-{index}")))
        .collect();
    world.admitters[0].kill().unwrap();
    for person in &mut people {
        person.join(world.gatekeeper(0)).await;
    }
    let admitted_total = || {
        world.admitter(&["status", ROOM])["admitted_total"]
            .as_u64()
            .unwrap()
    };
    let began = Instant::now();
    while admitted_total() < 20 {
        assert!(began.elapsed() < LONG, "the other admitter does not go on");
    }
    world.admitters[1].kill().unwrap();
    let status = world.admitter(&["status", ROOM]);
    world.admitter(&["rate", ROOM, "10"]);
    let mut last = world.person("last");
    assert_eq!(last.join(world.gatekeeper(1)).await["state"], "waiting");
    assert_eq!(
        last.poll(world.gatekeeper(1)).await["state"],
        "waiting",
        "polls go on"
    );
    let later = world.admitter(&["status", ROOM]);
    assert_eq!(
        later["admitted_total"], status["admitted_total"],
        "nobody is let in without an admitter"
    );
    world.admitter(&["rate", ROOM, "100"]);
    world.admitters[1].restart().await.unwrap();
    last.poll_until(world.gatekeeper(1), "admitted").await;
    // Everybody in front of the last one is in by now, too, in order.
    let mut before: Option<jiff::Timestamp> = None;
    for person in &mut people {
        let document = person.poll_until(world.gatekeeper(0), "admitted").await;
        let at: jiff::Timestamp = document["admitted_at"].as_str().unwrap().parse().unwrap();
        assert!(
            before.is_none_or(|before| before <= at),
            "{} was let in before the one in front",
            person.name
        );
        before = Some(at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_requests_in_flight_finish() {
    let mut world = World::start().await;
    let mut ada = world.person("ada");
    ada.enter(world.gatekeeper(0)).await;
    let hold = ada.hold(&world, &["B-1"]).await;

    // The gatekeeper, in the middle of a join.
    let address = world.gatekeeper(0).trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = world
        .person("bob")
        .request(reqwest::Method::POST, "http://x/")
        .build()
        .unwrap();
    let bearer = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let head = format!(
        "POST /v1/rooms/{ROOM}/visitors HTTP/1.1\r\nhost: x\r\nauthorization: {bearer}\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Said when the head has been read and the body is waited for.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{").await.unwrap();
    world.gatekeepers[0].0.terminate().unwrap();
    let began = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(began.elapsed() < LONG, "it goes on accepting");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let ended = world.gatekeepers[0]
        .0
        .until_ended(LONG)
        .await
        .expect("it ends");
    assert!(ended.success(), "{ended}");

    // The shop, in the middle of a payment that takes two seconds.
    let (paid, ()) = tokio::join!(ada.try_pay(&world, &hold, "tok_slow"), async {
        while ada.find_hold(&world, &hold).await["state"] != "PAYING" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let pid = nix::unistd::Pid::from_raw(i32::try_from(world.booking.pid()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    });
    let order = expect(paid, 201).await;
    assert_eq!(order["state"], "CONFIRMED");
    let ended = world.booking.until_ended(LONG).await.expect("it ends");
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_gone_and_back_nobody_loses_anything() {
    let mut world = World::start().await;
    let mut ada = world.person("ada");
    ada.enter(world.gatekeeper(0)).await;
    world.admitter(&["pause", ROOM]);
    let mut bob = world.person("bob");
    bob.join(world.gatekeeper(1)).await;
    let Line::Server(redis) = &mut world.line else {
        panic!("a single server")
    };
    redis.kill().unwrap();

    // The shop goes on: the token decides, and PostgreSQL.
    let hold = ada.hold(&world, &["C-1", "C-2"]).await;
    let order = ada.pay(&world, &hold).await;
    assert_eq!(order["state"], "CONFIRMED");
    let began = Instant::now();
    loop {
        let document = bob.poll(world.gatekeeper(1)).await;
        assert_eq!(
            (&document["state"], &document["position"]),
            (&json!("waiting"), &json!(1))
        );
        if document["stale"] == true {
            break;
        }
        assert!(began.elapsed() < LONG, "never stale");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let Line::Server(redis) = &mut world.line else {
        panic!("a single server")
    };
    redis.restart().unwrap();
    let began = Instant::now();
    while bob.poll(world.gatekeeper(1)).await["stale"] == true {
        assert!(began.elapsed() < LONG, "stale for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        world.admitter(&["status", ROOM])["state"],
        "paused",
        "a pause stays a pause"
    );
    world.admitter(&["resume", ROOM]);
    let admitted = bob.poll_until(world.gatekeeper(0), "admitted").await;
    assert_eq!(admitted["number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_outlives_the_shop_and_postgresql() {
    let mut world = World::with_own_books().await;
    let mut bought = Vec::new();
    for seat in 1..=10 {
        let mut buyer = world.person(&format!("buyer-{seat}"));
        buyer.enter(world.gatekeeper(0)).await;
        let hold = buyer.hold(&world, &[&format!("A-{seat}")]).await;
        bought.push((buyer, hold));
    }
    let mut orders = Vec::new();
    for (buyer, hold) in &bought {
        orders.push(buyer.pay(&world, hold).await);
    }
    // At once after the last answer: what was not written by then is gone.
    let Books::Own { primary, .. } = &mut world.books else {
        panic!("servers of its own")
    };
    primary.kill().unwrap();
    world.booking.kill().unwrap();
    primary.restart().unwrap();
    world.booking.restart().await.unwrap();

    for ((buyer, _), order) in bought.iter().zip(&orders) {
        let found = buyer.order(&world, order).await;
        assert_eq!(
            (&found["state"], &found["seats"]),
            (&json!("CONFIRMED"), &order["seats"])
        );
    }
    // Captures that were on their way arrive, once each.
    let began = Instant::now();
    let captured = loop {
        let ledger = world.ledger().await;
        let captured: Vec<_> = ledger
            .iter()
            .filter_map(|payment| payment["captured"].as_i64())
            .filter(|captured| *captured > 0)
            .collect();
        if captured.len() == orders.len() {
            break captured;
        }
        assert!(began.elapsed() < LONG, "captures are missing: {ledger:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(captured, vec![110_000; orders.len()]);
}
