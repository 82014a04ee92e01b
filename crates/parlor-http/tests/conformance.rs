//! The HTTP model passes the conformance suite in every dialect, against the
//! dialect's own other half.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::{Capability, ModelInfo, Native, Origin, PartKind};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::{Profile, ServerDialect};
use parlor_http::{Auth, Endpoint, HttpModel};
use parlor_testkit::{Conformance, DialectServer, Sage};
use serde_json::{Map, json};

const KEY: &str = "sk-right";

/// Runs the suite, the reasoning cases on a model of their own, and checks
/// which cases are skipped.
async fn run<D: ServerDialect + Clone>(dialect: D, models: [Sage; 2], skipped: &[&str]) {
    let [sage, thinker] = models.map(|sage| Arc::new(sage.with_context_window(1_000)));
    let id = |sage: &Arc<Sage>| parlor_core::ChatModel::info(sage).model.clone();
    let (plain, thinking) = (id(&sage), id(&thinker));
    let server = DialectServer::new(dialect.clone(), sage)
        .with_model(thinker)
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, plain, move |wanted, url| {
        let auth = Auth::Bearer(wanted.key(KEY).into());
        let endpoint = Endpoint::new(url)?.with_auth(auth);
        let info = ModelInfo::new("test", wanted.model);
        let profile = Profile::of(wanted.model);
        let model = HttpModel::configured(dialect.clone(), endpoint, info, profile, Map::new());
        Ok(Arc::new(model))
    });
    let suite = suite
        .model_for(Capability::Reasoning, thinking)
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(report.skipped(), skipped, "{report}");
}

fn signature(dialect: &str, item: serde_json::Value) -> Native {
    Native::new(Origin::new("sage", dialect), item)
}

#[tokio::test]
async fn openai_chat() {
    let models = [Sage::new("gpt-4o"), Sage::new("gpt-5")];
    run(OpenAiChat::default(), models, &[]).await;
}

#[tokio::test]
async fn anthropic_messages() {
    let signature = signature("anthropic-messages", json!({"signature": "c2lnbmVk"}));
    let sage = Sage::new("claude-sonnet-4-5");
    let thinker = Sage::new("claude-opus-4-5").signing(PartKind::Reasoning, signature);
    let skipped = ["json", "choices", "logprobs"];
    run(AnthropicMessages::default(), [sage, thinker], &skipped).await;
}

#[tokio::test]
async fn gemini() {
    let signature = signature("gemini", json!({"thoughtSignature": "c2lnbmVk"}));
    let sage = Sage::new("gemini-2.5-flash");
    let thinker = Sage::new("gemini-2.5-pro").signing(PartKind::ToolCall, signature);
    run(Gemini::default(), [sage, thinker], &[]).await;
}

#[tokio::test]
async fn ollama() {
    let models = [Sage::new("llama3.2"), Sage::new("gpt-oss:20b")];
    let skipped = [
        "tool-choice-required",
        "tool-choice-named",
        "document-input",
        "choices",
    ];
    run(Ollama::default(), models, &skipped).await;
}
