//! Values out of answers: each strategy, what is put right, and what is left after each failure.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use parlor_agent::schemars::{self, JsonSchema};
use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A city.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
struct City {
    name: String,
    /// In millions.
    people: Option<f64>,
    #[serde(default)]
    rivers: Vec<String>,
}

fn oslo() -> City {
    City {
        name: "Oslo".to_owned(),
        people: Some(0.7),
        rivers: Vec::new(),
    }
}

const OSLO: &str = r#"{"name": "Oslo", "people": 0.7}"#;

fn knowing(scripts: impl IntoIterator<Item = Script>, can: &[Capability]) -> Scripted {
    let mut info = ModelInfo::new("scripted", "script");
    let all = [
        Capability::JsonSchema,
        Capability::Tools,
        Capability::ToolChoice,
        Capability::Json,
    ];
    info.capabilities = Capabilities::UNKNOWN.lacking(&all).having(can);
    Scripted::new(scripts).with_info(info)
}

fn native(scripts: impl IntoIterator<Item = Script>) -> Scripted {
    knowing(scripts, &[Capability::JsonSchema])
}

fn with_usage(mut choice: Choice, tokens: u64) -> Script {
    choice.finish_reason = choice.finish_reason.or(Some(FinishKind::Stop.into()));
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    let mut usage = Usage::default();
    usage.output_tokens = Some(tokens);
    response.usage = Some(usage);
    Script::response(response)
}

fn says(text: &str, tokens: u64) -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text(text));
    with_usage(choice, tokens)
}

fn ends(part: Part, kind: FinishKind) -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts.push(part);
    choice.finish_reason = Some(kind.into());
    with_usage(choice, 7)
}

/// An answer that calls tools.
fn calls(calls: &[(&str, &str)]) -> Script {
    let mut choice = Choice::new(0);
    for (name, arguments) in calls {
        let call = ToolCall::new(format!("{name}1"), *name, Arguments::json(*arguments));
        choice.message.parts.push(Part::ToolCall(call));
    }
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    with_usage(choice, 5)
}

