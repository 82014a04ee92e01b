//! The providers pass the conformance suite.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_bedrock::PROVIDERS;
use parlor_core::{Capability, Native, Origin, PartKind};
use parlor_dialect::ServerDialect;
use parlor_dialect::anthropic_messages::{AnthropicMessages, Quirks};
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_registry::{Env, KeySource, Provider, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};
use serde_json::json;

const KEY: &str = "bedrock-api-key-right";
const MODEL: &str = "eu.anthropic.claude-3-5-haiku-20241022-v1:0";
const THINKER: &str =
    "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-5-20251101-v1:0";

/// Runs the suite; the cases that were skipped are these.
async fn run(dialect: impl ServerDialect, provider: &'static dyn Provider, skipped: &[&str]) {
    let origin = Origin::new("sage", dialect.name());
    let signature = Native::new(origin, json!({"signature": "c2lnbmVk"}));
    let thinker = Sage::new(THINKER).signing(PartKind::Reasoning, signature);
    let sage = Sage::new(MODEL).with_context_window(1_000);
    let server = DialectServer::new(dialect, Arc::new(sage))
        .with_model(Arc::new(thinker))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, MODEL, move |wanted, base_url| {
        let config = ProviderConfig::new(provider.descriptor().id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        provider.build(wanted.model, &config)
    });
    let suite = suite.model_for(Capability::Reasoning, THINKER);
    let report = suite.too_long(2_000).run().await;
    report.assert();
    assert_eq!(report.skipped(), skipped, "{report}");
}

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    let skipped = ["json", "choices", "logprobs"];
    run(BedrockConverse::default(), PROVIDERS[0], &skipped).await;
}

#[tokio::test]
async fn claude_in_its_own_words_passes_too() {
    let mut quirks = Quirks::default();
    quirks.event_stream = true;
    let skipped = ["json", "choices", "logprobs"];
    run(AnthropicMessages::new(quirks), PROVIDERS[1], &skipped).await;
}
