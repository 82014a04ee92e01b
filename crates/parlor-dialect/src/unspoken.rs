//! What a client said in another dialect, beyond core's words.

use crate::{DIALECT, Policy, Target};
use parlor_core::{ChatRequest, Result, Warning};
use serde_json::Value;

/// Why a field that holds a part of the prompt can't be left out.
const KEPT: &str = "is known to the provider alone that keeps it";
const OLD: &str = "is the old form of `tools`, and understood by its own provider alone";
const ITEMS: &str = "as items is understood by its own provider alone";

/// Fields that hold a part of the prompt.
const HOLD: &[(&str, &str, &str)] = &[
    ("gemini", "cachedContent", KEPT),
    ("openai-chat", "functions", OLD),
    ("openai-responses", "conversation", KEPT),
    ("openai-responses", "instructions", ITEMS),
    ("openai-responses", "prompt", KEPT),
];

/// Fields that say nothing of the answer: how it is kept, found again, counted, and run.
const BESIDE: &[&str] = &[
    "betas",
    "client_metadata",
    "include",
    "keep_alive",
    "labels",
    "metadata",
    "options.main_gpu",
    "options.num_batch",
    "options.num_ctx",
    "options.num_gpu",
    "options.num_keep",
    "options.num_thread",
    "options.use_mmap",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];

/// Fields of which core has words for a part.
const IN_PART: &[&str] = &[
    "generationConfig",
    "options",
    "output_config",
    "reasoning",
    "text",
    "thinking",
    "toolConfig",
];

/// How many fields are named at most, and how long a name may be: clients make them up.
const MOST: usize = 24;
const LONGEST: usize = 64;

/// What a request says under [`DIALECT`] to hosts of another dialect than the target's: a warning of
/// each field.
///
/// # Errors
/// `Unsupported`, for a field that holds a part of the prompt, unless the caller wants warnings.
pub fn unspoken(request: &ChatRequest, target: &Target<'_>) -> Result<Vec<Warning>> {
    let mut policy = Policy::silent(request, target.info);
    let mut names = Vec::new();
    let spoken = request.extra.iter().filter_map(|(id, fields)| {
        let dialect = id.strip_prefix(DIALECT)?;
        (dialect != target.dialect).then_some((dialect, fields))
    });
    for (dialect, fields) in spoken {
        for (name, value) in fields.iter().filter(|(_, value)| says(value)) {
            let held = HOLD.iter().find(|(of, it, _)| *of == dialect && it == name);
            if let Some((.., why)) = held {
                policy.feature(name, why)?;
            } else if names.len() < MOST {
                name_of(name, value, &mut names);
            }
        }
    }
    for name in names.iter().take(MOST) {
        policy.knob(name, "has no words in this provider's dialect")?;
    }
    Ok(policy.into_warnings())
}

/// Puts the names by which a field is told: those within it, where core has words for others there.
fn name_of(name: &str, value: &Value, names: &mut Vec<String>) {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"_.-".contains(&it);
    let is_told =
        |it: &str| !BESIDE.contains(&it) && it.len() <= LONGEST && it.bytes().all(is_plain);
    match value {
        Value::Object(inner) if IN_PART.contains(&name) => {
            let inner = inner.iter().filter(|(_, value)| says(value));
            let inner = inner.map(|(inner, _)| format!("{name}.{inner}"));
            names.extend(inner.filter(|it| is_told(it)).take(MOST));
        }
        _ if is_told(name) => names.push(name.to_owned()),
        _ => {}
    }
}

/// Whether a value says anything.
fn says(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use parlor_core::ModelInfo;
    use serde_json::{Map, json};

    fn told(dialect: &str, fields: Value) -> std::result::Result<Vec<String>, String> {
        let mut request = ChatRequest::default();
        let fields: Map<String, Value> = fields.as_object().unwrap().clone();
        request.extra.insert(format!("{DIALECT}{dialect}"), fields);
        let (info, profile) = (ModelInfo::new("acme", "m"), Profile::default());
        let target = Target::new(&info, &profile).speaking("openai-chat");
        let warnings = unspoken(&request, &target).map_err(|error| error.to_string())?;
        Ok(warnings.into_iter().map(|it| it.setting).collect())
    }

    #[test]
    fn what_is_left_out_is_named() {
        let fields = json!({"logit_bias": {"1": 2}, "safetySettings": [1], "tools": [], "a": null});
        let names = ["logit_bias", "safetySettings"].map(str::to_owned);
        assert_eq!(told("gemini", fields.clone()), Ok(names.to_vec()));
        assert_eq!(told("openai-chat", fields), Ok(Vec::new()));
        let beside = json!({"store": true, "options": {"num_ctx": 1, "mirostat": 2}});
        assert_eq!(
            told("ollama", beside),
            Ok(vec!["options.mirostat".to_owned()])
        );
    }

    #[test]
    fn what_holds_a_part_of_the_prompt_is_refused() {
        for (dialect, fields) in [
            ("openai-responses", json!({"conversation": "conv_1"})),
            (
                "openai-responses",
                json!({"logit_bias": {}, "prompt": {"id": "pmpt_1"}}),
            ),
            ("gemini", json!({"cachedContent": "cachedContents/1"})),
        ] {
            let name = fields
                .as_object()
                .unwrap()
                .keys()
                .next_back()
                .unwrap()
                .clone();
            let error = told(dialect, fields).unwrap_err();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
        let none = json!({"conversation": null, "prompt": null, "functions": []});
        assert_eq!(told("openai-responses", none), Ok(Vec::new()));
    }

    #[test]
    fn clients_make_no_header_of_any_length() {
        let many = (0..9_000).map(|at| (format!("f{at}"), json!(1)));
        assert_eq!(
            told("x", Value::Object(many.collect())).unwrap().len(),
            MOST
        );
        let long = json!({"é": 1, "a\nb": 1, ("a".repeat(LONGEST + 1)): 1});
        assert_eq!(told("x", long), Ok(Vec::new()));
    }
}
