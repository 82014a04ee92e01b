//! A key that isn't taken may be for another region, and the error says so.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{ChatModelExt, Error, ErrorKind};
use parlor_dialect::openai_chat::Quirks;
use parlor_http::ChatHost;
use parlor_registry::{Config, Descriptor, Env, Provider, Registry};
use parlor_testkit::{ApiAnswer, ApiServer};

const KEYS: &[&str] = &["ACME_API_KEY"];

fn host(id: &'static str, url: &str) -> Descriptor {
    let url = Box::leak(url.to_owned().into_boxed_str());
    Descriptor::new(id, id).base_url(url).key_env(KEYS)
}

/// A registry of the host at the address and of others that are never asked.
fn registry(url: &str) -> Registry {
    let table: &'static [(&str, &str)] = &[("ACME_EU_KEY", "https://eu.acme.example/v1")];
    let far = "https://far.acme.example/v1";
    let hosts = [
        ChatHost::new(host("acme", url), Quirks::compatible),
        ChatHost::new(host("acme-far", far).region_of("acme"), Quirks::compatible),
        // The same address by another API, other keys, another provider.
        ChatHost::new(host("acme-api", url).region_of("acme"), Quirks::compatible),
        ChatHost::new(
            host("acme-own", far).region_of("acme").key_env(&["OWN"]),
            Quirks::compatible,
        ),
        ChatHost::new(host("other", url), Quirks::compatible).with_addresses(table),
    ];
    let hosts = hosts.map(|it| &*Box::leak(Box::new(it)) as &'static dyn Provider);
    let env = Env::from([("ACME_API_KEY", "k-0123456789")]);
    Registry::with(&hosts).unwrap().with_env(env)
}

async fn refused(registry: &Registry, model: &str) -> Error {
    let model = registry.model(model).unwrap();
    let error = model.ask("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let streamed = model.ask_stream("Hi").await.unwrap_err();
    assert_eq!(streamed.help(), error.help());
    error
}

#[tokio::test]
async fn a_refused_key_may_be_for_another_region() {
    let server = ApiServer::answering(|_| ApiAnswer::new(401, r#"{"error": {"message": "no"}}"#))
        .await
        .unwrap();
    let url = server.url();
    let registry = registry(&url);
    let usual = Error::new(ErrorKind::Authentication, "");

    let error = refused(&registry, "acme/m").await;
    let help = "A key is for one region: perhaps this one is for `acme-far/…`.";
    assert_eq!(error.help(), format!("{} {help}", usual.help()));

    let error = refused(&registry, "other/m").await;
    let help = "If the key is for eu.acme.example, put it into ACME_EU_KEY.";
    assert_eq!(error.help(), format!("{} {help}", usual.help()));

    // At an address of its own a key has no region.
    let config = format!("[providers.acme]\nbase_url = \"{url}/v2\"\n");
    let config = Config::from_toml(&config).unwrap();
    let registry = registry.with_config(config).unwrap();
    assert_eq!(refused(&registry, "acme/m").await.help(), usual.help());
}
