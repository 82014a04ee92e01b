//! Routes of the configuration, over models that play scripts.
#![cfg(feature = "layers")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use parlor::layers::ConfiguredLayers;
use parlor::layers::fallback::Tried;
use parlor::{
    ChatModel, ChatModelExt, Config, Descriptor, Env, Error, ErrorKind, ModelEntry, Provider,
    ProviderConfig, Registry, Result, Retry,
};
use parlor_testkit::{Script, Scripted};

/// A provider whose models are named for what they do.
#[derive(Debug)]
struct House {
    descriptor: Descriptor,
    built: Mutex<HashMap<String, Scripted>>,
}

fn script(model: &str) -> Script {
    let refuses = |kind, message| Script::refuses(Error::new(kind, message));
    match model {
        "down" => refuses(ErrorKind::Server, "broken"),
        "patient" => Script::refuses(
            Error::new(ErrorKind::RateLimited, "slow down")
                .with_retry(Retry::Later(Some(Duration::from_secs(60)))),
        ),
        "short" => refuses(ErrorKind::ContextTooLong, "too much"),
        "picky" => refuses(ErrorKind::InvalidRequest, "what?"),
        "half" => Script::text("half an answer").cut(4),
        other => Script::text(&format!("from {other}")),
    }
}

#[async_trait]
impl Provider for House {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        if model.starts_with("keyless") {
            return Err(Error::new(
                ErrorKind::Authentication,
                "an API key is needed",
            ));
        }
        let name = model.to_owned();
        let scripted = Scripted::with(move |_, _| Some(script(&name)));
        let scripted = scripted.with_info(config.model_info(model));
        let mut built = self.built.lock().unwrap();
        built.insert(model.to_owned(), scripted.clone());
        Ok(Arc::new(scripted))
    }

    async fn models(&self, _: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        Err(Error::unsupported("no list"))
    }
}

struct Setup {
    house: &'static House,
    registry: Registry,
    layers: ConfiguredLayers,
}

fn setup(toml: &str) -> Setup {
    let house: &'static House = Box::leak(Box::new(House {
        descriptor: Descriptor::new("house", "House").without_key(),
        built: Mutex::default(),
    }));
    let registry = Registry::with(&[house]).unwrap().with_env(Env::empty());
    let registry = registry.with_config(Config::from_toml(toml).unwrap());
    let registry = registry.unwrap();
    Setup {
        layers: ConfiguredLayers::new(registry.config()).unwrap(),
        registry,
        house,
    }
}

impl Setup {
    fn model(&self, id: &str) -> Result<Arc<dyn ChatModel>> {
        self.layers.model(&self.registry, id)
    }

    async fn ask(&self, id: &str) -> Result<String> {
        let model = self.model(id)?;
        let called = model.ask("Hi").await;
        let streamed = async { model.ask_stream("Hi").await?.response().await };
        let streamed = streamed.await;
        assert_eq!(called.is_ok(), streamed.is_ok());
        streamed.map(|answer| answer.text())
    }

    /// How often a model was asked.
    fn asked(&self, model: &str) -> usize {
        let built = self.house.built.lock().unwrap();
        built.get(model).map_or(0, |it| it.exchanges().begun)
    }
}

/// One attempt at each model.
const ONCE: &str = "layers.retry.attempts = 1\n";

