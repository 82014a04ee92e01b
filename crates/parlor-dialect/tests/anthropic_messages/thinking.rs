//! Thinking, and what doesn't go with it.

use super::*;

fn hi() -> ChatRequest {
    ChatRequest::from("Hi")
}

/// Model, wish, what is written, and the settings warned of.
fn thinks(model: &str, wish: ReasoningConfig, thinking: Value, effort: Value, warned: &[&str]) {
    let request = hi().with_reasoning(wish).with_max_output_tokens(20_000);
    let written = write_for(&request, model).unwrap();
    let got = written.body.get("thinking").cloned().unwrap_or_default();
    assert_eq!(got, thinking, "{model}");
    assert_eq!(written.body["output_config"]["effort"], effort, "{model}");
    assert_eq!(written.warned(), warned, "{model}");
}

#[test]
fn thinking_is_asked_for_as_the_family_wants() {
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let adaptive = json!({"type": "adaptive"});
    let none = Value::Null;
    let wish = ReasoningConfig::budget;
    let effort = |effort: Effort| ReasoningConfig::from(effort);
    thinks(
        "claude-3-7-sonnet",
        wish(3000),
        budget(3000),
        none.clone(),
        &[],
    );
    thinks(
        "claude-sonnet-4-5",
        effort(Effort::Low),
        budget(2048),
        none.clone(),
        &["reasoning.effort"],
    );
    thinks(
        "claude-sonnet-4-5",
        effort(Effort::Max),
        budget(10_000),
        none.clone(),
        &["reasoning.effort"],
    );
    thinks(
        "claude-sonnet-4-5",
        effort(Effort::Auto),
        budget(8192),
        none.clone(),
        &[],
    );
    thinks(
        "claude-sonnet-4-5",
        wish(50_000),
        budget(19_999),
        none.clone(),
        &["reasoning.budget_tokens"],
    );
    thinks(
        "claude-sonnet-4-5",
        wish(10),
        budget(1024),
        none.clone(),
        &["reasoning.budget_tokens"],
    );
    thinks(
        "anthropic/claude-opus-4.5",
        effort(Effort::High),
        budget(10_000),
        json!("high"),
        &[],
    );
    thinks(
        "us.anthropic.claude-opus-4-6-v1:0",
        wish(3000),
        budget(3000),
        none.clone(),
        &[],
    );
    thinks(
        "claude-opus-4-6",
        effort(Effort::Max),
        adaptive.clone(),
        json!("max"),
        &[],
    );
    thinks(
        "claude-opus-4-6",
        effort(Effort::XHigh),
        adaptive.clone(),
        json!("high"),
        &["reasoning.effort"],
    );
    thinks(
        "claude-opus-4-8@default",
        effort(Effort::XHigh),
        adaptive.clone(),
        json!("xhigh"),
        &[],
    );
    thinks(
        "claude-opus-4-8",
        effort(Effort::Minimal),
        adaptive.clone(),
        json!("low"),
        &["reasoning.effort"],
    );
    thinks(
        "claude-opus-4-8",
        effort(Effort::Auto),
        adaptive.clone(),
        none.clone(),
        &[],
    );
    thinks(
        "claude-sonnet-5-5",
        wish(3000),
        adaptive,
        none.clone(),
        &["reasoning.budget_tokens"],
    );
    thinks(
        "claude-sonnet-5-5",
        effort(Effort::Off),
        json!({"type": "disabled"}),
        none.clone(),
        &[],
    );
    thinks(
        "claude-3-5-sonnet-20241022",
        effort(Effort::High),
        none.clone(),
        none.clone(),
        &["reasoning"],
    );
    thinks(
        "claude-3-5-sonnet-20241022",
        effort(Effort::Off),
        none.clone(),
        none.clone(),
        &[],
    );
    thinks("glm-5.2", wish(2000), budget(2000), none, &[]);
}

#[test]
fn the_host_may_rule_the_style_of_thinking() {
    let request = hi().with_reasoning(Effort::High);
    let with = |style: &str| {
        let written = write_with(&request, json!({"thinking": style}), &info()).unwrap();
        written.body.get("thinking").cloned().unwrap_or_default()
    };
    assert_eq!(with("switch"), json!({"type": "enabled"}));
    assert_eq!(with("adaptive"), json!({"type": "adaptive"}));
    assert_eq!(with("none"), Value::Null);
    let mut wish = ReasoningConfig::budget(2000);
    wish.summary = Some("detailed".into());
    let written = write(&hi().with_reasoning(wish));
    assert_eq!(written.body["thinking"]["display"], "summarized");
    assert_eq!(written.warned(), ["reasoning.summary"]);
}

