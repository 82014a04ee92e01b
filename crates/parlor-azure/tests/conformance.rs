//! The provider passes the conformance suite, in each of its APIs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_azure::PROVIDERS;
use parlor_core::Capability;
use parlor_dialect::ServerDialect;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};

const KEY: &str = "0123456789abcdef";

/// Runs the suite with the provider at this place, at a path of the server.
async fn conforms(at: usize, path: &'static str, dialect: impl ServerDialect, skipped: &[&str]) {
    let thinker = Sage::new("gpt-5-mini");
    let sage = Sage::new("gpt-4o").with_context_window(1_000);
    let server = DialectServer::new(dialect, Arc::new(sage))
        .with_model(Arc::new(thinker))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "gpt-4o", move |wanted, base_url| {
        let config = ProviderConfig::new(PROVIDERS[at].descriptor().id)
            .with_base_url(format!("{base_url}{path}"))
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        PROVIDERS[at].build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "gpt-5-mini")
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(report.skipped(), skipped, "{report}");
}

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    conforms(0, "", OpenAiChat::default(), &["document-input"]).await;
}

#[tokio::test]
async fn every_case_passes_by_deployments_too() {
    let path = "/openai/deployments?api-version=2024-10-21";
    conforms(0, path, OpenAiChat::default(), &["document-input"]).await;
}

#[tokio::test]
async fn every_case_passes_by_responses_too() {
    // The API has neither.
    let skipped = ["stop-sequence", "choices"];
    conforms(1, "", OpenAiResponses::default(), &skipped).await;
}
