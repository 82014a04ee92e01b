//! What was recorded of the provider is read as it was meant.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use parlor_acme::PROVIDERS;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::replay_recorded;

#[tokio::test]
async fn recorded_exchanges() {
    // The dialect and the provider as the recordings call them.
    let count = replay_recorded("openai-chat", "acme", |name, base_url| {
        let config = ProviderConfig::new("acme")
            .with_base_url(base_url)
            .with_key(KeySource::Explicit("sk-test".into()))
            .with_env(Env::empty());
        PROVIDERS[0].build(name, &config)
    });
    match count.await {
        Some(count) => eprintln!("{count} recordings of acme"),
        None => eprintln!("skipped: no recorded exchanges of acme"),
    }
}
