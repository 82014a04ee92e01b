//! Keys that are given out: what they may, what they used, and what holds while their store is away.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use common::{Gateway, Site, site, words};
use parlor::Secret;
use parlor_server::{OnStoreFailure, ServerConfig, UsageWriter};
use parlor_store::{Allowed, KeyTerms, ServiceKey, Span, Store};
use parlor_testkit::Script;
use serde_json::{Value, json};

impl Site {
    async fn key(&self, name: &str, terms: KeyTerms) -> (ServiceKey, Secret) {
        self.store.add_service_key(name, terms).await.unwrap()
    }

    async fn ask(&self, path: &str, model: &str, key: &str) -> (u16, Value) {
        let asked = json!({
            "model": model, "max_tokens": 100,
            "messages": [{ "role": "user", "content": "Hi" }],
        });
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.gateway.post_with(path, &asked, &headers).await
    }

    async fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.gateway.get_with(path, &headers).await
    }
}

const CHAT: &str = "/v1/chat/completions";
const MODEL: &str = "openai-chat/behind";

#[tokio::test]
async fn a_key_asks_its_models_and_no_others() {
    let site = site(words).await;
    let mut terms = KeyTerms::default();
    terms.models = vec!["openai-chat/*".into()];
    let (_, key) = site.key("team", terms).await;
    assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, 200);
    let (status, body) = site.ask(CHAT, "anthropic/behind", key.expose()).await;
    assert_eq!(status, 403, "{body}");
    let (status, body) = site
        .ask("/v1/messages", "anthropic/behind", key.expose())
        .await;
    assert_eq!(
        (status, &body["error"]["type"]),
        (403, &json!("permission_error")),
        "{body}"
    );
    let named = |body: &Value| -> Vec<String> {
        let lists = [&body["data"], &body["models"]].into_iter();
        let models = lists.filter_map(Value::as_array).flatten();
        let id = |it: &Value| it.get("id").or(it.get("name")).cloned().unwrap_or_default();
        let ids = models.map(|it| id(it).as_str().unwrap_or_default().to_owned());
        ids.map(|it| it.trim_start_matches("models/").to_owned())
            .collect()
    };
    let version = ("anthropic-version", "2023-06-01");
    for (path, further) in [
        ("/v1/models", ("accept", "*/*")),
        ("/v1/models", version),
        ("/v1beta/models", ("accept", "*/*")),
        ("/api/tags", ("accept", "*/*")),
    ] {
        for (shown, sees_all) in [(key.expose(), false), ("operator", true)] {
            let headers = [("x-api-key", shown), further];
            let (status, body) = site.gateway.get_with(path, &headers).await;
            let names = named(&body);
            assert_eq!(status, 200, "{body}");
            assert!(names.contains(&MODEL.to_owned()), "{path} {body}");
            let others = names.iter().any(|it| !it.starts_with("openai-chat/"));
            assert_eq!(others, sees_all, "{path} {names:?}");
        }
    }
    for path in ["/v1/models/", "/v1beta/models/"] {
        let of = |model: &str| format!("{path}{model}");
        assert_eq!(site.get(&of(MODEL), key.expose()).await.0, 200);
        assert_eq!(site.get(&of("anthropic/behind"), key.expose()).await.0, 403);
    }
    assert_eq!(site.ask("/api/show", MODEL, key.expose()).await.0, 200);
    let (status, _) = site
        .ask("/api/show", "anthropic/behind", key.expose())
        .await;
    assert_eq!(status, 403);
    let unknown = format!("{}0", key.expose());
    assert_eq!(site.ask(CHAT, MODEL, &unknown).await.0, 401);
    assert_eq!(site.ask(CHAT, MODEL, "").await.0, 401);
    assert_eq!(site.ask(CHAT, "anthropic/behind", "operator").await.0, 200);
}

#[tokio::test]
async fn keys_that_ended_are_told_so() {
    let site = site(words).await;
    let mut terms = KeyTerms::default();
    terms.expires_ms = Some(1);
    let (_, expired) = site.key("expired", terms).await;
    let (status, body) = site.ask(CHAT, MODEL, expired.expose()).await;
    assert_eq!(status, 401, "{body}");
    assert!(body.to_string().contains("expired"), "{body}");
    let (_, revoked) = site.key("revoked", KeyTerms::default()).await;
    site.store.revoke_service_key("revoked").await.unwrap();
    let (status, body) = site.ask(CHAT, MODEL, revoked.expose()).await;
    assert_eq!(status, 401, "{body}");
    assert!(body.to_string().contains("revoked"), "{body}");
}

