//! Streams, their grammar and their collection, through the public interface.

#![allow(clippy::expect_used)]

use futures_util::stream;
use parlor_core::*;
use std::sync::Arc;

fn block_on<F: Future>(future: F) -> F::Output {
    futures_util::FutureExt::now_or_never(future).expect("nothing here waits")
}

fn delta(choice: u32, part: u32, text: &str) -> Event {
    Event::TextDelta {
        choice,
        part,
        text: text.into(),
    }
}

fn started() -> Event {
    Event::started(Some("r1".into()), None, None)
}

fn chat_stream(items: Vec<Result<Event>>) -> ChatStream {
    ChatStream::new(Arc::new(ModelInfo::new("p", "m")), stream::iter(items))
}

#[test]
fn collecting_a_stream_equals_the_call() {
    let request = ChatRequest::from("Why is the sky blue?").with_system("Be brief.");
    let model = Echo::new();
    let called = block_on(model.chat(&request)).unwrap();
    let mut grammar = Grammar::new();
    let mut opened = block_on(model.stream(&request)).unwrap();
    while let Some(item) = block_on(opened.next()) {
        grammar.check(&item).unwrap();
    }
    grammar.finish().unwrap();
    let collected = opened.stop();
    assert_eq!(collected, called);
    assert_eq!(called.usage.unwrap().input_tokens, Some(7));
}

#[test]
fn interleaved_parts_and_choices_do_not_mix() {
    let mut collector = Collector::new("p");
    let text = PartKind::Text;
    for event in [
        started(),
        Event::part_started(1, 0, text),
        Event::part_started(0, 0, text),
        Event::part_started(0, 1, text),
        delta(0, 0, "a"),
        delta(1, 0, "x"),
        delta(0, 1, "m"),
        delta(0, 0, "b"),
        delta(1, 0, "y"),
        delta(9, 9, "nowhere"),
        Event::part_finished(0, 0),
        delta(0, 0, "late"),
    ] {
        collector.push(&event);
    }
    let response = collector.into_response();
    assert!(response.interrupted);
    let texts: Vec<String> = response
        .choices
        .iter()
        .map(|it| it.message.text())
        .collect();
    assert_eq!(texts, ["abm", "xy"]);
}

