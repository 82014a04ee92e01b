//! Chat Completions against recorded traffic of many hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use parlor_dialect::openai_chat::{OpenAiChat, Quirks};
use parlor_dialect::{Profile, ReasoningReplay, overridden};
use parlor_testkit::Cassette;
use serde_json::{Map, Value, json};
use support::{Check, Exception, Suite, drop_nulls};

/// The quirks of a cassette's host, as configuration would set them.
fn quirks(cassette: &Cassette) -> Quirks {
    let fields = match cassette.provider.as_str() {
        "openai" => json!({"reasoning_field": "reasoning_content"}),
        "deepseek" | "zhipu" => json!({"thinking": "type", "effort_beside_switch": true}),
        "qwen" | "gpustack" | "ollama" => {
            json!({"thinking": "enable", "effort_beside_switch": true})
        }
        "openrouter" | "vercel-gateway" => json!({
            "thinking": "object",
            "cache": "cache_control",
            "reasoning_field": "reasoning",
            "document_urls": true,
        }),
        "perplexity" => json!({"documents": "file_url"}),
        _ => json!({}),
    };
    let base = match cassette.provider.as_str() {
        "openai" | "azure-openai" => Quirks::openai(),
        _ => Quirks::compatible(),
    };
    let common = json!({"text_parts": true, "tool_media": true, "video_url": true});
    overridden(overridden(base, &common).unwrap(), &fields).unwrap()
}

/// Reasoning is sent back as the recorded client did.
fn profile(_: &Cassette) -> Profile {
    let mut profile = Profile::default();
    profile.replay = ReasoningReplay::Always;
    profile
}

/// Equivalent spellings and documented defaults, each with its reason.
fn normalise(body: &mut Value) {
    drop_nulls(body);
    let body = body.as_object_mut().unwrap();
    // Not streaming is the default.
    if body.get("stream") == Some(&json!(false)) {
        body.remove("stream");
    }
    // Whether usage is asked for is the host's quirk, not the caller's wish.
    body.remove("stream_options");
    // Two names of one limit; which is written is a quirk.
    if let Some(limit) = body.remove("max_completion_tokens") {
        body.insert("max_tokens".to_owned(), limit);
    }
    // An effort says that thinking is on.
    if body.contains_key("reasoning_effort") {
        body.retain(|key, value| match key.as_str() {
            "thinking" => *value != json!({"type": "enabled"}),
            "enable_thinking" => *value != json!(true),
            _ => true,
        });
    }
    // No tools are as good as none; so is no stop.
    for key in ["tools", "stop"] {
        if body.get(key) == Some(&json!([])) {
            body.remove(key);
        }
    }
    for key in ["tools", "response_format"] {
        body.get_mut(key).map(normalise_schema);
    }
    // A choice among no tools is none.
    if !body.contains_key("tools") {
        body.remove("tool_choice");
    }
    // A tool is a function unless it says otherwise.
    let tools = body.get_mut("tools").and_then(Value::as_array_mut);
    for tool in tools.into_iter().flatten() {
        let tool = tool.as_object_mut().unwrap();
        tool.entry("type").or_insert(json!("function"));
    }
    let messages = body["messages"].as_array_mut().unwrap();
    for message in &mut *messages {
        normalise_message(message.as_object_mut().unwrap());
    }
    // An answer of nothing says nothing, and hosts refuse it.
    messages.retain(|it| *it != json!({"role": "assistant"}));
}

/// The order of required properties says nothing, nor does the name of the
/// schema's own schema.
fn normalise_schema(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("$schema");
            if let Some(Value::Array(required)) = map.get_mut("required") {
                required.sort_by_key(Value::to_string);
            }
            map.values_mut().for_each(normalise_schema);
        }
        Value::Array(list) => list.iter_mut().for_each(normalise_schema),
        _ => {}
    }
}

fn normalise_message(message: &mut Map<String, Value>) {
    // Two words for one role; which is written is a quirk.
    if message["role"] == "developer" {
        message.insert("role".to_owned(), json!("system"));
    }
    // A text is the same as a list of this text alone.
    if let Some(Value::Array(parts)) = message.get("content")
        && let [part] = parts.as_slice()
        && let (Some(text), 2) = (part.get("text"), part.as_object().unwrap().len())
    {
        let text = text.clone();
        message.insert("content".to_owned(), text);
    }
    // An image by its address alone is the short form.
    if let Some(Value::Array(parts)) = message.get_mut("content") {
        for part in parts {
            if let Some(url @ Value::String(_)) = part.get("image_url") {
                part["image_url"] = json!({"url": url});
            }
        }
    }
    // Empty content is as good as none, and what stands for it is a quirk.
    if [Some(&json!("")), Some(&json!([]))].contains(&message.get("content")) {
        message.remove("content");
    }
    for key in ["annotations", "tool_calls", "reasoning_details"] {
        if message.get(key) == Some(&json!([])) {
            message.remove(key);
        }
    }
    for call in message
        .get_mut("tool_calls")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let call = call.as_object_mut().unwrap();
        // A call's place follows from its order.
        call.remove("index");
        // Empty arguments mean none.
        let arguments = &mut call["function"]["arguments"];
        if arguments == "" {
            *arguments = json!("{}");
        }
    }
    // Thoughts without a word say nothing.
    if message.get("reasoning_content") == Some(&json!("")) {
        message.remove("reasoning_content");
    }
    // The same thoughts in several fields count once.
    let plain =
        message.contains_key("reasoning_content") || message.contains_key("reasoning_details");
    if plain && message.contains_key("reasoning") {
        message.remove("reasoning");
    }
}

const EXCEPTIONS: &[Exception] = &[
    (
        "groq/0xPlaygrounds-rig__agent_tool_sessions-parallel_tool_calls_single_turn_nonstreaming-1",
        Check::Request,
        "arguments that are `null` go back as `{}`, since many hosts want an object",
    ),
    (
        "openrouter/pydantic-pydantic-ai__test_openrouter_stream_error-0",
        Check::Encoder,
        "an error after the finish reason is a warning, and the dialect has no place for warnings",
    ),
    (
        "snowflake/pydantic-pydantic-ai__test_snowflake_model_streaming-0",
        Check::Encoder,
        "the host gives no finish reason; clients wait for one, so `stop` is written",
    ),
];

#[test]
fn recorded_exchanges() {
    Suite {
        dialect: "openai-chat",
        make: |cassette| OpenAiChat::new(quirks(cassette)),
        profile,
        normalise,
        exceptions: EXCEPTIONS,
    }
    .run();
}

/// Mistral's dialect is this one but for a few words.
#[test]
fn recorded_exchanges_with_mistral() {
    let make = |_: &Cassette| {
        let quirks = json!({
            "max_tokens": "max_tokens",
            "seed_field": "random_seed",
            "reasoning_field": "content_part",
            "required_word": "any",
            "stream_usage": false,
            "tool_name": true,
            "tool_media": true,
            "text_parts": true,
            "bare_audio": true,
            "documents": "document_url",
        });
        OpenAiChat::new(overridden(Quirks::compatible(), &quirks).unwrap())
    };
    Suite {
        dialect: "mistral",
        make,
        profile,
        normalise,
        exceptions: &[],
    }
    .run();
}
