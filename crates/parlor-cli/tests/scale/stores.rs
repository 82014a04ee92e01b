//! Limits over two nodes, and stores that are killed and started again under load.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::{Came, Load, ask, is_away};
use crate::node::{Site, question, until};

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_keep_one_limit_exactly() {
    let Some(site) = Site::start("").await else {
        return;
    };
    let clients = site.clients(site.key("team", &["--rpm", "40"]));
    let mut tasks = JoinSet::new();
    for at in 0..120 {
        let client = clients[at % 2].clone();
        tasks.spawn(async move { ask(&client).await });
    }
    let came = tasks.join_all().await;
    let count = |status| came.iter().filter(|it| it.status() == status).count();
    assert_eq!((count(200), count(429)), (40, 80), "{came:?}");
    let refused = came.iter().filter(|it| it.status() == 429);
    for came in refused {
        assert!(
            matches!(
                came,
                Came::Answer {
                    has_retry_after: true,
                    ..
                }
            ),
            "{came:?}"
        );
    }
    // What is reserved too much is given back: the budget is used up, and not passed.
    let clients = site.clients(site.key("poor", &["--budget", "4000 tokens/day"]));
    let load = Load::start(&clients, 4);
    load.more("refusals", 40, |it| it.status() == 429).await;
    let came = load.end().await;
    let answered = came.iter().filter(|it| it.status() == 200).count();
    let answered = AtomicUsize::new(answered);
    let used_up = || async {
        let is_answered = ask(&clients[0]).await.status() == 200;
        let before = answered.fetch_add(usize::from(is_answered), Ordering::Relaxed);
        50 * before > 4000 - 150
    };
    until("it is used up", &used_up).await;
    for _ in 0..5 {
        used_up().await;
    }
    let answered = answered.into_inner();
    assert!(50 * answered <= 4000, "{answered}");
    let written = || async {
        let usage = clients[0].get("/api/usage?by=key").await;
        let row = &usage["rows"][0];
        let count = |name: &str| row[name].as_u64().unwrap_or(0);
        count("requests") - count("failed") == answered as u64
    };
    until("usage is written", written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_started_again_under_load() {
    let Some(mut site) = Site::start("").await else {
        return;
    };
    let limited = site.clients(site.key("limited", &["--rpm", "1000000"]));
    let free = site.clients(site.key("free", &[]));
    let (with, without) = (Load::start(&limited, 3), Load::start(&free, 1));
    for _ in 0..2 {
        with.more("answers", 20, |it| it.status() == 200).await;
        site.redis.kill().await;
        with.more("refusals", 10, |it| it.status() == 503).await;
        without
            .more("answers meanwhile", 10, |it| it.status() == 200)
            .await;
        let (status, ready) = free[0].ask("GET", "/readyz", &Value::Null).await;
        assert_eq!(status, 503, "{ready}");
        site.redis.restart().await;
        with.more("answers again", 20, |it| it.status() == 200)
            .await;
    }
    for came in with.end().await {
        match came.status() {
            200 => {}
            _ => is_away(&came),
        }
    }
    for came in without.end().await {
        assert_eq!(came.status(), 200, "{came:?}");
    }
    // One that was started again unseen costs nobody an answer.
    site.redis.kill().await;
    site.redis.restart().await;
    for client in &limited {
        assert_eq!(ask(client).await.status(), 200);
        assert_eq!(client.ask("GET", "/readyz", &Value::Null).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_and_started_again_under_load() {
    let Some(site) = Site::start("").await else {
        return;
    };
    let known = site.clients(site.key("known", &[]));
    let unknown = site.clients(site.key("unknown", &[]));
    let load = Load::start(&known, 3);
    load.more("answers", 20, |it| it.status() == 200).await;
    site.postgres.kill();
    load.more("answers meanwhile", 20, |it| it.status() == 200)
        .await;
    for (known, unknown) in known.iter().zip(&unknown) {
        // Nobody knows whether this key is right: that isn't said to be wrong.
        is_away(&ask(unknown).await);
        let new = known.open("POST", "/api/conversations", "{}", &[]).await;
        assert_eq!(
            (new.status, new.header("retry-after").is_some()),
            (503, true)
        );
        assert_eq!(known.ask("GET", "/readyz", &Value::Null).await.0, 503);
    }
    let waiting = Load::start(&unknown, 1);
    waiting.more("refusals", 4, |it| it.status() == 503).await;
    site.postgres.restart();
    waiting
        .more("answers again", 10, |it| it.status() == 200)
        .await;
    for (known, unknown) in known.iter().zip(&unknown) {
        assert_eq!(unknown.post("/v1/messages", &question()).await.0, 200);
        let ready = || async { known.ask("GET", "/readyz", &Value::Null).await.0 == 200 };
        until("it is ready", ready).await;
        let new = json!({ "model": "anthropic/behind" });
        assert_eq!(known.post("/api/conversations", &new).await.0, 201);
    }
    for came in waiting.end().await {
        match came.status() {
            200 => {}
            _ => is_away(&came),
        }
    }
    let came = load.end().await;
    assert!(came.iter().all(|it| it.status() == 200), "{came:?}");
    // Each is written down once, those of meanwhile too.
    let written = || async {
        let usage = known[0].get("/api/usage?by=key").await;
        let requests = usage["rows"][0]["requests"].as_u64().unwrap_or(0);
        assert!(requests <= came.len() as u64, "{usage}");
        requests == came.len() as u64
    };
    until("all is written", written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_go_on_from_is_known_at_the_other_node_and_after_a_restart() {
    let Some(mut site) = Site::start("").await else {
        return;
    };
    let [one, other] = site.nodes.each_ref().map(|it| it.client.clone());
    let ask = |previous: Option<&str>| {
        json!({
            "model": "anthropic/behind", "input": "How are you?", "previous_response_id": previous,
        })
    };
    let (status, first) = one.post("/v1/responses", &ask(None)).await;
    assert_eq!(status, 200, "{first}");
    // At once, though it is written down beside the answer.
    let (status, second) = other
        .post("/v1/responses", &ask(first["id"].as_str()))
        .await;
    assert_eq!(status, 200, "{second}");
    let id = second["id"].as_str().unwrap();
    for node in 0..2 {
        site.restart(node).await;
    }
    let restarted = &site.nodes[0].client;
    let items = format!("/v1/responses/{id}/input_items?order=asc");
    let items = restarted.get(&items).await;
    assert_eq!(items["data"].as_array().unwrap().len(), 3, "{items}");
    let (status, third) = restarted.post("/v1/responses", &ask(Some(id))).await;
    assert_eq!(status, 200, "{third}");
    let unknown = ask(Some("resp_unknown"));
    let (status, refused) = restarted.post("/v1/responses", &unknown).await;
    let told = json!({ "error": {
        "message": "Previous response with id 'resp_unknown' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    } });
    assert_eq!((status, refused), (400, told));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_count_and_keep_together() {
    let layers = "[layers.rate_limit]\nrequests_per_minute = 10\non_limit = \"refuse\"\n\
                  [layers.cache]\nttl = \"1h\"\n";
    let Some(mut site) = Site::start(layers).await else {
        return;
    };
    let clients = site.nodes.each_ref().map(|it| it.client.clone());
    let question = |about: usize| {
        json!({
            "model": "anthropic/behind", "max_tokens": 100, "temperature": 0.0,
            "messages": [{ "role": "user", "content": format!("What is {about}?") }],
        })
    };
    let mut tasks = JoinSet::new();
    for at in 0..30 {
        let client = clients[at % 2].clone();
        tasks.spawn(async move { (at, client.post("/v1/messages", &question(at)).await.0) });
    }
    let came = tasks.join_all().await;
    let answered: Vec<usize> = came
        .iter()
        .filter(|it| it.1 == 200)
        .map(|it| it.0)
        .collect();
    assert_eq!(answered.len(), 10, "{came:?}");
    assert!(came.iter().all(|it| matches!(it.1, 200 | 429)), "{came:?}");
    // What one node answered is given again by the other, and after a restart.
    for node in 0..2 {
        site.restart(node).await;
    }
    for at in answered {
        for node in &site.nodes {
            let again = node.client.post("/v1/messages", &question(at)).await;
            assert_eq!(again.0, 200, "{again:?}");
        }
    }
    site.redis.kill().await;
    let client = &site.nodes[0].client;
    let body = question(1000).to_string();
    let refused = client.open("POST", "/v1/messages", &body, &[]).await;
    assert_eq!(
        (refused.status, refused.header("retry-after").is_some()),
        (503, true)
    );
}