#[tokio::test(start_paused = true)]
async fn a_fallback_route_goes_from_model_to_model() {
    let setup = setup(
        "models.nick = \"safe\"\n[layers.retry]\nattempts = 2\n\
        [routes.safe]\nmodels = [\"house/down\", \"house/keyless\", \"house/up\"]\n",
    );
    assert_eq!(setup.ask("safe").await.unwrap(), "from up");
    // Each of the two calls was tried twice at the first and once at the last.
    assert_eq!((setup.asked("down"), setup.asked("up")), (4, 2));
    assert_eq!(setup.ask("nick").await.unwrap(), "from up");
    assert_eq!(setup.model("safe").unwrap().info().id(), "house/down");
    assert!(
        setup.registry.check().is_empty(),
        "{:?}",
        setup.registry.check()
    );
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_told_of_each_turn() {
    let mut setup = setup(&format!(
        "{ONCE}[routes.safe]\nmodels = [\"house/keyless\", \"house/down\", \"house/up\"]\n"
    ));
    let turns = Arc::new(Mutex::new(Vec::new()));
    let told = turns.clone();
    setup.layers = setup.layers.on_turn(move |turn| {
        let kind = turn.error.kind().as_str();
        let line = format!("{} {kind} {}", turn.from.id(), turn.to.id());
        told.lock().unwrap().push(line);
    });
    setup.model("safe").unwrap().ask("Hi").await.unwrap();
    assert_eq!(
        *turns.lock().unwrap(),
        [
            "house/keyless authentication house/down",
            "house/down server house/up"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn another_model_is_asked_before_a_long_wait() {
    let setup = setup("[routes.safe]\nmodels = [\"house/patient\", \"house/up\"]\n");
    let began = tokio::time::Instant::now();
    assert_eq!(setup.ask("safe").await.unwrap(), "from up");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(setup.asked("patient"), 2, "no attempt but the call's");
    // Alone, or as the last, it is waited for.
    setup.ask("house/patient").await.unwrap_err();
    assert!(began.elapsed() > Duration::from_secs(200));
}

#[tokio::test(start_paused = true)]
async fn what_no_model_answers_fails_with_what_was_tried() {
    let setup = setup(&format!(
        "{ONCE}[routes.bad]\nmodels = [\"house/down\", \"house/picky\", \"house/up\"]\n\
        [routes.half]\nmodels = [\"house/half\", \"house/up\"]\n\
        [routes.none]\nmodels = [\"house/keyless\", \"house/keyless-too\"]\n\
        [routes.lost]\nmodels = [\"house/up\", \"nowhere/up\"]\n"
    ));
    let error = setup.ask("bad").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let tried: &Tried = std::error::Error::source(&error)
        .unwrap()
        .downcast_ref()
        .unwrap();
    assert_eq!(tried.attempts.len(), 2);
    assert_eq!(setup.asked("up"), 0);

    let stream = setup.model("half").unwrap().ask_stream("Hi").await.unwrap();
    let error = stream.response().await.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "half an ");
    assert_eq!(setup.asked("up"), 0);

    let error = setup.model("none").unwrap_err();
    assert_eq!(
        (error.kind(), error.model()),
        (ErrorKind::Authentication, Some("keyless"))
    );
    let error = setup.model("lost").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
}

#[tokio::test(start_paused = true)]
async fn layers_see_the_model_that_answers() {
    let setup = setup(&format!(
        "{ONCE}[providers.house.layers]\nconcurrency = {{ max = 1 }}\n\
        [layers.hedge]\ndelay = \"1s\"\n\
        [routes.safe]\nmodels = [\"house/down\", \"house/up\"]\n"
    ));
    assert_eq!(setup.ask("safe").await.unwrap(), "from up");
    let debug = format!("{:?}", setup.model("safe").unwrap());
    assert!(debug.starts_with("FallbackModel"), "{debug}");
    assert_eq!(debug.matches("HedgeModel").count(), 2, "{debug}");
    assert_eq!(debug.matches("ConcurrencyModel").count(), 2, "{debug}");
}

#[tokio::test(start_paused = true)]
async fn a_balanced_route_shares_what_it_knows_of_its_models() {
    for strategy in ["least-busy", "least-latency", "weighted"] {
        let setup = setup(&format!(
            "{ONCE}[routes.spread]\nstrategy = \"{strategy}\"\n\
            models = [\"house/down\", {{ model = \"house/up\", weight = 2 }}]\n"
        ));
        for _ in 0..200 {
            assert_eq!(setup.ask("spread").await.unwrap(), "from up");
        }
        // Asked anew each time, its circuit is the same one.
        assert_eq!(setup.asked("down"), 5, "{strategy}");
        assert_eq!(setup.asked("up"), 400);
    }
}

#[tokio::test(start_paused = true)]
async fn retries_of_a_balanced_route_choose_anew() {
    let setup = setup(
        "[layers.retry]\nattempts = 3\n\
        [routes.spread]\nstrategy = \"weighted\"\nmodels = [\"house/patient\"]\n",
    );
    let began = tokio::time::Instant::now();
    let error = setup.model("spread").unwrap().ask("Hi").await.unwrap_err();
    assert_eq!(error.retry(), Retry::Exhausted);
    assert_eq!(setup.asked("patient"), 3);
    // The wait that the provider asks for is the cool-down, and kept.
    assert!(began.elapsed() >= Duration::from_secs(120));
}

#[tokio::test(start_paused = true)]
async fn a_route_with_settings_of_a_name_is_no_model() {
    let setup = setup(
        "models.warm = { model = \"safe\", temperature = 1.0 }\n\
        [routes.safe]\nmodels = [\"house/up\"]\n",
    );
    let error = setup.model("warm").unwrap_err();
    assert!(error.message().contains("`safe` is a route"), "{error}");
    assert_eq!(setup.registry.check().len(), 1);
}

#[tokio::test]
async fn a_route_says_itself_when_it_turns() {
    let models = "models = [\"house/short\", \"house/up\"]\n";
    let setup = setup(&format!(
        "{ONCE}[routes.usual]\n{models}\
        [routes.long]\nturns_after = \"context_too_long\"\n{models}\
        [routes.odd]\nturns_after = [\"rain\"]\n{models}"
    ));
    let error = setup.ask("usual").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContextTooLong);
    assert_eq!(setup.ask("long").await.unwrap(), "from up");
    let error = setup.model("odd").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error
            .message()
            .contains("`rain` is none of context_too_long")
    );
}

#[tokio::test(start_paused = true)]
async fn a_balanced_route_says_itself_when_a_model_is_left_out() {
    let route = |breaker: &str| {
        setup(&format!(
            "{ONCE}[routes.spread]\nstrategy = \"weighted\"\n{breaker}\
            models = [{{ model = \"house/down\", weight = 1e9 }}, \"house/up\"]\n"
        ))
    };
    for (breaker, most) in [
        ("", 5),
        ("breaker = { failures = 1, cool_down = \"1h\" }\n", 1),
    ] {
        let setup = route(breaker);
        let model = setup.model("spread").unwrap();
        for _ in 0..9 {
            assert_eq!(model.ask("Hi").await.unwrap().text(), "from up");
        }
        assert_eq!(setup.asked("down"), most, "{breaker}");
        let targets = setup.layers.targets("spread").unwrap();
        assert_eq!((targets[0].is_open, targets[1].is_open), (true, false));
        assert!(targets[0].last_error.is_some() && targets[0].due_in.is_some());
        assert_eq!(setup.layers.targets("another").map(|it| it.len()), None);
    }
    let error = route("breaker = { failure = 1 }\n")
        .model("spread")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("routes.spread.breaker"), "{error}");
}