#[test]
fn without_a_limit_thoughts_get_room_of_their_own() {
    let written = write(&hi().with_reasoning(ReasoningConfig::budget(10_000)));
    assert_eq!(written.body["max_tokens"], 14_096);
    let request = hi()
        .with_max_output_tokens(1000)
        .with_reasoning(Effort::High);
    let written = write(&request);
    assert!(written.body.get("thinking").is_none());
    assert_eq!(written.warned(), ["reasoning"]);
}

#[test]
fn sampling_gives_way_to_thinking() {
    let mut request = hi()
        .with_temperature(0.3)
        .with_reasoning(ReasoningConfig::budget(1024));
    request.top_k = Some(5);
    request.top_p = Some(0.5);
    let written = write(&request);
    assert_eq!(written.warned(), ["temperature", "top_p", "top_k"]);
    for key in ["temperature", "top_p", "top_k"] {
        assert!(written.body.get(key).is_none());
    }
    request.reasoning = Some(ReasoningConfig::off());
    let written = write_for(&request, "claude-sonnet-4-20250514").unwrap();
    assert!(written.warnings.is_empty());
    assert_eq!(written.body["temperature"], 0.3);
    assert_eq!(written.body["top_p"], 0.5);
    // The newest families take no sampling settings at all.
    let written = write_for(&request, "claude-opus-5").unwrap();
    assert_eq!(written.warned(), ["temperature", "top_p", "top_k"]);
}

#[test]
fn temperature_goes_without_top_p_where_one_is_taken() {
    let mut request = hi().with_temperature(0.3);
    request.top_p = Some(0.5);
    for model in [
        "claude-opus-4-1-20250805",
        "claude-haiku-4-5",
        "us.anthropic.claude-sonnet-4-6-v1:0",
        "claude-opus-4-5@20251101",
    ] {
        let written = write_for(&request, model).unwrap();
        assert_eq!(written.warned(), ["top_p"], "{model}");
        assert_eq!(written.body["temperature"], 0.3, "{model}");
        assert!(written.body.get("top_p").is_none(), "{model}");
    }
    request.on_unsupported = Some(OnUnsupported::Error);
    let error = write_for(&request, MODEL).err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`temperature`"), "{error}");
    // A temperature of 1 is what there is without one.
    request.temperature = Some(1.0);
    let written = write(&request);
    assert!(written.warnings.is_empty());
    assert!(written.body.get("temperature").is_none());
    assert_eq!(written.body["top_p"], 0.5);
}

#[test]
fn a_forced_call_does_not_go_with_thinking() {
    let tool = ToolDefinition::function("f", "d", json!({"type": "object"}));
    let mut request = hi().with_tool(tool);
    request = request.with_reasoning(ReasoningConfig::budget(1024));
    request.tool_choice = Some(ToolChoice::Required);
    let error = write_for(&request, MODEL).err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    request.on_unsupported = Some(OnUnsupported::Warn);
    let written = write(&request);
    assert_eq!(written.body["tool_choice"], json!({"type": "auto"}));
    assert_eq!(written.warned(), ["tool_choice"]);
}

#[test]
fn thoughts_in_tags_are_told_apart_where_the_family_writes_them() {
    let read = |model: &str, content: &[Value]| {
        let (info, profile) = (ModelInfo::new("anthropic", model), Profile::of(model));
        let target = Target::new(&info, &profile).streaming();
        let mut decoder = AnthropicMessages::default().decoder(&target);
        let mut out = VecDeque::new();
        for frame in framed(content, "end_turn") {
            let data = frame.to_string();
            decoder
                .decode(Frame::data(data.as_bytes()), &mut out)
                .unwrap();
        }
        let response = collect(out);
        (response.reasoning(), response.text())
    };
    let opened = begin(0, json!({"type": "text", "text": ""}));
    let tagged = [
        opened.clone(),
        text(0, "<thi"),
        text(0, "nk>hm</think>\n"),
        text(0, "ok"),
        stop(0),
    ];
    assert_eq!(read("qwen3:8b", &tagged), ("hm".into(), "ok".into()));
    assert_eq!(read(MODEL, &tagged).1, "<think>hm</think>\nok");
    let plain = [opened, text(0, "<"), stop(0)];
    assert_eq!(read("qwen3:8b", &plain), ("".into(), "<".into()));
    // A host that has a block for thoughts has taken the tags out.
    let apart = [
        begin(0, json!({"type": "thinking", "thinking": "hm"})),
        stop(0),
        begin(1, json!({"type": "text", "text": "<think>"})),
        stop(1),
    ];
    assert_eq!(read("qwen3:8b", &apart), ("hm".into(), "<think>".into()));
}
