//! The provider passes the conformance suite.

use std::sync::Arc;

use parlor_anthropic::PROVIDERS;
use parlor_core::{Capability, Native, Origin, PartKind};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};
use serde_json::json;

const KEY: &str = "sk-right";

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    let origin = Origin::new("sage", "anthropic-messages");
    let signature = Native::new(origin, json!({"signature": "c2lnbmVk"}));
    let thinker = Sage::new("claude-opus-4-5").signing(PartKind::Reasoning, signature);
    let sage = Sage::new("claude-haiku-4-5").with_context_window(1_000);
    let server = DialectServer::new(AnthropicMessages::default(), Arc::new(sage))
        .with_model(Arc::new(thinker))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "claude-haiku-4-5", |wanted, base_url| {
        let config = ProviderConfig::new("anthropic")
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        PROVIDERS[0].build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "claude-opus-4-5")
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(
        report.skipped(),
        ["json", "choices", "logprobs"],
        "{report}"
    );
}
