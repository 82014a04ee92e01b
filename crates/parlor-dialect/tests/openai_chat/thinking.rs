//! The wish to reason, in the words of hosts and families.

use super::*;

fn ask() -> ChatRequest {
    ChatRequest::new([Message::user("a")])
}

/// What is written for a wish to reason, beside the message.
fn switched(config: impl Into<ReasoningConfig>, quirks: Value) -> (Value, Vec<String>) {
    let written = write_with(&ask().with_reasoning(config), quirks).unwrap();
    let warned = written.warned().iter().map(|it| (*it).to_owned()).collect();
    let mut body = written.body;
    body.as_object_mut()
        .unwrap()
        .retain(|key, _| !matches!(key.as_str(), "model" | "messages"));
    (body, warned)
}

fn warned(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn reasoning_by_effort() {
    let quirks = json!({"thinking": "effort"});
    let of = |config: ReasoningConfig| switched(config, quirks.clone());
    assert_eq!(
        of(Effort::High.into()),
        (json!({"reasoning_effort": "high"}), vec![])
    );
    assert_eq!(
        of(ReasoningConfig::off()),
        (json!({"reasoning_effort": "none"}), vec![])
    );
    assert_eq!(
        of(Effort::Other("ultra".to_owned()).into()),
        (json!({"reasoning_effort": "ultra"}), vec![])
    );
    assert_eq!(of(Effort::Auto.into()), (json!({}), vec![]));
    assert_eq!(
        of(ReasoningConfig::budget(1_000)),
        (
            json!({"reasoning_effort": "low"}),
            warned(&["reasoning.budget_tokens"])
        )
    );
    assert_eq!(
        of(ReasoningConfig::budget(100_000)),
        (
            json!({"reasoning_effort": "high"}),
            warned(&["reasoning.budget_tokens"])
        )
    );
    let mut summary = ReasoningConfig::from(Effort::Low);
    summary.summary = Some("auto".to_owned());
    assert_eq!(
        of(summary),
        (
            json!({"reasoning_effort": "low"}),
            warned(&["reasoning.summary"])
        )
    );
}

#[test]
fn the_nearest_effort_that_host_or_family_knows() {
    let sent = |effort: Effort, quirks: Value, model: &str| {
        let request = ask().with_reasoning(effort);
        let written = write_as(&dialect(quirks), &request, model).unwrap();
        (
            written.body["reasoning_effort"].as_str().map(str::to_owned),
            written.warnings.len(),
        )
    };
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(sent(Effort::Off, json!({}), "o3"), (word("low"), 1));
    assert_eq!(sent(Effort::Max, json!({}), "o3"), (word("high"), 1));
    assert_eq!(
        sent(Effort::Off, json!({}), "gpt-5-mini"),
        (word("minimal"), 1)
    );
    assert_eq!(sent(Effort::Off, json!({}), "gpt-5.1"), (word("none"), 0));
    assert_eq!(
        sent(Effort::Auto, json!({}), "gpt-5.1"),
        (word("medium"), 1)
    );
    // The host's own list wins.
    assert_eq!(
        sent(Effort::Medium, json!({"efforts": ["low", "high"]}), "o3"),
        (word("low"), 1)
    );
}

#[test]
fn reasoning_by_a_switch() {
    let of = |config: ReasoningConfig, more: Value| {
        let mut quirks = json!({"thinking": "type"});
        merge(&mut quirks, more);
        switched(config, quirks)
    };
    let on = json!({"type": "enabled"});
    assert_eq!(
        of(Effort::Auto.into(), json!({})),
        (json!({"thinking": on}), vec![])
    );
    assert_eq!(
        of(ReasoningConfig::off(), json!({})),
        (json!({"thinking": {"type": "disabled"}}), vec![])
    );
    assert_eq!(
        of(Effort::Low.into(), json!({})),
        (json!({"thinking": on}), warned(&["reasoning.effort"]))
    );
    assert_eq!(
        of(Effort::Low.into(), json!({"effort_beside_switch": true})),
        (json!({"thinking": on, "reasoning_effort": "low"}), vec![])
    );
    let budget = ReasoningConfig::budget(2_048);
    assert_eq!(
        of(budget.clone(), json!({})),
        (
            json!({"thinking": on}),
            warned(&["reasoning.budget_tokens"])
        )
    );
    assert_eq!(
        of(budget.clone(), json!({"thinking_budget": true})),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}),
            vec![]
        )
    );
    assert_eq!(
        of(Effort::Other("adaptive".to_owned()).into(), json!({})),
        (json!({"thinking": {"type": "adaptive"}}), vec![])
    );

    let enable = |config: ReasoningConfig| {
        switched(
            config,
            json!({"thinking": "enable", "thinking_budget": true}),
        )
    };
    assert_eq!(
        enable(ReasoningConfig::off()),
        (json!({"enable_thinking": false}), vec![])
    );
    assert_eq!(
        enable(budget),
        (
            json!({"enable_thinking": true, "thinking_budget": 2048}),
            vec![]
        )
    );

    let template = |config: ReasoningConfig| {
        switched(
            config,
            json!({"thinking": "template", "template_switch": "thinking"}),
        )
    };
    assert_eq!(
        template(ReasoningConfig::off()),
        (json!({"chat_template_kwargs": {"thinking": false}}), vec![])
    );
    assert_eq!(
        switched(Effort::High, json!({"thinking": "none"})),
        (json!({}), warned(&["reasoning"]))
    );
}

