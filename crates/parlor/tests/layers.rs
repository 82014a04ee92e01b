//! Layers of the configuration: each is built and does its work, and what is wrong is told.
#![cfg(feature = "layers")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor::layers::{ConfiguredLayers, ORDER};
use parlor::{ChatModel, ChatModelExt, Config, Env, Error, ErrorKind, Registry};

/// `echo` by two names, within what the configuration asks for.
fn layered(toml: &str, id: &str) -> Result<Arc<dyn ChatModel>, Error> {
    let echoes = "[providers.mine]\ntype = \"echo\"\n[providers.other]\ntype = \"echo\"\n";
    let config = Config::from_toml(&format!("{echoes}{toml}"))?;
    let registry = Registry::with(&[])?.with_env(Env::empty());
    let registry = registry.with_config(config)?;
    ConfiguredLayers::new(registry.config())?.model(&registry, id)
}

fn wrong(toml: &str) -> Error {
    let config = Config::from_toml(toml).map_err(Error::from);
    let error = config.and_then(|config| ConfiguredLayers::new(&config).map(drop));
    let error = error.expect_err(toml);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    error
}

/// Every table of a layer that stands in its docs.
fn documented() -> Vec<(&'static str, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../parlor-layers/src");
    let mut tables = Vec::new();
    for slot in ORDER {
        let file = folder.join(format!("{}.rs", slot.name));
        let source = std::fs::read_to_string(file).unwrap();
        let Some((_, rest)) = source.split_once("//! ```toml\n") else {
            continue;
        };
        let (block, _) = rest.split_once("//! ```\n").unwrap();
        let lines = block.lines().map(|it| it.trim_start_matches("//!"));
        let lines: Vec<_> = lines.map(|it| it.strip_prefix(' ').unwrap_or(it)).collect();
        tables.push((slot.name, lines.join("\n")));
    }
    tables
}

#[test]
fn what_the_docs_configure_is_built() {
    let tables = documented();
    for slot in ORDER.iter().filter(|slot| slot.is_configurable()) {
        assert!(
            tables.iter().any(|(name, _)| *name == slot.name),
            "{slot:?}"
        );
    }
    let mut all = String::new();
    for (name, table) in tables {
        let config = Config::from_toml(&table).unwrap_or_else(|error| panic!("{name}: {error}"));
        ConfiguredLayers::new(&config).unwrap_or_else(|error| panic!("{name}: {error}"));
        if table.starts_with("[layers") {
            all.push_str(&table);
            all.push('\n');
        }
    }
    layered(&all, "mine/echo").unwrap();
}

#[test]
fn what_the_page_configures_is_built() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("\n## Layers\n").unwrap();
    let (_, block) = section.split_once("```toml\n").unwrap();
    let (toml, _) = block.split_once("```").unwrap();
    let config = Config::from_toml(toml).unwrap();
    if cfg!(feature = "all-layers") {
        ConfiguredLayers::new(&config).unwrap();
    }
}

#[cfg(feature = "all-layers")]
#[tokio::test]
async fn each_does_its_work() {
    use parlor::layers::metrics::Metrics;
    use parlor::{ChatRequest, Reused};

    let toml = "[layers]\ntrace = true\nmetrics = true\nhedge = true\ncoalesce = true\n\
        resume = true\nstrict = true\n\
        [layers.validate]\nmax_chars = 40\n\
        [layers.redact]\npatterns = { TICKET = 'T-\\d+' }\n\
        [layers.cache]\nttl = \"1m\"\n\
        [layers.budget]\ntokens_per_day = 2000\n\
        [layers.rate_limit]\nrequests_per_minute = 3\non_limit = \"refuse\"\n\
        [layers.concurrency]\nmax = 1\nmax_waiting = 0\n";
    let config = Config::from_toml(toml).unwrap();
    for slot in ORDER.iter().filter(|slot| slot.is_configurable()) {
        assert!(config.layers.others.contains_key(slot.name), "{slot:?}");
    }
    let model = layered(toml, "mine/echo").unwrap();
    let limited = |words: &str| {
        let mut request = ChatRequest::from(words);
        request.max_output_tokens = Some(10);
        request
    };

    let answer = model.chat(&limited("about T-1")).await.unwrap();
    assert_eq!(answer.text(), "about T-1");
    // The number of a ticket isn't part of what is sent, so this is the same request.
    let again = model.chat(&limited("about T-2")).await.unwrap();
    assert_eq!(again.text(), "about T-2");
    assert!(matches!(again.metadata.reused, Some(Reused::Cache { .. })));

    let long = model.chat(&limited(&"long ".repeat(20))).await.unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Validation);

    let mut dear = limited("dear");
    dear.max_output_tokens = Some(5000);
    let dear = model.chat(&dear).await.unwrap_err();
    assert_eq!(dear.kind(), ErrorKind::QuotaExhausted, "{dear}");

    let mut first = model.stream(&limited("first")).await.unwrap();
    first.next().await.unwrap().unwrap();
    let joined = model.stream(&limited("first")).await.unwrap();
    assert_eq!(joined.metadata().reused, Some(Reused::Call));
    // Another one has no room beside it.
    let busy = model.chat(&limited("second")).await.unwrap_err();
    assert!(
        busy.message().contains("at once") || busy.message().contains("go on"),
        "{busy}"
    );
    assert_eq!(joined.response().await.unwrap().text(), "first");
    assert_eq!(first.response().await.unwrap().text(), "first");

    let refused = model.chat(&limited("third")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited, "{refused}");
    assert!(
        refused.message().contains("3 requests per minute"),
        "{refused}"
    );

    let counted = Metrics::global().snapshot();
    let counted = counted.models.iter().find(|it| it.model == "echo");
    let counted = counted.expect("the calls are counted");
    assert_eq!(counted.in_flight, 0);
    assert!(counted.completed >= 4, "{counted:?}");
}