#[tokio::test]
async fn limits_refuse_in_the_dialect_of_the_client() {
    let site = site(words).await;
    let mut terms = KeyTerms::default();
    terms.requests_per_minute = Some(3);
    let (_, key) = site.key("slow", terms).await;
    for path in [CHAT, "/v1/messages", "/api/chat"] {
        assert_eq!(site.ask(path, MODEL, key.expose()).await.0, 200);
    }
    let (status, body) = site.ask(CHAT, MODEL, key.expose()).await;
    assert_eq!(status, 429, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("3 requests a minute")
    );
    let (status, body) = site.ask("/v1/messages", MODEL, key.expose()).await;
    let kind = &body["error"]["type"];
    assert_eq!((status, kind), (429, &json!("rate_limit_error")), "{body}");
    // Nothing of what was refused was sent.
    assert_eq!(site.gateway.behind[1].prompts().len(), 3);
}

#[tokio::test]
async fn budgets_are_settled_with_what_was_used() {
    let site = site(|_| {
        let mut response = Script::text("Fine.").cut(0);
        let mut usage = parlor::Usage::default();
        usage.input_tokens = Some(1000);
        usage.output_tokens = Some(100);
        let mut whole = parlor::ChatResponse::default();
        let mut choice = parlor::Choice::new(0);
        choice.message.parts.push(parlor::Part::text("Fine."));
        choice.finish_reason = Some(parlor::FinishKind::Stop.into());
        whole.choices.push(choice);
        whole.usage = Some(usage);
        response = response.events(whole.into_events());
        response
    })
    .await;
    // A request costs 0.0045, and is expected to cost 0.0015 or so.
    let mut terms = KeyTerms::default();
    terms.budgets = vec![Allowed::new(0.01, Some("USD".into()), Span::Month)];
    let (made, key) = site.key("poor", terms).await;
    for _ in 0..2 {
        assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, 200);
    }
    let (status, body) = site.ask(CHAT, MODEL, key.expose()).await;
    assert_eq!(status, 429, "{body}");
    assert!(body.to_string().contains("0.01 USD a month"), "{body}");

    // That a key has nothing left says nothing of the provider.
    for _ in 0..3 {
        assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, 429);
    }
    let (_, body) = site.get("/api/models", "operator").await;
    assert!(body.to_string().contains(MODEL), "{body}");
    assert!(!body.to_string().contains("in a row"), "{body}");

    let mut euros = KeyTerms::default();
    euros.budgets = vec![Allowed::new(1.0, Some("EUR".into()), Span::Day)];
    let (_, key) = site.key("euros", euros).await;
    let (status, body) = site.ask(CHAT, MODEL, key.expose()).await;
    assert_eq!(status, 403, "{body}");

    site.writer.flushed().await;
    let (status, body) = site.get("/api/usage?by=key,model", "operator").await;
    assert_eq!(status, 200, "{body}");
    let rows = body["rows"].as_array().unwrap();
    let poor = rows.iter().find(|it| it["key"] == "poor").unwrap();
    assert_eq!((&poor["requests"], &poor["failed"]), (&json!(6), &json!(4)));
    assert_eq!(poor["usage"]["input_tokens"], 2000);
    let cost = poor["costs"][0]["amount"].as_f64().unwrap();
    assert!((cost - 0.009).abs() < 1e-9, "{poor}");
    assert!(rows.iter().any(|it| it["key"] == "euros"));
    assert!(!made.id.is_empty());
}

#[tokio::test]
async fn to_count_uses_up_nothing_of_a_key() {
    let site = site(words).await;
    let mut terms = KeyTerms::default();
    terms.tokens_per_minute = Some(1000);
    let (_, key) = site.key("counts", terms).await;
    let count = "/v1/messages/count_tokens";
    for _ in 0..20 {
        let (status, body) = site.ask(count, MODEL, key.expose()).await;
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, 200);
    let (status, _) = site.ask(count, "nobody/nothing", key.expose()).await;
    assert_eq!(status, 404);
    site.writer.flushed().await;
    let (_, body) = site.get("/api/usage?by=key", "operator").await;
    let rows = body["rows"].as_array().unwrap();
    let row = rows.iter().find(|it| it["key"] == "counts").unwrap();
    assert_eq!((&row["requests"], &row["failed"]), (&json!(22), &json!(1)));
}

#[tokio::test]
async fn holders_of_keys_see_their_own_usage_alone() {
    let site = site(words).await;
    let (_, mine) = site.key("mine", KeyTerms::default()).await;
    let (_, other) = site.key("other", KeyTerms::default()).await;
    for key in [&mine, &other, &other] {
        assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, 200);
    }
    site.writer.flushed().await;
    let (_, body) = site.get("/api/usage?by=key", mine.expose()).await;
    let rows = body["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["key"]), (1, &json!("mine")), "{body}");
    assert_eq!(site.get("/metrics", mine.expose()).await.0, 403);
    assert_eq!(site.get("/metrics", "wrong").await.0, 401);
    assert_eq!(site.get("/api/usage?by=colour", "operator").await.0, 400);
}

