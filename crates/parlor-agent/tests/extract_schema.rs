//! Values by a schema that no type stands for: what is sent, what is held to it.

#![allow(clippy::unwrap_used)]

use parlor_agent::Extractor;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};

fn model(answers: &[&str]) -> Scripted {
    let mut info = ModelInfo::new("scripted", "script");
    info.capabilities = Capabilities::UNKNOWN.having(&[Capability::JsonSchema]);
    Scripted::new(answers.iter().copied().map(Script::text)).with_info(info)
}

async fn ask(schema: &Value, answers: &[&str]) -> (Result<Value>, Vec<ChatRequest>) {
    let model = model(answers);
    let schema = OutputSchema::new("it's a name", schema.clone());
    let extractor = Extractor::<Value>::new().with_schema(schema);
    let extracted = extractor.extract(&model, "Say it.").await;
    (extracted.map(|it| it.value), model.requests().to_vec())
}

#[tokio::test]
async fn the_schema_is_sent_and_what_breaks_it_is_put_right_once() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let wrong = r#"{"name": "Rex", "age": "four"}"#;
    let (value, sent) = ask(&schema, &[wrong, r#"{"name": "Rex", "age": 4}"#]).await;
    assert_eq!(value.unwrap(), json!({"name": "Rex", "age": 4}));
    let Some(OutputFormat::JsonSchema(output)) = &sent[0].output else {
        panic!("{:?}", sent[0].output)
    };
    assert_eq!(output.name, "it_s_a_name");
    assert_eq!(output.strict, Some(true));
    assert_eq!(output.schema.get("$schema"), None);
    let told = sent[1].messages.last().unwrap().text();
    let fact = "`age` must be of the type integer and is string";
    assert!(told.contains(fact), "{told}");

    let (value, sent) = ask(&schema, &[wrong, wrong]).await;
    let error = value.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.message().contains(fact), "{error}");
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn what_is_no_object_goes_within_one_and_its_references_lead_on() {
    let schema = json!({
        "type": "array",
        "items": {"$ref": "#/$defs/dog"},
        "minItems": 1,
        "$defs": {"dog": {"type": "object", "properties": {"name": {"type": "string"}}}},
    });
    let (value, sent) = ask(&schema, &[r#"{"answer": [{"name": "Rex"}]}"#]).await;
    assert_eq!(value.unwrap(), json!([{"name": "Rex"}]));
    let Some(OutputFormat::JsonSchema(output)) = &sent[0].output else {
        panic!("{:?}", sent[0].output)
    };
    assert_eq!(output.schema["properties"]["answer"]["type"], "array");
    assert_eq!(output.schema["$defs"]["dog"]["type"], "object");
    let (value, _) = ask(&schema, &[r#"[{"name": 1}]"#, "[]"]).await;
    assert!(value.unwrap_err().message().contains("at least 1"));
}

#[tokio::test]
async fn every_rule_that_is_checked_can_be_broken() {
    let rules = [
        (json!({"enum": ["a", 1]}), json!("b"), json!(1.0)),
        (json!({"const": 2}), json!(3), json!(2)),
        (json!({"type": ["string", "null"]}), json!(1), json!(null)),
        (json!({"type": "integer"}), json!(1.5), json!(2.0)),
        (json!({"minimum": 1, "maximum": 3}), json!(4), json!(3)),
        (json!({"exclusiveMinimum": 1}), json!(1), json!(1.1)),
        (
            json!({"minLength": 2, "maxLength": 3}),
            json!("ä"),
            json!("äö"),
        ),
        (json!({"required": ["b"]}), json!({}), json!({"b": 1})),
        (json!({"minProperties": 1}), json!({}), json!({"b": 1})),
        (
            json!({"additionalProperties": {"type": "boolean"}}),
            json!({"b": 1}),
            json!({"b": true}),
        ),
        (
            json!({"prefixItems": [{"const": 1}], "items": false}),
            json!([1, 2]),
            json!([1]),
        ),
        (json!({"uniqueItems": true}), json!([1, 1]), json!([1, 2])),
        (
            json!({"allOf": [true, {"type": "string"}]}),
            json!(1),
            json!("a"),
        ),
        (
            json!({"anyOf": [{"const": 1}, {"const": 2}]}),
            json!(3),
            json!(2),
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}),
            json!(3),
            json!(1),
        ),
        (json!({"not": {"type": "string"}}), json!("a"), json!(1)),
        (
            json!({"$ref": "#/definitions/a", "definitions": {"a": {"const": 1}}}),
            json!(2),
            json!(1),
        ),
    ];
    for (mut rule, bad, good) in rules {
        // Within, so that nothing is wrapped and a null isn't left out.
        let definitions = rule.as_object_mut().unwrap().remove("definitions");
        let mut schema = json!({"type": "object", "properties": {"it": rule}, "required": ["it"]});
        if let Some(definitions) = definitions {
            schema["definitions"] = definitions;
        }
        let bad = json!({"it": bad}).to_string();
        let (value, _) = ask(&schema, &[&bad, &bad]).await;
        let error = value.expect_err(&schema.to_string());
        assert!(error.message().contains("`it"), "{schema}: {error}");
        let good = json!({"it": good});
        let (value, _) = ask(&schema, &[&good.to_string()]).await;
        assert_eq!(value.unwrap(), good, "{schema}");
    }
}

#[tokio::test]
async fn a_schema_without_end_ends() {
    let both = json!({"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]});
    let schema = json!({
        "type": "object",
        "properties": {"it": {"$ref": "#/$defs/a"}},
        "$defs": {"a": both},
    });
    let (value, _) = ask(&schema, &[r#"{"it": 1}"#, r#"{"it": 1}"#]).await;
    assert!(value.unwrap_err().message().contains("without end"));
}
