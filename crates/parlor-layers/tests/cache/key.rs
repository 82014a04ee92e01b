//! Which requests are the same.

use parlor_core::*;
use parlor_layers::cache::CacheMode;
use parlor_layers::key::{CacheKey, KeyPolicy};
use serde_json::{Value, json};

fn read(request: Value) -> ChatRequest {
    serde_json::from_value(request).unwrap()
}

fn key_by(policy: &KeyPolicy, request: &ChatRequest) -> CacheKey {
    let info = ModelInfo::new("house", "model-1");
    policy.key(&info, request).unwrap()
}

fn key(request: &ChatRequest) -> CacheKey {
    key_by(&KeyPolicy::default(), request)
}

fn full() -> Value {
    json!({
        "messages": [
            {"role": "system", "parts": "Be brief."},
            {"role": "user", "parts": [
                {"type": "text", "text": "What is it?"},
                {"type": "media", "kind": "image", "source": {"bytes": "iVA="}, "media_type": "image/png"}
            ]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"a\": 1}"}]},
            {"role": "tool", "parts": [{"type": "tool_result", "call_id": "c1", "parts": [{"type": "text", "text": "so"}]}]}
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}],
        "temperature": 1.0,
        "max_output_tokens": 100,
        "stop": ["x"],
        "extra": {"house": {"alpha": 1, "beta": {"x": 1, "y": [1, 2]}}}
    })
}

#[test]
fn order_and_defaults_do_not_count() {
    let mut other = json!({
        "extra": {"house": {"beta": {"y": [1.0, 2], "x": 1}, "alpha": 1}, "nobody": {}},
        "reasoning": {},
        "stop": ["x"],
        "n": 1,
        "logprobs": false,
        "tool_choice": "auto",
        "output": {"type": "text"},
        "parallel_tool_calls": null,
        "include_raw": true,
        "cache": {"ttl_seconds": 60},
        "max_output_tokens": 100,
        "temperature": 1,
        "metadata": {"trace": "1"},
        "user": "somebody",
        "tools": [{"parameters": {"properties": {"a": {}}, "type": "object"}, "name": "f", "type": "function", "cache": {}}]
    });
    other["messages"] = full()["messages"].clone();
    other["messages"][0] =
        json!({"parts": [{"cache": {}, "text": "Be brief.", "type": "text"}], "role": "developer"});
    other["messages"][3]["parts"][0]["parts"][0]["cache"] = json!({"ttl_seconds": 5});
    assert_eq!(key(&read(other)), key(&read(full())));
}

#[test]
fn everything_else_does() {
    let changes = [
        ("/messages/0/parts", json!("Be long.")),
        ("/messages/0/role", json!("user")),
        ("/messages/1/parts/1/source/bytes", json!("iVE=")),
        ("/messages/2/parts/0/arguments", json!("{\"a\":1}")),
        ("/messages/2/parts/0/id", json!("c2")),
        ("/messages/3/parts/0/parts/0/text", json!("no")),
        ("/tools/0/parameters/properties/a", json!({"cache": 1})),
        ("/temperature", json!(0.999)),
        ("/max_output_tokens", json!(101)),
        ("/stop", json!(["x", "y"])),
        ("/extra/house/alpha", json!("1")),
        ("/extra/house/alpha", json!(null)),
        ("/extra/house/beta/y", json!([2, 1])),
        ("/extra/house/beta/y", json!([[1], 2])),
    ];
    let mut keys = vec![key(&read(full()))];
    for (place, value) in changes {
        let mut request = full();
        *request.pointer_mut(place).expect(place) = value;
        keys.push(key(&read(request)));
    }
    let additions = json!({
        "tool_choice": "required", "parallel_tool_calls": true, "output": {"type": "json"},
        "top_p": 0.5, "top_k": 3, "frequency_penalty": 1, "presence_penalty": 1, "seed": 1, "n": 2,
        "logprobs": true, "top_logprobs": 2, "reasoning": {"effort": "low"}, "service_tier": "flex",
        "on_unsupported": "warn", "on_foreign_tools": "warn"
    });
    for (name, value) in additions.as_object().unwrap() {
        let mut request = full();
        request[name] = value.clone();
        keys.push(key(&read(request)));
    }
    let info = ModelInfo::new("house", "model-2");
    keys.push(KeyPolicy::default().key(&info, &read(full())).unwrap());
    let mut unique = keys.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), keys.len());
}

#[test]
fn what_does_not_change_the_answer_is_settable() {
    let changed = |set: &dyn Fn(&mut KeyPolicy), change: &dyn Fn(&mut ChatRequest)| {
        let mut policy = KeyPolicy::default();
        set(&mut policy);
        let mut request = read(full());
        let before = key_by(&policy, &request);
        change(&mut request);
        before != key_by(&policy, &request)
    };
    let user = |it: &mut ChatRequest| it.user = Some("me".to_owned());
    let label = |it: &mut ChatRequest| {
        it.metadata.insert("a".to_owned(), "b".to_owned());
    };
    let tier = |it: &mut ChatRequest| it.service_tier = Some("flex".to_owned());
    let alpha = |it: &mut ChatRequest| *it = it.clone().with_extra("house", "alpha", 2);
    assert!(!changed(&|_| {}, &user) && changed(&|it| it.user = true, &user));
    assert!(!changed(&|_| {}, &label) && changed(&|it| it.metadata = true, &label));
    assert!(changed(&|_| {}, &tier) && !changed(&|it| it.service_tier = false, &tier));
    let ignore = |it: &mut KeyPolicy| it.ignored_extra.push("alpha".to_owned());
    assert!(changed(&|_| {}, &alpha) && !changed(&ignore, &alpha));

    let mut apart = KeyPolicy::default();
    apart.namespace = "tenant".to_owned();
    assert_ne!(key_by(&apart, &read(full())), key(&read(full())));
    let switched = CacheMode::Refresh.on(read(full()));
    assert_eq!(key(&switched), key(&read(full())));
}

/// Answers in shared stores are found by these: a change of the form must come
/// with another version.
#[test]
fn keys_stay_what_they_are() {
    assert_eq!(
        key(&"Hi".into()).to_string(),
        "parlor:1:8ca123fb77e45475ce54c96f94bc67cdb84f5a463c9742d8faa4dd50427d3895"
    );
    assert_eq!(
        key(&read(full())).to_string(),
        "parlor:1:6b75c39586a02349715ccedccbf24d88ab49560316dcd1bf4a841d6e20e9cbc7"
    );
}
