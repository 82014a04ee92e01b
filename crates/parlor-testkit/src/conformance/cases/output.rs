//! Answers in JSON.

use parlor_core::{ChatRequest, ChatResponse, OutputFormat, OutputSchema};
use serde_json::{Value, json};

use crate::conformance::case::{Stop, Trial, Verdict, Way, ensure};

fn parsed(response: &ChatResponse) -> Verdict<Value> {
    let text = response.text();
    serde_json::from_str(&text)
        .map_err(|error| Stop::Fail(format!("the answer {text:?} isn't JSON: {error}")))
}

async fn by_schema(trial: &Trial<'_>, way: Way) -> Verdict {
    let mut schema = OutputSchema::new(
        "weather_report",
        json!({
            "type": "object",
            "properties": {
                "city": { "type": "string" },
                "degrees": { "type": "integer" },
            },
            "required": ["city", "degrees"],
            "additionalProperties": false,
        }),
    );
    schema.strict = Some(true);
    let request = ChatRequest::from("In the city of Oslo it is 7 degrees. Give city and degrees.");
    let request = request.with_output(OutputFormat::JsonSchema(schema));
    let value = parsed(&trial.ask(way, &trial.strictly(request)).await?)?;
    let right = value == json!({ "city": "Oslo", "degrees": 7 });
    ensure!(right, "the answer is {value}");
    Ok(())
}

pub(super) async fn schema(trial: &Trial<'_>) -> Verdict {
    by_schema(trial, Way::Whole).await
}

pub(super) async fn schema_stream(trial: &Trial<'_>) -> Verdict {
    by_schema(trial, Way::Stream).await
}

pub(super) async fn json(trial: &Trial<'_>) -> Verdict {
    let prompt = "What is 17 + 25? Answer in JSON, by an object with the one key \"answer\".";
    let request = ChatRequest::from(prompt).with_output(OutputFormat::Json);
    let value = parsed(&trial.chat(&trial.strictly(request)).await?)?;
    let right = value.is_object() && value.to_string().contains("42");
    ensure!(right, "the answer is {value}");
    Ok(())
}
