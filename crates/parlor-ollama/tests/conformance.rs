//! The provider passes the conformance suite.

use std::sync::Arc;

use parlor_core::Capability;
use parlor_dialect::ollama::Ollama;
use parlor_ollama::PROVIDERS;
use parlor_registry::{Env, ProviderConfig};
use parlor_testkit::{Conformance, DialectServer, Sage};

#[tokio::test]
async fn every_case_passes_or_is_skipped_by_name() {
    let sage = Sage::new("llama3.2").with_context_window(1_000);
    let server = DialectServer::new(Ollama::default(), Arc::new(sage))
        .with_model(Arc::new(Sage::new("gpt-oss:20b")))
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "llama3.2", |wanted, base_url| {
        let config = ProviderConfig::new("ollama")
            .with_base_url(base_url)
            .with_env(Env::empty());
        PROVIDERS[0].build(wanted.model, &config)
    });
    let suite = suite
        .model_for(Capability::Reasoning, "gpt-oss:20b")
        .without_key()
        .too_long(2_000);
    let report = suite.run().await;
    report.assert();
    let skipped = [
        "tool-choice-required",
        "tool-choice-named",
        "tool-choice-none",
        "document-input",
        "choices",
        "wrong-key",
    ];
    assert_eq!(report.skipped(), skipped, "{report}");
}
