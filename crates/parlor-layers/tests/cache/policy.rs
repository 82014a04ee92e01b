//! Which requests the cache is for, by the request, the policy and the configuration.

use super::{SECOND, ask, cached};
use parlor_core::*;
use parlor_layers::cache::CacheMode;
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_request_says_itself_what_to_do_and_nobody_else_hears_it() {
    let model = Scripted::with(|number, _| Some(Script::text(&number.to_string())));
    let default = cached(&model, |_| {});
    let request = || ChatRequest::from("Hi").with_extra("house", "key", 1);
    for (mode, expected) in [
        (None, "0"),
        (None, "0"),
        (Some(CacheMode::Off), "1"),
        (None, "0"),
        (Some(CacheMode::Refresh), "2"),
        (None, "2"),
        (Some(CacheMode::Use), "2"),
    ] {
        let asked = match mode {
            Some(mode) => mode.on(request()),
            None => request(),
        };
        let answer = ask(&*default, false, &asked).await.unwrap();
        assert_eq!(answer.text(), expected, "{mode:?}");
    }
    assert_eq!(model.requests(), vec![request(); 3]);

    let written = json!({"messages": [{"role": "user", "parts": "Ho"}], "extra": {"parlor": {"cache": "sometimes"}}});
    let written: ChatRequest = serde_json::from_value(written).unwrap();
    for streamed in [false, true] {
        let error = ask(&*default, streamed, &written).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.help(), "Say `use`, `refresh` or `off`.");
    }
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_policy_decides_for_requests_that_say_nothing() {
    let asked = |model: &Scripted| model.requests().len();
    let model = Scripted::answering("Hello");
    let asked_for = cached(&model, |it| it.mode = CacheMode::Off);
    for _ in 0..2 {
        asked_for.ask("Hi").await.unwrap();
    }
    assert_eq!(asked(&model), 2);
    for _ in 0..2 {
        asked_for.ask(CacheMode::Use.on("Hi".into())).await.unwrap();
    }
    assert_eq!(asked(&model), 3);

    let model = Scripted::answering("Hello");
    let repeatable = cached(&model, |it| it.only_deterministic = true);
    let warm = ChatRequest::from("Hi").with_temperature(0.7);
    let mut seeded = warm.clone();
    seeded.seed = Some(1);
    for (request, calls) in [
        (ChatRequest::from("Hi"), 2),
        (warm.clone(), 2),
        (ChatRequest::from("Hi").with_temperature(0.0), 1),
        (seeded, 1),
        (CacheMode::Use.on(warm), 1),
    ] {
        let before = asked(&model);
        for _ in 0..2 {
            repeatable.chat(&request).await.unwrap();
        }
        assert_eq!(asked(&model) - before, calls, "{request:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_configuration_makes_it() {
    let settings = json!({
        "ttl": "10m", "max_entries": 1000, "max_bytes": 67_108_864, "only_deterministic": true,
        "mode": "use", "key": {"namespace": "staging", "user": true}
    });
    let layer = configured("cache", &settings).unwrap();
    let model = Scripted::answering("Hello");
    let cached = model
        .clone()
        .layer(Stack::new().with_configured(layer).build().unwrap());
    for (user, wait, asked) in [("a", 0, 1), ("a", 599, 1), ("b", 0, 2), ("a", 1, 3)] {
        tokio::time::sleep(SECOND * wait).await;
        let mut request = ChatRequest::from("Hi").with_temperature(0.0);
        request.user = Some(user.to_owned());
        cached.chat(&request).await.unwrap();
        assert_eq!(
            model.requests().len(),
            asked,
            "{user} after {wait} more seconds"
        );
    }
    for (settings, told) in [
        (json!({"ttl": "0s"}), "`ttl` at nothing"),
        (json!({"ttl": 10}), "a duration such as"),
        (json!({"max_entries": 0}), "`max_entries` at nothing"),
        (json!({"mode": "sometimes"}), "`refresh`"),
        (json!({"store_timeout": "1s"}), "unknown field"),
        (json!({"key": {"use": true}}), "unknown field"),
    ] {
        let error = configured("cache", &settings).unwrap_err();
        assert!(error.message().contains(told), "{error}");
    }
}