#[test]
fn reasoning_by_an_object() {
    let of = |config: ReasoningConfig| switched(config, json!({"thinking": "object"}));
    assert_eq!(
        of(Effort::XHigh.into()),
        (json!({"reasoning": {"effort": "xhigh"}}), vec![])
    );
    assert_eq!(
        of(ReasoningConfig::off()),
        (json!({"reasoning": {"enabled": false}}), vec![])
    );
    assert_eq!(
        of(Effort::Auto.into()),
        (json!({"reasoning": {"enabled": true}}), vec![])
    );
    let mut both = ReasoningConfig::budget(2_000);
    both.effort = Some(Effort::Low);
    both.summary = Some("concise".to_owned());
    assert_eq!(
        of(both),
        (
            json!({"reasoning": {"max_tokens": 2000, "summary": "concise"}}),
            warned(&["reasoning.effort"])
        )
    );
}

#[test]
fn a_host_that_reasons_in_streams_alone_is_asked_for_one_or_told_not_to() {
    let quirks = json!({"thinking": "enable", "thinking_streams_only": true});
    let written = write_with(&ask(), quirks.clone()).unwrap();
    assert_eq!(written.body["enable_thinking"], false);
    assert_eq!(written.body.get("stream"), None);
    for (wish, streams) in [(Effort::Auto, true), (Effort::Off, false)] {
        let written = write_with(&ask().with_reasoning(wish), quirks.clone()).unwrap();
        let body = &written.body;
        assert_eq!(body["enable_thinking"], streams);
        assert_eq!(body["stream"] == true, streams);
        assert_eq!(written.warned(), [""; 0]);
    }
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let wire = dialect(quirks).write_request(&ask(), &target).unwrap();
    let body: Value = serde_json::from_slice(&wire.body).unwrap();
    assert_eq!(body.get("enable_thinking"), None);
}

#[test]
fn what_always_thinks_is_asked_for_nothing() {
    let ask = |wish: ReasoningConfig| {
        let request = ChatRequest::new([Message::user("a")]).with_reasoning(wish);
        write_with(&request, json!({"thinking": "always"})).unwrap()
    };
    let on = ask(Effort::High.into());
    assert_eq!(on.warned(), [""; 0]);
    assert_eq!(on.body.as_object().unwrap().len(), 2);
    assert_eq!(ask(ReasoningConfig::off()).warned(), ["reasoning"]);
}

#[test]
fn a_host_that_keeps_thoughts_is_sent_all_of_them() {
    let turn = Message::new(
        Role::Assistant,
        vec![Reasoning::new("hm").into(), Part::text("b")],
    );
    let request = ChatRequest::new([Message::user("a"), turn, Message::user("c")]);
    let quirks = json!({"keeps_reasoning": {"thinking": {"keep": "all"}}});
    let sent = |request: &ChatRequest| {
        let written = write_with(request, quirks.clone()).unwrap();
        written.messages()[1].get("reasoning_content").cloned()
    };
    assert_eq!(sent(&request), None);
    let other = request
        .clone()
        .with_options("host", &json!({"thinking": {"keep": null}}));
    assert_eq!(sent(&other), None);
    let kept = json!({"thinking": {"type": "enabled", "keep": "all"}});
    let request = request.with_options("host", &kept);
    assert_eq!(sent(&request), Some(json!("hm")));
}
