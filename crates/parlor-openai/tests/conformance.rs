//! The provider passes the conformance suite, by either API.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::Capability;
use parlor_dialect::ServerDialect;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_openai::PROVIDERS;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};

const KEY: &str = "sk-right";

async fn conforms(id: &'static str, dialect: impl ServerDialect, skipped: &[&str]) {
    let thinker = Sage::new("gpt-5-mini");
    let sage = Sage::new("gpt-4o").with_context_window(1_000);
    let server = DialectServer::new(dialect, Arc::new(sage))
        .with_model(Arc::new(thinker))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "gpt-4o", move |wanted, base_url| {
        let config = ProviderConfig::new(id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        let mut providers = PROVIDERS.iter();
        let provider = providers.find(|it| it.descriptor().id == id).unwrap();
        provider.build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "gpt-5-mini")
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(report.skipped(), skipped, "{report}");
}

#[tokio::test]
async fn every_case_passes_where_the_model_decides() {
    conforms("openai", OpenAiChat::default(), &[]).await;
}

#[tokio::test]
async fn every_case_passes_by_chat_completions() {
    conforms("openai-chat", OpenAiChat::default(), &[]).await;
}

#[tokio::test]
async fn every_case_passes_by_responses() {
    // The API has neither.
    let skipped = ["stop-sequence", "choices"];
    conforms("openai-responses", OpenAiResponses::default(), &skipped).await;
}
