//! What servers break doesn't break the first generation of Qianfan's API, with a token in the address.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use parlor_ernie::PROVIDERS;
use parlor_registry::config::{Limit, Timeouts};
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::fault::{FaultSuite, Wire};

/// Well above the pauses of a drip and the time that 8 MiB take; well below the server's patience.
const LIMIT: Duration = Duration::from_secs(4);

#[tokio::test]
async fn what_servers_break_doesnt_break_it() {
    let provider = PROVIDERS[1];
    let suite = FaultSuite::new(Wire::QianfanV1, move |base_url| {
        let mut timeouts = Timeouts::default();
        timeouts.first_event = Some(Limit::After(LIMIT));
        timeouts.idle = Some(Limit::After(LIMIT));
        let key = FaultSuite::KEY;
        let config = ProviderConfig::new(provider.descriptor().id)
            .with_base_url(base_url)
            .with_key(KeySource::Explicit(key.into()))
            .with_timeouts(timeouts)
            .with_env(Env::empty());
        provider.build("test-model", &config).unwrap()
    });
    let only = std::env::var("PARLOR_FAULTS").ok();
    let suite = match &only {
        Some(names) => suite.only(names.split(',')),
        None => suite,
    };
    suite.run().await.unwrap().assert();
}
