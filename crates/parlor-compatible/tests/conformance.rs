//! Every preset passes the conformance suite against a server of the dialect.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_compatible::PROVIDERS;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_registry::{Env, KeySource, Provider, ProviderConfig};
use parlor_testkit::conformance::{CaseOutcome, ConformanceReport};
use parlor_testkit::{Conformance, DialectServer, Sage};

const KEY: &str = "sk-right";

/// What no host of the dialect may lack.
const COMMON: &[&str] = &[
    "text",
    "stream",
    "chat-equals-stream",
    "system-prompt",
    "memory",
    "usage",
    "tools",
    "tools-stream",
    "parallel-tools",
    "max-output-tokens",
    "wrong-key",
    "unknown-model",
    "drop-call",
    "drop-stream",
    "concurrent",
];

async fn run(provider: &'static dyn Provider) -> ConformanceReport {
    let id = provider.descriptor().id;
    let sage = Sage::new("model-1").with_context_window(1_000);
    let server = DialectServer::new(OpenAiChat::default(), Arc::new(sage))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let suite = Conformance::with_server(server, "model-1", move |wanted, base_url| {
        let config = ProviderConfig::new(id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(wanted.key(KEY).into()))
            .with_env(Env::empty());
        provider.build(wanted.model, &config)
    });
    suite.too_long(2_000).run().await
}

#[tokio::test]
async fn every_preset_passes_and_says_itself_what_it_lacks() {
    for provider in PROVIDERS {
        let id = provider.descriptor().id;
        let report = run(*provider).await;
        report.assert();
        for case in &report.cases {
            let CaseOutcome::Skipped(why) = &case.outcome else {
                continue;
            };
            // Where the preset knows nothing to ask reasoning by, there is none.
            let said = why.starts_with(&format!("unsupported: {id}: "))
                || (case.name.starts_with("reasoning") && why.contains("no sign"));
            assert!(said && !COMMON.contains(&case.name), "{id}: {report}");
        }
    }
}
