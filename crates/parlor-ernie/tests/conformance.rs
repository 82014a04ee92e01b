//! The provider passes the conformance suite.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::Capability;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::qianfan_v1::QianfanV1;
use parlor_ernie::PROVIDERS;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};

const KEY: &str = "sk-right";

/// What the API can't do.
const SKIPPED: &[&str] = &["document-input", "choices", "logprobs"];

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    let sage = Sage::new("ernie-4.5-turbo-128k").with_context_window(1_000);
    let server = DialectServer::new(OpenAiChat::default(), Arc::new(sage))
        .with_model(Arc::new(Sage::new("ernie-5.0-thinking-preview")))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "ernie-4.5-turbo-128k", |wanted, base_url| {
        let config = ProviderConfig::new(PROVIDERS[0].descriptor().id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        PROVIDERS[0].build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "ernie-5.0-thinking-preview")
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(report.skipped(), SKIPPED, "{report}");
}

/// What the first generation of the API can't do.
const SKIPPED_BY_V1: &[&str] = &[
    "parallel-tools",
    "tool-choice-required",
    "tool-choice-named",
    "reasoning",
    "reasoning-stream",
    "reasoning-replay",
    "json-schema",
    "json-schema-stream",
    "image-input",
    "document-input",
    "choices",
    "logprobs",
];

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name_by_the_first_generation() {
    let sage = Sage::new("ernie-speed-128k").with_context_window(1_000);
    let server = DialectServer::new(QianfanV1::default(), Arc::new(sage))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "ernie-speed-128k", |wanted, base_url| {
        let config = ProviderConfig::new("qianfan-v1")
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        PROVIDERS[1].build(wanted.model, &config)
    });
    let report = suite.too_long(2_000).run().await;
    report.assert();
    assert_eq!(report.skipped(), SKIPPED_BY_V1, "{report}");
}
