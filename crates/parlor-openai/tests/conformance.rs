//! The provider passes the conformance suite.

use std::sync::Arc;

use parlor_core::Capability;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_openai::PROVIDERS;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};

const KEY: &str = "sk-right";

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    let thinker = Sage::new("gpt-5-mini");
    let sage = Sage::new("gpt-4o").with_context_window(1_000);
    let server = DialectServer::new(OpenAiChat::default(), Arc::new(sage))
        .with_model(Arc::new(thinker))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "gpt-4o", |wanted, base_url| {
        let config = ProviderConfig::new("openai")
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        PROVIDERS[0].build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "gpt-5-mini")
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    assert_eq!(report.skipped(), [""; 0], "{report}");
}