#[test]
fn a_source_that_dries_up_is_truncated_and_keeps_its_partial() {
    let items = vec![
        Ok(started()),
        Ok(Event::part_started(0, 0, PartKind::Text)),
        Ok(delta(0, 0, "Hel")),
    ];
    let error = block_on(chat_stream(items).response()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let partial = error.partial().unwrap();
    assert_eq!(
        (partial.text().as_str(), partial.interrupted),
        ("Hel", true)
    );
}

#[test]
fn nothing_follows_the_terminal() {
    let items = vec![
        Ok(started()),
        Ok(Event::completed(None)),
        Ok(started()),
        Err(Error::truncated()),
    ];
    let mut opened = chat_stream(items);
    assert!(block_on(opened.next()).is_some_and(|it| it.is_ok()));
    assert!(block_on(opened.next()).is_some_and(|it| it.is_ok()));
    assert!(block_on(opened.next()).is_none());
    assert!(!opened.stop().interrupted);
}

#[test]
fn facts_that_turn_up_later_stand_in_for_the_first() {
    let facts = |id: &str| {
        let mut metadata = ResponseMetadata::default();
        metadata.request_id = Some(id.to_owned());
        metadata
    };
    let mut opened = chat_stream(vec![Ok(started())]).with_metadata(facts("first"));
    let later = opened.later_metadata();
    assert_eq!(*opened.metadata(), facts("first"));
    later.set(Box::new(facts("second"))).unwrap();
    assert_eq!(*opened.metadata(), facts("second"));
    let told = opened.later_metadata();
    assert_eq!(told.get().map(|it| &**it), Some(&facts("second")));
    assert_eq!(opened.partial().metadata, facts("second"));
    assert_eq!(opened.stop().metadata, facts("second"));
}

#[test]
fn an_open_tool_call_is_delivered_as_cut() {
    let mut opened = chat_stream(vec![
        Ok(started()),
        Ok(Event::call_started(0, 0, CallHead::new("c1", "f"))),
        Ok(Event::ArgumentsDelta {
            choice: 0,
            part: 0,
            text: "{}".into(),
        }),
    ]);
    for _ in 0..3 {
        block_on(opened.next());
    }
    let partial = opened.partial();
    let call = partial.tool_calls().next().unwrap();
    assert_eq!(call.arguments, Arguments::cut("{}"));
    assert!(call.arguments.parse().is_err());
}

#[test]
fn a_response_replayed_as_events_collects_to_itself() {
    let json = serde_json::json!({
        "id": "r1", "provider": "p", "model": "m", "created": 5,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "parts": [
                {"type": "reasoning", "text": "hm", "native": {"origin": {"provider": "p", "dialect": "d"}, "item": {"signature": "s"}}},
                {"type": "text", "text": "Hi", "citations": [{"url": "https://example.org"}]},
                {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "source", "url": "https://example.org"},
                {"type": "refusal", "text": "no"}
            ]}, "finish_reason": {"kind": "tool_calls", "raw": "stop"},
             "logprobs": {"content": [{"token": "Hi", "logprob": -0.1}]}},
            {"index": 1, "message": {"role": "assistant", "parts": []}, "finish_reason": {"kind": "length"}}
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "warnings": [{"kind": "coerced", "setting": "seed", "message": "rounded"}],
        "native": [{"origin": {"provider": "p", "dialect": "d"}, "item": {"x": 1}}]
    });
    let mut response: ChatResponse = serde_json::from_value(json).unwrap();
    // A seal is put on when an event stream is collected.
    let sealed = response.choices[0].message.parts[0]
        .native()
        .unwrap()
        .clone();
    response.choices[0].message.parts[0].set_native(sealed);

    let mut grammar = Grammar::new();
    let mut collector = Collector::new("p");
    for event in response.clone().into_events() {
        let read = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(event, read, "the JSON form keeps everything");
        collector.push(&event);
        grammar.check(&Ok(event)).unwrap();
    }
    grammar.finish().unwrap();
    assert_eq!(collector.into_response(), response);
}

#[test]
fn an_answer_played_as_a_stream_stays_itself() {
    let mut response = block_on(Echo::new().ask("Hi there")).unwrap();
    response.metadata.request_id = Some("r1".to_owned());
    response.metadata.reused = Some(Reused::Call);
    let info = Arc::new(Echo::new().info().clone());
    let play = |it: &ChatResponse| ChatStream::of_response(info.clone(), it.clone());
    let played = play(&response);
    assert_eq!(*played.metadata(), response.metadata);
    assert_eq!(block_on(played.response()).unwrap(), response);

    response.provider = "elsewhere".to_owned();
    assert_eq!(play(&response).info().id(), "elsewhere/echo");
    assert_eq!(block_on(play(&response).response()).unwrap(), response);

    response.interrupted = true;
    let error = block_on(play(&response).response()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial(), Some(&response));
}

#[test]
fn the_grammar_checker_finds_each_fault() {
    let text = |part| Event::part_started(0, part, PartKind::Text);
    let finished = || Event::finished(0, FinishKind::Stop.into());
    let completed = || Event::completed(None);
    let wrong: Vec<(&str, Vec<Event>)> = vec![
        ("no Started", vec![text(0)]),
        ("two Started", vec![started(), started()]),
        ("delta in no part", vec![started(), delta(0, 0, "a")]),
        ("empty delta", vec![started(), text(0), delta(0, 0, "")]),
        ("part twice", vec![started(), text(0), text(0)]),
        (
            "wrong delta",
            vec![
                started(),
                Event::part_started(0, 0, PartKind::Reasoning),
                delta(0, 0, "a"),
            ],
        ),
        (
            "finished with an open part",
            vec![started(), text(0), finished()],
        ),
        ("finished twice", vec![started(), finished(), finished()]),
        (
            "completed with an open part",
            vec![started(), text(0), completed()],
        ),
        (
            "completed with an unfinished choice",
            vec![started(), text(0), Event::part_finished(0, 0), completed()],
        ),
        ("after the end", vec![started(), completed(), completed()]),
    ];
    for (name, events) in wrong {
        let mut grammar = Grammar::new();
        let found = events
            .into_iter()
            .any(|event| grammar.check(&Ok(event)).is_err());
        assert!(found, "{name}");
    }
    assert!(Grammar::new().finish().is_err());
}

