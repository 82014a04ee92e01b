//! Tools made of functions and closures: what a model is told of them, what they are given, what they answer.

#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used)]

use parlor_agent::{Effect, Json, Tool, ToolContext, ToolOutput, schemars, tool, tool_fn};
use parlor_core::{Arguments, Error, ErrorKind, Part, Result, ToolCall};
use serde_json::{Value, json};

struct Db(&'static str);

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "parlor_agent::schemars")]
#[serde(rename_all = "snake_case")]
enum Unit {
    Celsius,
    Kelvin,
}

/// The weather in a city.
///
/// Not the climate.
#[tool]
async fn weather(
    /// The city.
    city: String,
    days: Option<u32>,
    /// How warmth is measured.
    #[serde(default = "celsius")]
    unit: Unit,
    #[context] db: &Db,
) -> Result<impl Into<ToolOutput>> {
    let days = days.map_or("none".to_owned(), |days| days.to_string());
    match city.as_str() {
        "Atlantis" => Err(Error::new(ErrorKind::Validation, "there is no such city")),
        _ => Ok(json!([city, days, db.0, unit])),
    }
}

fn celsius() -> Unit {
    Unit::Celsius
}

#[tool(name = "delete-file", description = "Deletes it.", effect = "changes")]
async fn delete(
    #[schemars(length(min = 1))] r#type: String,
) -> std::result::Result<(), &'static str> {
    match r#type.as_str() {
        "none" => Err("it isn't there"),
        _ => Ok(()),
    }
}

/// Says which call it is.
#[tool(effect)]
async fn which(#[context] context: &ToolContext, #[context] db: Option<&Db>) -> String {
    format!("{} {}", context.call.id, db.is_some())
}

/// Adds.
#[tool]
async fn add(mut a: f64, b: f64) -> f64 {
    a += b;
    a
}

/// Shows.
#[tool(effect = "none")]
async fn show() -> Vec<Part> {
    vec![Part::text("a"), Part::text("b")]
}

fn context() -> ToolContext {
    ToolContext::new(ToolCall::new("id1", "t", Arguments::json("{}")))
}

fn parameters(tool: &dyn Tool) -> Option<Value> {
    let definition = tool.definition();
    definition.as_function().unwrap().parameters.clone()
}

async fn text(tool: &dyn Tool, arguments: Value) -> String {
    let output = tool.call(arguments, &context().with_value(Db("4"))).await;
    let texts = output.unwrap().parts.into_iter().map(|part| match part {
        Part::Text(text) => text.text,
        other => panic!("{other:?}"),
    });
    texts.collect::<Vec<_>>().join("|")
}

#[test]
fn a_model_is_told_what_the_function_says() {
    let definition = weather.definition();
    let function = definition.as_function().unwrap();
    assert_eq!(function.name, "weather");
    let description = function.description.as_deref();
    assert_eq!(
        description,
        Some("The weather in a city.\n\nNot the climate.")
    );
    assert_eq!(
        parameters(&weather).unwrap(),
        json!({
            "type": "object",
            "properties": {
                "city": {"description": "The city.", "type": "string"},
                "days": {"type": ["integer", "null"], "format": "uint32", "minimum": 0},
                "unit": {
                    "description": "How warmth is measured.",
                    "type": "string",
                    "enum": ["celsius", "kelvin"],
                    "default": "celsius"
                }
            },
            "required": ["city"]
        })
    );
    assert_eq!(weather.effect(), Effect::None);
    assert_eq!(parameters(&show), None);
    assert_eq!(show.effect(), Effect::None);

    let definition = delete.definition();
    let function = definition.as_function().unwrap();
    assert_eq!(function.name, "delete-file");
    assert_eq!(function.description.as_deref(), Some("Deletes it."));
    let schema = parameters(&delete).unwrap();
    assert_eq!(schema["properties"]["type"]["minLength"], 1);
    assert_eq!(delete.effect(), Effect::Changes);
    assert_eq!(which.effect(), Effect::Changes);
}

#[tokio::test]
async fn arguments_and_values_reach_the_function() {
    let said = text(
        &weather,
        json!({"city": "Oslo", "days": 2, "unit": "kelvin"}),
    )
    .await;
    assert_eq!(said, r#"["Oslo","2","4","kelvin"]"#);
    let said = text(&weather, json!({"city": "Oslo", "days": null})).await;
    assert_eq!(said, r#"["Oslo","none","4","celsius"]"#);
    assert_eq!(text(&which, json!({})).await, "id1 true");
    assert_eq!(text(&add, json!({"a": 1.5, "b": 2})).await, "3.5");
    assert_eq!(text(&show, Value::Null).await, "a|b");
    assert_eq!(text(&delete, json!({"type": "a"})).await, "Done.");

    let missing = weather().call(json!({"city": "Oslo"}), &context()).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn wrong_arguments_are_told_by_their_place() {
    let wrong = |arguments| async {
        let error = weather().call(arguments, &context()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        error.message().to_owned()
    };
    assert_eq!(wrong(json!({})).await, "missing field `city`");
    let days = wrong(json!({"city": "Oslo", "days": "two"})).await;
    assert_eq!(days, "`days`: invalid type: string \"two\", expected u32");
    let unit = wrong(json!({"city": "Oslo", "unit": "rankine"})).await;
    assert!(
        unit.contains("`unit`") && unit.contains("celsius"),
        "{unit}"
    );
    let text = wrong(json!("Oslo")).await;
    assert!(text.contains("expected an object of arguments"), "{text}");
}

#[tokio::test]
async fn what_the_schema_does_not_name_is_passed_over() {
    let said = text(&add, json!({"a": 1, "b": 2, "c": 3})).await;
    assert_eq!(said, "3");
}

#[tokio::test]
async fn errors_stay_or_become_the_tools() {
    let error = delete()
        .call(json!({"type": "none"}), &context())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Tool, "it isn't there")
    );

    let context = context().with_value(Db("4"));
    let error = weather().call(json!({"city": "Atlantis"}), &context).await;
    let error = error.err().unwrap();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Validation, "there is no such city")
    );

    let ours = tool_fn("t", "It does.", |say: String, _| async move {
        Err::<String, _>(Error::new(ErrorKind::Validation, say))
    });
    let error = ours.call(json!("wrong"), &context).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Validation, "wrong")
    );
}

#[tokio::test]
async fn a_closure_may_take_nothing() {
    let ping = tool_fn("ping", "Pings.", |(): (), _| async { "pong" });
    assert_eq!(parameters(&ping), None);
    for nothing in [json!({}), json!(null)] {
        assert_eq!(text(&ping, nothing).await, "pong");
    }
    let error = ping.call(json!({"a": 1}), &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn a_closure_is_a_tool() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[schemars(crate = "parlor_agent::schemars")]
    /// A place on a map.
    struct Place {
        city: String,
    }

    let greeting = "Hello".to_owned();
    let greet = tool_fn(
        "greet",
        "Greets.",
        move |place: Place, context: ToolContext| {
            let greeting = format!("{greeting} {} {}", place.city, context.call.id);
            async move { Json(greeting) }
        },
    );
    let greet = greet.with_effect(Effect::Changes);
    assert_eq!(greet.effect(), Effect::Changes);
    assert_eq!(
        parameters(&greet).unwrap(),
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
    );
    assert_eq!(
        text(&greet, json!({"city": "Oslo"})).await,
        "\"Hello Oslo id1\""
    );
}