#[tokio::test]
async fn an_instance_has_its_own_in_place_of_the_shared() {
    let toml = "[layers.validate]\nmax_chars = 4\n\
        [providers.mine.layers]\nvalidate = { max_chars = 8 }\n\
        [providers.other.layers]\nvalidate = false\n";
    let asks = async |id: &str, words: &str| layered(toml, id).unwrap().ask(words).await.is_ok();
    assert!(!asks("echo/echo", "12345").await);
    assert!(asks("mine/echo", "12345").await);
    assert!(!asks("mine/echo", "123456789").await);
    assert!(asks("other/echo", "123456789").await);
}

#[test]
fn wrong_settings_are_told_with_their_key() {
    for (toml, told) in [
        (
            "[layers.hedge]\nshare = \"much\"\n",
            ["`layers.hedge`: `share`", "much"],
        ),
        (
            "[layers.hedge]\ndelay = \"soon\"\n",
            ["`layers.hedge`: `delay`", "duration"],
        ),
        (
            "[layers.validate]\nmax_char = 4\n",
            ["`layers.validate`", "max_char"],
        ),
        (
            "[layers.concurrency]\nmax = 0\n",
            ["`layers.concurrency`", "max"],
        ),
        (
            "[layers.concurrency]\nmaximum = 2\n",
            ["`layers.concurrency`", "maximum"],
        ),
        (
            "[layers.rate_limit]\nrequests = 2\n",
            ["`layers.rate_limit`", "requests"],
        ),
        (
            "[layers.budget]\nusd_per_moon = 2\n",
            ["`layers.budget`", "usd_per_moon"],
        ),
        (
            "[layers.resume]\nattempts = 0\n",
            ["`layers.resume`", "attempts"],
        ),
        ("[layers]\nmetrics = 4\n", ["`layers.metrics`", "4"]),
        ("[layers.retry]\ntries = 2\n", ["2:1", "`tries`"]),
        ("[layers.timeout]\nfirst = \"1s\"\n", ["2:1", "`first`"]),
        ("[layers.cahce]\n", ["`layers.cahce`", "no such layer"]),
        ("[layers.fallback]\n", ["`layers.fallback`", "by a route"]),
        ("[layers.hooks]\n", ["`layers.hooks`", "in code"]),
    ] {
        let error = wrong(toml);
        let text = format!("{error} {}", error.help());
        for told in told {
            assert!(text.contains(told), "{toml}: {told} isn't in {text}");
        }
    }
    let error = wrong("[providers.mine.layers.concurrency]\nmax = 0\n");
    assert_eq!(error.provider(), Some("mine"));
}

#[cfg(not(feature = "redact"))]
#[test]
fn a_layer_of_a_feature_that_is_off_names_it() {
    let error = wrong("[layers.redact]\n");
    assert!(error.message().contains("feature `redact`"), "{error}");
    assert!(error.help().contains("all-layers"), "{}", error.help());
}

#[cfg(feature = "all-layers")]
#[tokio::test]
async fn names_with_parameters_of_their_own_share_no_answers() {
    let toml = "[layers.cache]\n\
        [models]\n\
        plain = \"echo/echo\"\n\
        poet = { model = \"echo/echo\", system = \"Write a poem.\" }\n\
        judge = { model = \"echo/echo\", system = \"Say yes or no.\" }\n\
        also-judge = \"judge\"\n";
    let config = Config::from_toml(toml).unwrap();
    let registry = Registry::with(&[]).unwrap().with_env(Env::empty());
    let registry = registry.with_config(config).unwrap();
    let layers = ConfiguredLayers::new(registry.config()).unwrap();
    let mut reused = Vec::new();
    for id in ["plain", "poet", "judge", "poet", "also-judge", "echo/echo"] {
        let model = layers.model(&registry, id).unwrap();
        let answer = model.ask("Is it so?").await.unwrap();
        reused.push((id, answer.metadata.reused.is_some()));
    }
    let expected = [
        ("plain", false),
        ("poet", false),
        ("judge", false),
        ("poet", true),
        ("also-judge", true),
        ("echo/echo", true),
    ];
    assert_eq!(reused, expected);
}
