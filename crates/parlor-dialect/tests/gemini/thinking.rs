//! How much to think, for every family.

use crate::support::*;
use parlor_core::{ChatRequest, Effort, ReasoningConfig};
use parlor_dialect::gemini::Quirks;
use serde_json::{Value, json};

/// The configuration written, and how many warnings.
fn think(model: &str, config: impl Into<ReasoningConfig>) -> (Value, usize) {
    let request = ChatRequest::from("Hi").with_reasoning(config);
    let (body, warnings) = write_to(model, Quirks::default(), &request).unwrap();
    (
        body["generationConfig"]["thinkingConfig"].clone(),
        warnings.len(),
    )
}

#[test]
fn a_budget_where_the_family_takes_one() {
    let budget = |tokens: i64| json!({"thinkingBudget": tokens, "includeThoughts": true});
    for (model, config, tokens, warnings) in [
        ("gemini-2.5-flash", ReasoningConfig::budget(1000), 1000, 0),
        (
            "gemini-2.5-flash",
            ReasoningConfig::budget(99_999),
            24_576,
            1,
        ),
        ("models/gemini-2.5-pro", ReasoningConfig::budget(1), 128, 1),
        ("gemini-2.5-flash-lite", ReasoningConfig::budget(1), 512, 1),
        ("gemini-2.5-pro", Effort::Low.into(), 1_024, 0),
        ("gemini-2.5-pro", Effort::Max.into(), 32_768, 0),
        ("gemini-2.5-flash", Effort::Auto.into(), -1, 0),
    ] {
        assert_eq!(think(model, config), (budget(tokens), warnings), "{model}");
    }
    let off = |tokens: i64| json!({ "thinkingBudget": tokens });
    assert_eq!(think("gemini-2.5-flash", Effort::Off), (off(0), 0));
    assert_eq!(think("gemini-2.5-pro", Effort::Off), (off(128), 1));
}

#[test]
fn a_level_where_the_family_takes_one() {
    let level = |word: &str| json!({"thinkingLevel": word, "includeThoughts": true});
    for (model, config, word, warnings) in [
        (
            "gemini-3-flash-preview",
            ReasoningConfig::from(Effort::Minimal),
            "MINIMAL",
            0,
        ),
        ("gemini-3-flash-preview", Effort::Max.into(), "HIGH", 1),
        (
            "gemini-3-flash-preview",
            ReasoningConfig::budget(5000),
            "MEDIUM",
            1,
        ),
        ("gemini-3.1-pro-preview", Effort::Minimal.into(), "LOW", 1),
        ("gemini-3-pro-preview", Effort::Medium.into(), "HIGH", 1),
        (
            "gemini-3-pro-preview",
            Effort::Other("ultra".to_owned()).into(),
            "ULTRA",
            0,
        ),
    ] {
        assert_eq!(think(model, config), (level(word), warnings), "{model}");
    }
    assert_eq!(
        think("gemini-3-pro-preview", Effort::Off),
        (json!({"thinkingLevel": "LOW"}), 1)
    );
    assert_eq!(
        think("gemini-3-flash", Effort::Auto),
        (json!({"includeThoughts": true}), 0)
    );
    let mut both = ReasoningConfig::budget(10);
    both.effort = Some(Effort::Low);
    assert_eq!(think("gemini-3-flash", both), (level("LOW"), 1));
}

#[test]
fn an_old_family_takes_none_and_an_unknown_one_anything() {
    assert_eq!(think("gemini-2.0-flash", Effort::High), (Value::Null, 1));
    assert_eq!(think("gemini-2.0-flash", Effort::Off), (Value::Null, 0));
    assert_eq!(
        think("gemini-9", ReasoningConfig::budget(7)),
        (json!({"thinkingBudget": 7, "includeThoughts": true}), 0)
    );
    let mut quiet = ReasoningConfig::from(Effort::High);
    quiet.summary = Some("omitted".to_owned());
    assert_eq!(
        think("gemini-9", quiet),
        (json!({"thinkingLevel": "HIGH"}), 0)
    );
}

#[test]
fn quirks_overrule_the_family() {
    let quirks: Quirks = serde_json::from_value(json!({"thinking": "budget"})).unwrap();
    let request = ChatRequest::from("Hi").with_reasoning(ReasoningConfig::budget(7));
    let (body, warnings) = write_to("gemini-3-flash", quirks, &request).unwrap();
    assert_eq!(
        body["generationConfig"]["thinkingConfig"]["thinkingBudget"],
        7
    );
    assert!(warnings.is_empty());
    assert!(serde_json::from_value::<Quirks>(json!({"thinkin": "budget"})).is_err());
}