#[test]
fn echo_calls_tools_and_fills_schemas() {
    let schema = serde_json::json!({
        "type": "object", "required": ["city", "days"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}
    });
    let request = ChatRequest::from("please use get_weather").with_tool(ToolDefinition::function(
        "get_weather",
        "Weather",
        schema.clone(),
    ));
    let response = block_on(Echo::new().chat(&request)).unwrap();
    assert_eq!(
        response.finish_reason().unwrap().kind,
        FinishKind::ToolCalls
    );
    let call = response.tool_calls().next().unwrap();
    assert_eq!(
        call.arguments.parse().unwrap(),
        serde_json::json!({"city": "text", "days": 1})
    );

    let answered = request
        .with_message(response.message().unwrap().clone())
        .with_message(Message::tool_results([ToolResult::text(&call.id, "4 C")]));
    assert_eq!(block_on(Echo::new().chat(&answered)).unwrap().text(), "4 C");

    let wanted = OutputFormat::JsonSchema(OutputSchema::new("w", schema));
    let response = block_on(Echo::new().chat(&ChatRequest::from("x").with_output(wanted))).unwrap();
    assert_eq!(response.text(), r#"{"city":"text","days":1}"#);
}

#[test]
fn an_empty_request_is_an_error_with_help() {
    let error = block_on(Echo::new().chat(&ChatRequest::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.help(), "Add a user message.");
}

#[test]
fn request_fields_are_checked_by_name() {
    let read = |json: &str| serde_json::from_str::<ChatRequest>(json);
    assert!(read(r#"{"messages":[{"role":"user","content":"hi"}],"temperature":0.7}"#).is_ok());
    let error = read(r#"{"messages":[],"temprature":0.7}"#).unwrap_err();
    assert!(error.to_string().contains("temprature"), "{error}");
}

#[test]
fn json_schemas_of_the_forms_are_there() {
    for schema in [
        schemars::schema_for!(ChatRequest),
        schemars::schema_for!(ChatResponse),
        schemars::schema_for!(Event),
    ] {
        assert!(schema.get("properties").is_some() || schema.get("oneOf").is_some());
    }
}

#[test]
fn waiting_for_the_first_event_takes_nothing_away() {
    let events = || {
        let part = PartKind::Text;
        vec![
            Ok(started()),
            Ok(Event::part_started(0, 0, part)),
            Ok(delta(0, 0, "Hi")),
        ]
    };
    let read = |mut stream: ChatStream| {
        let mut seen = Vec::new();
        let error = loop {
            match block_on(stream.next()).expect("an end") {
                Ok(event) => seen.push(event),
                Err(error) => break error,
            }
        };
        (seen, error.partial().cloned())
    };
    let plain = read(chat_stream(events()));
    let waiting = || {
        let mut stream = chat_stream(events());
        block_on(stream.ready()).unwrap();
        block_on(stream.ready()).unwrap();
        stream
    };
    assert_eq!(waiting().partial().id.as_deref(), Some("r1"));
    assert_eq!(read(waiting()), plain);
    assert_eq!(read(waiting().map_events(|events| events)), plain);
    let info = Arc::new(ModelInfo::new("p", "m"));
    assert_eq!(read(ChatStream::new(info, waiting().into_events())), plain);

    let mut begun = waiting();
    block_on(begun.next()).unwrap().unwrap();
    block_on(begun.ready()).unwrap();
    let next = block_on(begun.next()).unwrap().unwrap();
    assert!(matches!(next, Event::PartStarted { .. }));

    let broken = || Err(Error::new(ErrorKind::Server, "broken"));
    let error = block_on(chat_stream(vec![broken()]).ready()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    let error = block_on(chat_stream(vec![]).ready()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
}