#[tokio::test]
async fn while_the_store_is_away_known_keys_go_on_and_others_wait() {
    let site = site(words).await;
    let (_, known) = site.key("known", KeyTerms::default()).await;
    let (_, unknown) = site.key("unknown", KeyTerms::default()).await;
    assert_eq!(site.ask(CHAT, MODEL, known.expose()).await.0, 200);
    let (status, body) = site.get("/readyz", "operator").await;
    assert_eq!(status, 200, "{body}");
    let providers = &body["providers"];
    let ready = providers["ready"].as_array().unwrap();
    assert!(ready.contains(&json!("anthropic")), "{body}");
    // Those that nobody configured miss no key.
    assert_eq!(providers["no_key"], json!([]), "{body}");
    site.store.close().await;
    assert_eq!(site.ask(CHAT, MODEL, known.expose()).await.0, 200);
    let (status, body) = site.ask(CHAT, MODEL, unknown.expose()).await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(site.ask(CHAT, MODEL, "operator").await.0, 200);
    let (status, body) = site.get("/readyz", "operator").await;
    assert_eq!(status, 503, "{body}");
    let away = body["stores"]["keys and usage"]["away"].as_str().unwrap();
    assert!(away.contains("away"), "{body}");
    let (_, body) = site.get("/readyz", "wrong").await;
    assert_eq!(body, json!({ "ready": false }));
}

/// A store of limits that is away.
#[derive(Debug)]
struct Away;

#[async_trait::async_trait]
impl parlor::layers::limits::LimitStore for Away {
    async fn reserve(
        &self,
        _: &[parlor::layers::limits::Claim],
    ) -> parlor::Result<parlor::layers::limits::Reserved> {
        Err(parlor::Error::new(parlor::ErrorKind::Connection, "away"))
    }

    fn settle(&self, _: parlor::layers::limits::Receipt, _: u64) {}

    fn hold(&self, _: &str, _: parlor::layers::limits::Window, _: u64, _: std::time::Duration) {}

    async fn used(
        &self,
        _: &str,
        _: parlor::layers::limits::Window,
    ) -> parlor::Result<(u64, Option<std::time::Duration>)> {
        Err(parlor::Error::new(parlor::ErrorKind::Connection, "away"))
    }
}

#[tokio::test]
async fn limits_whose_store_is_away_hold_as_was_said() {
    for (policy, status) in [(OnStoreFailure::Allow, 200), (OnStoreFailure::Refuse, 503)] {
        let store = Store::memory().await.unwrap();
        let mut config = ServerConfig::default();
        config.given_keys = Some(store.clone());
        config.limits = Arc::new(Away);
        config.on_store_failure = policy;
        let gateway = Gateway::start(config, words).await;
        let writer = Arc::new(UsageWriter::start(store.clone()));
        let site = Site {
            gateway,
            store,
            writer,
        };
        let mut terms = KeyTerms::default();
        terms.requests_per_minute = Some(3);
        let (_, key) = site.key("limited", terms).await;
        assert_eq!(site.ask(CHAT, MODEL, key.expose()).await.0, status);
        let (_, free) = site.key("free", KeyTerms::default()).await;
        assert_eq!(site.ask(CHAT, MODEL, free.expose()).await.0, 200);
    }
}

#[tokio::test]
async fn figures_have_no_series_for_names_that_clients_make_up() {
    let site = site(words).await;
    assert_eq!(site.ask(CHAT, MODEL, "operator").await.0, 200);
    for at in 0..300 {
        let made_up = format!("openai-chat/made-up-{at}");
        assert_ne!(site.ask(CHAT, &made_up, "operator").await.0, 200);
    }
    assert_eq!(site.ask(CHAT, MODEL, "wrong").await.0, 401);
    let text = site
        .gateway
        .text("/metrics", &[("x-api-key", "operator")])
        .await;
    assert!(!text.contains("made-up"), "{text}");
    let line = "parlor_requests_total{dialect=\"openai-chat\",outcome=\"completed\"} 1";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("parlor_refused_total{reason=\"authentication\"} 1"),
        "{text}"
    );
    assert!(text.contains("model=\"behind\",kind=\"output\""), "{text}");
    assert!(text.contains("parlor_in_flight 0"), "{text}");
}

#[tokio::test]
async fn an_answer_has_the_id_of_its_request() {
    let site = site(words).await;
    let answer = site
        .gateway
        .text("/livez", &[("x-request-id", "mine-1")])
        .await;
    assert!(answer.contains("x-request-id: mine-1"), "{answer}");
    let answer = site
        .gateway
        .text("/livez", &[("x-request-id", "no id\t")])
        .await;
    assert!(answer.contains("x-request-id: req_"), "{answer}");
}
