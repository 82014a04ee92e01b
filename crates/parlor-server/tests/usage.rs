//! What an operator looks at: usage over time, requests as they end, and how everything fares.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;
mod talk;

use axum::body::Body;
use common::{Site, site, words};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use parlor::{ChatRequest, ErrorKind};
use parlor_server::{ServerConfig, Service};
use parlor_store::{KeyTerms, Store};
use parlor_testkit::Script;
use serde_json::{Value, json};
use talk::Talk;
use talk::client::{Client, Opened};

const CHAT: &str = "/v1/chat/completions";

impl Site {
    async fn key(&self, name: &str) -> &'static str {
        let (_, key) = self
            .store
            .add_service_key(name, KeyTerms::default())
            .await
            .unwrap();
        Box::leak(key.expose().to_owned().into_boxed_str())
    }

    fn client(&self, key: &'static str) -> Client {
        let host = self.gateway.url.trim_start_matches("http://").to_owned();
        let key = Some(key);
        Client { host, key }
    }

    async fn ask(&self, key: &str, model: &str, text: &str) -> u16 {
        let headers = [("x-api-key", key)];
        let (status, _) = self
            .gateway
            .post_with(CHAT, &question(model, text), &headers)
            .await;
        status
    }
}

fn question(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

/// Fails where it is told to.
fn as_told(request: &ChatRequest) -> Script {
    match request.messages[0].text().as_str() {
        "fail" => Script::refuses(parlor::Error::new(ErrorKind::Overloaded, "no").with_status(503)),
        _ => Script::text("Fine."),
    }
}

fn number(of: &Value) -> u64 {
    of.as_u64().unwrap()
}

/// The sum of a figure over all points of a group.
fn over_points(group: &Value, figure: &str) -> u64 {
    let points = group["points"].as_array().unwrap();
    points.iter().map(|it| number(&it[figure])).sum()
}

#[tokio::test]
async fn spans_add_up_to_groups_and_groups_to_everything() {
    let site = site(as_told).await;
    let team = site.key("team").await;
    for (key, model, text, status) in [
        (team, "openai-chat/behind", "Hi", 200),
        (team, "openai-chat/behind", "Hi", 200),
        (team, "anthropic/behind", "fail", 503),
        ("operator", "anthropic/behind", "Hi", 200),
        ("operator", "echo/echo", "Hi", 200),
    ] {
        assert_eq!(site.ask(key, model, text).await, status, "{model}");
    }
    site.writer.flushed().await;
    let operator = site.client("operator");
    for range in ["hour", "day", "week", "month"] {
        for (by, count) in [("model", 3), ("provider", 3), ("key", 2)] {
            let path = format!("/api/usage/series?range={range}&by={by}");
            let told = operator.get(&path).await;
            let groups = told["groups"].as_array().unwrap();
            assert_eq!(groups.len(), count, "{path}: {told}");
            for figure in ["requests", "failed", "left", "estimated"] {
                let of_groups: u64 = groups.iter().map(|it| number(&it["sum"][figure])).sum();
                let of_points: u64 = groups.iter().map(|it| over_points(it, figure)).sum();
                let all = number(&told["sum"][figure]);
                assert_eq!((of_groups, of_points), (all, all), "{path} {figure}");
            }
            let tokens = |it: &Value| it["usage"]["input_tokens"].as_u64().unwrap_or(0);
            let of_groups: u64 = groups.iter().map(|it| tokens(&it["sum"])).sum();
            assert_eq!(of_groups, tokens(&told["sum"]), "{path}");
            let sum = &told["sum"];
            assert_eq!((number(&sum["requests"]), number(&sum["failed"])), (5, 1));
            let timed = |it: &Value| it["times"]["answers"].as_u64().unwrap_or(0);
            let of_groups: u64 = groups.iter().map(timed).sum();
            assert_eq!((of_groups, timed(&told)), (4, 4), "{path}: {told}");
            let times = &told["times"]["total_ms"];
            assert!(times["median"].as_f64().unwrap() <= times["p95"].as_f64().unwrap());
            let (since, every) = (told["since_ms"].as_i64(), told["every_ms"].as_i64());
            for point in groups
                .iter()
                .flat_map(|it| it["points"].as_array().unwrap())
            {
                let after = point["at_ms"].as_i64().unwrap() - since.unwrap();
                assert!(after >= 0 && after % every.unwrap() == 0, "{path}: {point}");
            }
        }
    }
    let told = operator.get("/api/usage/series").await;
    let groups = told["groups"].as_array().unwrap();
    let failing = groups.iter().find(|it| it["provider"] == "anthropic");
    let outcomes = &failing.unwrap()["outcomes"];
    assert_eq!(outcomes, &json!({ "completed": 1, "overloaded": 1 }));
    assert_eq!(groups[0]["model"], "behind");

    // Who holds a key sees that key alone.
    let mine = site.client(team).get("/api/usage/series?by=key").await;
    assert_eq!(number(&mine["sum"]["requests"]), 3, "{mine}");
    assert_eq!(mine["groups"][0]["key"], "team");
    assert_eq!(mine["groups"][1], Value::Null);
    let other = site.key("other").await;
    let nothing = site.client(other).get("/api/usage/series").await;
    assert_eq!(
        (&nothing["groups"], &nothing["times"]),
        (&json!([]), &Value::Null)
    );
    for path in [
        "/api/usage/series?range=year",
        "/api/usage/series?by=colour",
    ] {
        assert_eq!(
            operator.ask("GET", path, &Value::Null).await.0,
            400,
            "{path}"
        );
    }
}

#[tokio::test]
async fn those_who_asked_least_are_told_together() {
    let site = site(words).await;
    for number in 0..30 {
        let model = format!("openai-chat/model-{number}");
        // Who fails is counted, too.
        assert_eq!(site.ask("operator", &model, "Hi").await, 404);
    }
    assert_eq!(
        site.ask("operator", "openai-chat/model-29", "Hi").await,
        404
    );
    site.writer.flushed().await;
    let told = site.client("operator").get("/api/usage/series").await;
    let groups = told["groups"].as_array().unwrap();
    assert_eq!(
        (groups.len(), &groups[0]["model"]),
        (25, &json!("model-29"))
    );
    let last = &groups[24];
    assert_eq!(
        (&last["others"], number(&last["sum"]["requests"])),
        (&json!(6), 6)
    );
    assert_eq!(over_points(last, "requests"), 6);
    assert_eq!(number(&told["sum"]["requests"]), 31);
}

/// The next request that is told of: its id as an event, and what is said of it.
async fn next(tail: &mut Opened) -> (String, Value) {
    let event = tail.event().await.unwrap();
    assert_eq!(event.name, "request", "{event:?}");
    (event.id, event.data)
}

async fn tail(client: &Client, query: &str, after: &str) -> Opened {
    let headers: &[(&str, &str)] = match after {
        "" => &[],
        after => &[("last-event-id", after)],
    };
    let path = format!("/api/requests{query}");
    let opened = client.open("GET", &path, "", headers).await;
    assert_eq!(opened.status, 200);
    assert_eq!(opened.header("content-type"), Some("text/event-stream"));
    opened
}

#[tokio::test]
async fn requests_are_told_as_they_end_and_in_their_order() {
    let site = site(as_told).await;
    let team = site.key("team").await;
    let operator = site.client("operator");
    let model = "openai-chat/behind";
    site.ask("operator", "anthropic/behind", "Hi").await;
    let mut all = tail(&operator, "", "").await;
    let mut mine = tail(&site.client(team), "", "").await;
    let (_, first) = next(&mut all).await;
    assert_eq!(
        (&first["key"], &first["model"]),
        (&json!("configured/1"), &json!("behind"))
    );
    assert_eq!(site.ask(team, model, "a canary").await, 200);
    assert_eq!(site.ask("operator", model, "fail").await, 503);
    assert_eq!(site.ask(team, model, "Hi").await, 200);
    let (id, second) = next(&mut all).await;
    let (_, third) = next(&mut all).await;
    let (_, fourth) = next(&mut all).await;
    let about = |it: &Value| {
        (
            it["key"].clone(),
            it["outcome"].clone(),
            it["status"].clone(),
        )
    };
    assert_eq!(
        about(&second),
        (json!("team"), json!("completed"), json!(200))
    );
    assert_eq!(
        about(&third),
        (json!("configured/1"), json!("overloaded"), json!(503))
    );
    assert_eq!(about(&fourth).0, "team");
    assert_eq!(
        (&second["dialect"], &second["asked"]),
        (&json!("openai-chat"), &json!(model))
    );
    assert!(second["total_ms"].as_f64().unwrap() >= second["first_event_ms"].as_f64().unwrap());
    // Nothing is told of what was said.
    for seen in [&first, &second, &third, &fourth] {
        let text = seen.to_string();
        assert!(!text.contains("canary") && !text.contains("Fine"), "{text}");
    }
    // Who holds a key is told of what was asked with it.
    let (_, one) = next(&mut mine).await;
    let (_, other) = next(&mut mine).await;
    assert_eq!((&one["id"], &other["id"]), (&second["id"], &fourth["id"]));

    // One that comes again goes on where it was; of another process's numbers it knows nothing.
    let (_, again) = next(&mut tail(&operator, "?recent=0", &id).await).await;
    assert_eq!(again["id"], third["id"]);
    let (_, last) = next(&mut tail(&operator, "?recent=1", "ffffffff-1").await).await;
    assert_eq!(last["id"], fourth["id"]);
    let path = format!("?last_event_id={id}");
    let (_, again) = next(&mut tail(&operator, &path, "").await).await;
    assert_eq!(again["id"], third["id"]);
    assert_eq!(
        operator
            .open("GET", "/api/requests?recent=x", "", &[])
            .await
            .status,
        400
    );
    assert_eq!(
        site.client("wrong")
            .open("GET", "/api/requests", "", &[])
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn who_does_not_read_is_told_what_was_missed() {
    let service = Service::new(common::registry(""), ServerConfig::default()).unwrap();
    let router = TowerToHyperService::new(service.router());
    let request = |method: &str, path: &str, body: String| {
        let request = hyper::Request::builder().method(method).uri(path);
        request.body(Body::from(body)).unwrap()
    };
    let told = router.call(request("GET", "/api/requests?recent=0", String::new()));
    let mut told = told.await.unwrap().into_body();
    let name = "x".repeat(10_000);
    for at in 0..600 {
        let model = if at == 599 { &name } else { "echo/echo" };
        let asked = request("POST", CHAT, question(model, "Hi").to_string());
        let answer = router.call(asked).await.unwrap();
        answer.into_body().collect().await.unwrap();
    }
    let mut text = String::new();
    let mut most = 0;
    while text.matches("event: request").count() < 512 {
        let frame = told.frame().await.unwrap().unwrap();
        let frame = frame.into_data().unwrap();
        most = most.max(frame.len());
        text += std::str::from_utf8(&frame).unwrap();
    }
    // What was forgotten is counted, and of the rest no more is written at once than a few.
    assert!(
        text.starts_with("event: missed\ndata: {\"requests\":88}\n\n"),
        "{text}"
    );
    assert!(most < 32 * 1024, "{most} bytes at once");
    let numbers: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: ")?.split_once('-'))
        .map(|(_, number)| number.parse().unwrap())
        .collect();
    assert_eq!(numbers, (88..600).collect::<Vec<_>>());
    // A name that a client makes up isn't kept at its length.
    let last = text.lines().rfind(|it| it.starts_with("data: ")).unwrap();
    assert!(last.len() < 1000 && last.contains("xxx…"), "{last}");
}

#[tokio::test]
async fn who_watches_does_not_keep_a_service_from_ending() {
    let mut talk = Talk::start(ServerConfig::default()).await;
    let mut watching = tail(&talk.client, "", "").await;
    talk.end();
    assert_eq!(watching.event().await, None);
    talk.ended().await;
}

#[tokio::test]
async fn operators_see_what_fares_badly() {
    let settings = "[routes.spread]\nstrategy = \"weighted\"\n\
         breaker = { failures = 1, cool_down = \"1h\" }\n\
         models = [{ model = \"anthropic/one\", weight = 1e9 }, \"echo/echo\"]\n\
         [models]\nhouse = \"gemini/two\"\n\
         [providers.anthropic]\nbase_url = \"http://127.0.0.1:1\"\napi_key_env = \"KEY\"\n\
         [providers.gemini]\n";
    let store = Store::memory().await.unwrap();
    let mut config = ServerConfig::default();
    config.keys = vec!["operator".into()];
    config.given_keys = Some(store.clone());
    let talk = Talk::start_with(config, settings).await;
    let (_, key) = store
        .add_service_key("team", KeyTerms::default())
        .await
        .unwrap();
    let key: &'static str = Box::leak(key.expose().to_owned().into_boxed_str());
    let team = talk.client.with_key(key);
    let operator = talk.client.with_key("operator");
    let (status, told) = team.ask("GET", "/api/status", &Value::Null).await;
    assert_eq!(status, 403, "{told}");
    let before = operator.get("/api/status").await;
    let named = |told: &Value, list: &str, name: &str| {
        let list = told[list].as_array().unwrap();
        list.iter().find(|it| it["name"] == name).cloned().unwrap()
    };
    assert_eq!(
        named(&before, "models", "spread")["over"][0]["breaker"],
        Value::Null
    );
    assert_eq!(named(&before, "providers", "gemini")["has_key"], false);
    assert_eq!(named(&before, "models", "house")["ready"], false);
    assert_eq!(named(&before, "providers", "anthropic")["ready"], true);

    for _ in 0..2 {
        let (status, told) = operator.post(CHAT, &question("spread", "Hi")).await;
        assert_eq!(status, 200, "{told}");
    }
    for _ in 0..3 {
        let (status, _) = operator.post(CHAT, &question("anthropic/one", "Hi")).await;
        assert!(status >= 500);
    }
    let wrong = talk.client.with_key("wrong");
    assert_eq!(wrong.post(CHAT, &question("spread", "Hi")).await.0, 401);
    let told = operator.get("/api/status").await;
    let spread = named(&told, "models", "spread");
    let breaker = &spread["over"][0]["breaker"];
    assert_eq!(
        (&spread["over"][0]["model"], &breaker["open"]),
        (&json!("anthropic/one"), &json!(true))
    );
    assert!(number(&breaker["due_in_ms"]) > 200_000, "{spread}");
    assert_eq!(breaker["last_failure"]["kind"], "connection");
    assert_eq!(
        (&spread["ready"], &spread["over"][1]["breaker"]["open"]),
        (&json!(true), &json!(false))
    );
    let down = named(&told, "providers", "anthropic");
    assert_eq!(
        (&down["ready"], number(&down["failed_in_a_row"])),
        (&json!(false), 3),
        "{down}"
    );
    assert_eq!(down["last_failure"]["kind"], "connection");
    assert!(
        down["why"]["message"]
            .as_str()
            .unwrap()
            .contains("3 times in a row")
    );
    assert!(down["last_failure"]["at_ms"].as_u64().is_some());
    assert_eq!(told["refused"]["authentication"], 1);
    let stores = told["stores"].as_array().unwrap();
    assert!(stores.iter().all(|it| it["ready"] == true), "{told}");
}
