//! Ollama's own chat over its recorded exchanges.

#![allow(clippy::unwrap_used)]

mod support;

use parlor_dialect::Profile;
use parlor_dialect::ollama::{Ollama, Quirks};
use parlor_testkit::Cassette;
use serde_json::Value;
use support::{Check, Suite};

/// Clients older than 0.12.10 send calls without ids.
fn make(cassette: &Cassette) -> Ollama {
    let body = cassette.request.body.as_ref();
    let messages = body.and_then(|it| it["messages"].as_array());
    let calls = messages.into_iter().flatten().flat_map(|message| {
        let calls = message["tool_calls"].as_array();
        calls.into_iter().flatten()
    });
    let mut quirks = Quirks::default();
    quirks.call_ids = calls.clone().count() == 0 || calls.clone().any(|it| it["id"].is_string());
    Ollama::new(quirks)
}

/// Spellings of nothing: an empty `format`, `options` or `tools`, and null.
/// And `stream` is written always, since leaving it out means true.
fn normalise(body: &mut Value) {
    support::drop_nulls(body);
    let body = body.as_object_mut().unwrap();
    body.retain(|key, value| match key.as_str() {
        "format" => value != "",
        "options" => value.as_object().is_none_or(|it| !it.is_empty()),
        "tools" => value.as_array().is_none_or(|it| !it.is_empty()),
        _ => true,
    });
    body.entry("stream").or_insert(Value::Bool(true));
}

#[test]
fn recorded_exchanges() {
    let suite = Suite {
        dialect: "ollama-chat",
        make,
        profile: |cassette| {
            let body = cassette.request.body.as_ref();
            let model = body.and_then(|it| it["model"].as_str());
            Profile::of(model.unwrap_or_default())
        },
        normalise,
        exceptions: &[(
            "ollama/traceloop-openllmetry__test_ollama_chat_tool_calls_legacy-0",
            Check::Request,
            "recorded before `tool_name` was; a result always names its tool here",
        )],
    };
    suite.run();
}