fn schema_of(request: &ChatRequest) -> Value {
    match request.output.as_ref().unwrap() {
        OutputFormat::JsonSchema(output) => output.schema.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_model_that_knows_schemas_gets_one() {
    let model = native([says(OSLO, 3)]);
    let city: City = model.extract("Oslo?").await.unwrap();
    assert_eq!(city, oslo());
    let sent = &model.requests()[0];
    let Some(OutputFormat::JsonSchema(output)) = &sent.output else {
        panic!("{:?}", sent.output)
    };
    assert_eq!((&*output.name, output.strict), ("City", Some(true)));
    assert_eq!(output.schema["type"], "object");
    assert_eq!(output.schema["description"], "A city.");
    let people = &output.schema["properties"]["people"];
    assert_eq!(people["description"], "In millions.");
    assert_eq!(people.get("format"), None, "no host knows Rust's formats");
    assert_eq!(output.schema["required"], json!(["name"]));
    assert_eq!(sent.messages.len(), 1, "no instructions are needed");
}

#[tokio::test]
async fn a_model_that_knows_tools_must_call_one() {
    let can = [Capability::Tools, Capability::ToolChoice];
    let model = knowing([calls(&[("answer", OSLO)])], &can);
    let extracted = Extractor::<City>::new().extract(&model, "Oslo?").await;
    let extracted = extracted.unwrap();
    assert_eq!(extracted.value, oslo());
    assert_eq!(extracted.response.text(), OSLO);
    let finish = extracted.response.finish_reason().unwrap();
    assert_eq!(finish.kind, FinishKind::Stop);
    let sent = &model.requests()[0];
    assert_eq!(sent.output, None);
    let tool = sent.tools[0].as_function().unwrap();
    assert_eq!(sent.tool_choice, Some(ToolChoice::Tool("answer".into())));
    assert!(tool.description.as_ref().unwrap().contains("final answer"));
    assert_eq!(tool.parameters.as_ref().unwrap()["required"][0], "name");
}

#[tokio::test]
async fn a_model_that_knows_json_or_nothing_is_told_the_schema() {
    for (can, output) in [
        (&[Capability::Json][..], Some(OutputFormat::Json)),
        (&[], None),
    ] {
        let fenced = format!("Here you {{are}} [1]:\n```json\n{OSLO}\n```\nAnything else?");
        let model = knowing([says(&fenced, 3)], can);
        let request = ChatRequest::from("Oslo?").with_system("Be brief.");
        let city: City = model.extract(request).await.unwrap();
        assert_eq!(city, oslo());
        let sent = &model.requests()[0];
        assert_eq!(sent.output, output);
        assert_eq!(sent.messages.len(), 2, "one system message");
        let told = sent.messages[0].text();
        assert!(told.starts_with("Be brief.\n\nAnswer with"), "{told}");
        assert!(told.contains(r#""required":["name"]"#), "{told}");
    }
}

#[tokio::test]
async fn the_strategy_can_be_set_and_a_refused_one_gives_way() {
    let model = native([says(OSLO, 3)]);
    let by_words = Extractor::<City>::new()
        .with_strategy(ExtractStrategy::Prompt)
        .with_name("a city");
    by_words.extract(&model, "Oslo?").await.unwrap();
    assert_eq!(model.requests()[0].output, None);

    // Nothing is known: the schema is sent and told, then a tool is tried.
    let refusal = || Script::refuses(Error::unsupported("no schemas here"));
    let model = Scripted::new([refusal(), calls(&[("answer", OSLO)])]);
    let city: City = model.extract("Oslo?").await.unwrap();
    assert_eq!(city, oslo());
    let sent = model.requests();
    assert_eq!(schema_of(&sent[0])["type"], "object");
    assert!(sent[0].system_text().unwrap().contains("JSON Schema"));
    assert_eq!(sent[1].tools.len(), 1);
    assert_eq!(sent[1].system_text(), None);

    // One that is set has no other; and where none helps the first error counts.
    let model = Scripted::new([refusal()]);
    let native = Extractor::<City>::new().with_strategy(ExtractStrategy::Native);
    let error = native.extract(&model, "Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let bad = Error::new(ErrorKind::InvalidRequest, "no");
    let model = Scripted::new([
        refusal(),
        Script::refuses(bad.clone()),
        Script::refuses(bad),
    ]);
    let error = model.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.message(), "no schemas here");
    let down = Error::new(ErrorKind::Overloaded, "later");
    let model = Scripted::new([Script::refuses(down)]);
    let error = model.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
}

#[tokio::test]
async fn a_wrong_answer_is_shown_with_what_is_wrong_once() {
    let wrong = r#"{"name": "Oslo", "rivers": ["Alna", 5]}"#;
    let model = native([says(wrong, 10), says(OSLO, 20)]);
    let extracted = Extractor::<City>::new().extract(&model, "Oslo?").await;
    let extracted = extracted.unwrap();
    assert_eq!((extracted.value, extracted.attempts), (oslo(), 2));
    assert_eq!(extracted.usage.output_tokens, Some(30));
    let sent = &model.requests()[1].messages;
    assert_eq!(sent[1].text(), wrong);
    let told = sent[2].text();
    assert!(told.contains("`rivers[1]`: invalid type"), "{told}");

    let model = native([says(wrong, 10), says("I give up.", 20)]);
    let error = model.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.message().contains("no JSON in it"), "{error}");
    let partial = error.partial().unwrap();
    assert_eq!(partial.text(), "I give up.");
    assert_eq!(partial.usage.as_ref().unwrap().output_tokens, Some(30));

    let model = native([says(wrong, 10)]);
    let once = Extractor::<City>::new().with_retries(0);
    let error = once.extract(&model, "Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn what_a_second_try_can_not_better_is_not_asked_again() {
    let text = |it: &str| Part::text(it);
    let refusal = Part::Refusal(Refusal::new("I won't."));
    for (part, finish, kind, message) in [
        (
            refusal,
            FinishKind::Stop,
            ErrorKind::Validation,
            "refused to answer: I won't.",
        ),
        (
            text("No."),
            FinishKind::Refusal,
            ErrorKind::Validation,
            "refused to answer: No.",
        ),
        (
            text("{"),
            FinishKind::ContentFilter,
            ErrorKind::ContentFiltered,
            "filter",
        ),
        (
            text(r#"{"name": "Os"#),
            FinishKind::Length,
            ErrorKind::Truncated,
            "limit of tokens",
        ),
    ] {
        let model = native([ends(part, finish)]);
        let error = model.extract::<City>("Oslo?").await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.retry(), Retry::Never);
        assert!(error.message().contains(message), "{error}");
        let usage = error.partial().unwrap().usage.as_ref();
        assert_eq!(usage.unwrap().output_tokens, Some(7));
        assert_eq!(model.requests().len(), 1);
    }
    // Whole in spite of the limit.
    let model = native([ends(text(OSLO), FinishKind::Length)]);
    assert_eq!(model.extract::<City>("Oslo?").await.unwrap(), oslo());
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mood {
    Glad,
    Sad { why: String },
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Tree {
    label: String,
    children: Vec<Tree>,
}

async fn read<T: Extractable>(answer: &str) -> (T, Value) {
    let model = native([says(answer, 1)]);
    let value = model.extract("?").await.unwrap();
    (value, schema_of(&model.requests()[0]))
}

#[tokio::test]
async fn what_is_no_object_goes_within_one() {
    let (list, schema) = read::<Vec<City>>(&format!(r#"{{"answer": [{OSLO}]}}"#)).await;
    assert_eq!(list, [oslo()]);
    assert_eq!(schema["properties"]["answer"]["type"], "array");
    assert_eq!(schema["required"], json!(["answer"]));
    assert_eq!(schema["$defs"]["City"]["type"], "object");
    // Left out by the model.
    let (list, _) = read::<Vec<City>>(&format!("[{OSLO}]")).await;
    assert_eq!(list, [oslo()]);
    assert_eq!(read::<u8>(r#"{"answer": 7}"#).await.0, 7);
    assert_eq!(read::<u8>("7").await.0, 7);
    let (mood, schema) = read::<Mood>(r#"{"answer": {"sad": {"why": "rain"}}}"#).await;
    let why = "rain".to_owned();
    assert_eq!(mood, Mood::Sad { why });
    assert_eq!(schema["type"], "object");
    assert_eq!(read::<Mood>(r#"{"answer": "glad"}"#).await.0, Mood::Glad);
    assert_eq!(read::<Option<City>>(r#"{"answer": null}"#).await.0, None);
}

#[tokio::test]
async fn recursive_types_refer_to_themselves() {
    let leaf = json!({"label": "b", "children": []});
    let answer = json!({"label": "a", "children": [leaf]});
    let (tree, schema) = read::<Tree>(&answer.to_string()).await;
    assert_eq!(tree.children[0].label, "b");
    let items = &schema["properties"]["children"]["items"];
    assert_eq!(items["$ref"], "#/$defs/Tree");
    assert_eq!(schema["$defs"]["Tree"]["type"], "object");
    let (trees, schema) = read::<Vec<Tree>>(&json!({"answer": [answer]}).to_string()).await;
    assert_eq!(trees.len(), 1);
    assert_eq!(schema["$defs"]["Tree"]["type"], "object");
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Place {
    City(City),
    Sea { depth: u32 },
}

#[tokio::test]
async fn tagged_enums_say_their_tag_in_one_object() {
    let answer = json!({"answer": [{"kind": "city", "name": "Oslo", "people": 0.7}]});
    let (places, schema) = read::<Vec<Place>>(&answer.to_string()).await;
    assert_eq!(places, [Place::City(oslo())]);
    // Many hosts read nothing beside a reference.
    let variants = schema["$defs"]["Place"]["oneOf"].as_array().unwrap();
    let city = variants
        .iter()
        .find(|it| it["properties"]["kind"]["const"] == "city");
    let city = city.unwrap();
    assert_eq!(city.get("$ref"), None);
    assert_eq!(city["required"], json!(["kind", "name"]));
    assert_eq!(city["properties"]["people"]["description"], "In millions.");
}

#[tokio::test]
async fn maps_go_by_a_tool_and_are_not_strict() {
    type Map = BTreeMap<String, u32>;
    let can = [Capability::JsonSchema, Capability::Tools];
    let model = knowing([calls(&[("answer", r#"{"answer": {"a": 1}}"#)])], &can);
    let map = model.extract::<Map>("?").await;
    // A tool that can't be forced is none.
    assert!(map.is_err());
    let can = [can[0], can[1], Capability::ToolChoice];
    let model = knowing([calls(&[("answer", r#"{"answer": {"a": 1}}"#)])], &can);
    let map: Map = model.extract("?").await.unwrap();
    assert_eq!(map["a"], 1);
    let sent = &model.requests()[0];
    assert_eq!(sent.tools[0].as_function().unwrap().strict, None);
    let (map, _) = read::<Map>(r#"{"answer": {"a": 1}}"#).await;
    assert_eq!(map.len(), 1);
}

#[tokio::test]
async fn nulls_stand_for_what_was_left_out() {
    let (city, _) = read::<City>(r#"{"name": "Oslo", "people": 0.7, "rivers": null}"#).await;
    assert_eq!(city, oslo());
    let text = Value::from(OSLO).to_string();
    assert_eq!(read::<City>(&text).await.0, oslo(), "JSON within JSON");
}

struct Population;

#[async_trait]
impl Tool for Population {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition::function("population", "Counts.", json!({"type": "object"}))
    }

    async fn call(&self, _: Value, _: &ToolContext) -> Result<ToolOutput> {
        Ok("0.7 million".into())
    }
}

#[tokio::test]
async fn a_conversation_runs_its_tools_first() {
    let can = [Capability::Tools, Capability::ToolChoice];
    for (model, by_tool) in [
        (
            knowing(
                [calls(&[("population", "{}")]), calls(&[("answer", OSLO)])],
                &can,
            ),
            true,
        ),
        (
            native([calls(&[("population", "{}")]), says(OSLO, 5)]),
            false,
        ),
    ] {
        let mut chat = Conversation::new(model.clone()).with_tool(Population);
        let city: City = chat.extract("Oslo?").await.unwrap();
        assert_eq!(city, oslo());
        let sent = model.requests();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1].messages[2].role, Role::Tool);
        let choice = by_tool.then_some(ToolChoice::Required);
        assert_eq!(sent[0].tool_choice, choice);
        assert_eq!(sent[0].tools.len(), if by_tool { 2 } else { 1 });
        // The answer is text in the history, whatever the way.
        let turn = &chat.history().turns()[0];
        assert_eq!((&*turn.text(), turn.state), (OSLO, TurnState::Complete));
        assert_eq!(turn.messages.len(), 4);
        assert_eq!(chat.model().info().id(), "scripted/script");
        assert_eq!(chat.request_mut().output, None);
    }
}

#[tokio::test]
async fn an_answer_beside_other_calls_waits_for_their_results() {
    let can = [Capability::Tools, Capability::ToolChoice];
    let early = calls(&[("answer", r#"{"name": "Oslo"}"#), ("population", "{}")]);
    let model = knowing([early, calls(&[("answer", OSLO)])], &can);
    let mut chat = Conversation::new(model.clone()).with_tool(Population);
    let city: City = chat.extract("Oslo?").await.unwrap();
    assert_eq!(city.people, Some(0.7));
    let sent = &model.requests()[1].messages;
    assert_eq!(
        sent[1].tool_calls().count(),
        1,
        "the answer is no call there"
    );
    assert_eq!(sent[2].parts.len(), 1);
}

#[tokio::test]
async fn reasoning_that_led_to_a_call_is_not_replayed_without_it() {
    let native = || Native::new(Origin::new("scripted", "test"), json!({"id": "r1"}));
    let thinks = |name: &str, arguments: &str| {
        let mut choice = Choice::new(0);
        let thought = Part::Reasoning(Reasoning::new("Hm.")).with_native(native());
        let call = ToolCall::new(name, name, Arguments::json(arguments));
        choice.message.parts = vec![thought, Part::ToolCall(call)];
        with_usage(choice, 1)
    };
    let can = [Capability::Tools, Capability::ToolChoice];
    let scripts = [thinks("population", "{}"), thinks("answer", OSLO)];
    let mut chat = Conversation::new(knowing(scripts, &can)).with_tool(Population);
    chat.extract::<City>("Oslo?").await.unwrap();
    let messages = &chat.history().turns()[0].messages;
    assert_eq!(messages[1].parts[0].native().unwrap().item, native().item);
    assert_eq!(messages[3].parts[0].native(), None);
    assert_eq!(messages[3].reasoning(), "Hm.");
}

#[tokio::test]
async fn a_correction_leaves_no_trace_in_the_history() {
    let model = native([
        calls(&[("population", "{}")]),
        says("It is Oslo.", 10),
        says(OSLO, 20),
        says("Yes.", 1),
    ]);
    let mut chat = Conversation::new(model.clone()).with_tool(Population);
    let extracted = Extractor::<City>::new()
        .extract_in(&mut chat, "Oslo?")
        .await;
    let extracted = extracted.unwrap();
    assert_eq!(
        (extracted.attempts, extracted.usage.output_tokens),
        (2, Some(35))
    );
    let turns = chat.history().turns();
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0].text(), OSLO);
    assert_eq!(turns[0].usage.output_tokens, Some(35));
    use Role::*;
    let roles: Vec<_> = turns[0].messages.iter().map(|it| it.role).collect();
    assert_eq!(roles, [User, Assistant, Tool, Assistant]);
    chat.send("Sure?").await.unwrap();
    assert_eq!(
        model.requests()[3].output,
        None,
        "only while it is asked for"
    );

    // What the question set, its correction is asked with.
    let model = native([says("It is Oslo.", 10), says(OSLO, 20)]);
    let mut chat = Conversation::new(model.clone());
    let question = ChatRequest::from("Oslo?").with_temperature(0.25);
    chat.extract::<City>(question).await.unwrap();
    let set: Vec<_> = model.requests().iter().map(|it| it.temperature).collect();
    assert_eq!(set, [Some(0.25), Some(0.25)]);

    // Twice wrong: the question stays, with the last answer.
    let model = native([says("Oslo.", 10), says("Oslo!", 20)]);
    let mut chat = Conversation::new(model);
    let error = chat.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    let usage = error.partial().unwrap().usage.clone();
    assert_eq!(usage.unwrap().output_tokens, Some(30));
    assert_eq!(chat.history().turns().len(), 1);
    assert_eq!(chat.history().turns()[0].text(), "Oslo!");
}

#[tokio::test]
async fn a_turn_that_ends_before_the_answer_is_an_error() {
    let model = native([calls(&[("population", "{}")])]);
    let mut chat = Conversation::new(model.clone())
        .with_tool(Population)
        .with_limits(Limits::steps(1));
    let error = chat.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let model = native([calls(&[("population", "{}")])]);
    let mut chat = Conversation::new(model)
        .with_tool(Population)
        .without_execution();
    let error = chat.extract::<City>("Oslo?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tool);
    assert_eq!(chat.pending_calls().len(), 1);

    // Outside of a conversation nobody runs them.
    let model = native([calls(&[("population", "{}")])]);
    let error = model.extract::<City>("Oslo?").await.unwrap_err();
    assert!(error.help().contains("conversation"), "{error}");
}

#[tokio::test]
async fn an_extraction_that_is_dropped_gives_the_conversation_back() {
    let model = native([Script::new().hangs(), says("Hello.", 1)]);
    let mut chat = Conversation::new(model.clone());
    {
        let mut partials = chat.stream_partial::<City>("Oslo?");
        let next = std::pin::pin!(partials.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(next.poll(&mut context).is_pending());
    }
    assert_eq!(model.exchanges().abandoned, 1);
    chat.send("Hello?").await.unwrap();
    let sent = model.requests();
    assert_eq!(sent[1].output, None);
}
