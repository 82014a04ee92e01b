//! `thinkingConfig`, both ways.

use super::family::{Family, Thinking};
use crate::Policy;
use crate::effort::rank;
use parlor_core::{Capability, Effort, OnUnsupported, ReasoningConfig, Result};
use serde_json::{Map, Value, json};

/// What an effort is worth in tokens, where the model takes a budget: what the
/// host's own OpenAI-style endpoint makes of the words.
static BUDGETS: [(Effort, u64); 4] = [
    (Effort::Minimal, 512),
    (Effort::Low, 1_024),
    (Effort::Medium, 8_192),
    (Effort::High, 24_576),
];

/// Writes `thinkingConfig`; `None` if there is nothing to say.
///
/// Thoughts are asked for whenever the request speaks of reasoning, unless its
/// summary says `omitted` or `none`.
///
/// # Errors
/// As [`Policy::knob`].
pub(super) fn write(
    config: &ReasoningConfig,
    family: &Family,
    policy: &mut Policy<'_>,
) -> Result<Option<Value>> {
    let mut out = Map::new();
    let off = config.effort == Some(Effort::Off) || config.budget_tokens == Some(0);
    match family.thinking {
        Thinking::None if off => return Ok(None),
        Thinking::None => {
            policy.lacking("reasoning", Capability::Reasoning, OnUnsupported::Warn)?;
            return Ok(None);
        }
        Thinking::Budget { least, most, off } => {
            let budget = budget(config, [least, most], off, policy)?;
            out.extend(budget.map(|it| ("thinkingBudget".to_owned(), it)));
        }
        Thinking::Level(levels) => {
            let level = level(config, levels, policy)?;
            out.extend(level.map(|it| ("thinkingLevel".to_owned(), it)));
        }
        Thinking::Unknown => match (&config.effort, config.budget_tokens) {
            (Some(Effort::Off), _) => {
                out.insert("thinkingBudget".to_owned(), json!(0));
            }
            (None | Some(Effort::Auto), Some(budget)) => {
                out.insert("thinkingBudget".to_owned(), json!(budget));
            }
            (None, None) => {}
            (Some(Effort::Auto), None) => {
                out.insert("thinkingBudget".to_owned(), json!(-1));
            }
            (Some(effort), _) => {
                out.insert("thinkingLevel".to_owned(), word(effort));
            }
        },
    }
    let wanted = !matches!(config.summary.as_deref(), Some("omitted" | "none"));
    if wanted && !off {
        out.insert("includeThoughts".to_owned(), json!(true));
    }
    Ok((!out.is_empty()).then_some(Value::Object(out)))
}

fn word(effort: &Effort) -> Value {
    Value::String(effort.as_str().to_ascii_uppercase())
}

fn budget(
    config: &ReasoningConfig,
    [least, most]: [u64; 2],
    can_be_off: bool,
    policy: &mut Policy<'_>,
) -> Result<Option<Value>> {
    let setting = match config.budget_tokens {
        Some(_) => "reasoning.budget_tokens",
        None => "reasoning.effort",
    };
    let wanted = match (config.budget_tokens, &config.effort) {
        (_, Some(Effort::Off)) => 0,
        (Some(budget), _) => budget,
        (None, None) => return Ok(None),
        (None, Some(Effort::Auto)) => return Ok(Some(json!(-1))),
        (None, Some(Effort::Other(word))) => {
            let why = format!("has the word `{word}`, and this model takes a budget");
            policy.knob(setting, &why)?;
            return Ok(None);
        }
        (None, Some(effort)) => {
            let known = BUDGETS.iter().find(|it| it.0 == *effort);
            known.map_or(most, |it| it.1).clamp(least, most)
        }
    };
    if wanted == 0 && can_be_off {
        return Ok(Some(json!(0)));
    }
    let given = wanted.clamp(least, most);
    if given != wanted {
        let message = match wanted {
            0 => format!("this model can't stop thinking; it may think {given} tokens"),
            _ => format!("a thinking budget of {wanted} tokens is said as {given}"),
        };
        policy.coerced(setting, message);
    }
    Ok(Some(json!(given)))
}

fn level(
    config: &ReasoningConfig,
    levels: &[Effort],
    policy: &mut Policy<'_>,
) -> Result<Option<Value>> {
    let (setting, wanted) = match (&config.effort, config.budget_tokens) {
        (None, None) | (Some(Effort::Auto), None) => return Ok(None),
        (None | Some(Effort::Auto), Some(budget)) => {
            let effort = match budget {
                0 => Effort::Off,
                1..=1_024 => Effort::Low,
                1_025..=8_192 => Effort::Medium,
                _ => Effort::High,
            };
            ("reasoning.budget_tokens", effort)
        }
        (Some(effort), budget) => {
            if budget.is_some() {
                let why = "has no place beside an effort, which this model takes";
                policy.knob("reasoning.budget_tokens", why)?;
            }
            ("reasoning.effort", effort.clone())
        }
    };
    let Some(at) = rank(&wanted) else {
        // A word that only this provider knows.
        return Ok(Some(word(&wanted)));
    };
    let distance = |it: &&Effort| rank(it).map_or(usize::MAX, |rank| rank.abs_diff(at));
    // Of two that are as near the higher one.
    let Some(nearest) = levels.iter().rev().min_by_key(distance) else {
        return Ok(None);
    };
    if *nearest != wanted || config.effort.is_none() {
        let message = match &wanted {
            Effort::Off => format!("this model can't stop thinking; its effort is `{nearest}`"),
            _ if setting == "reasoning.budget_tokens" => {
                format!("this model takes no thinking budget; its effort is `{nearest}`")
            }
            _ => format!("the effort `{wanted}` is said as `{nearest}`"),
        };
        policy.coerced(setting, message);
    }
    Ok(Some(word(nearest)))
}

/// Reads `thinkingConfig`, whose names are in camelCase.
pub(super) fn read(config: &Map<String, Value>) -> ReasoningConfig {
    let mut out = ReasoningConfig::default();
    let shown = config.get("includeThoughts") == Some(&Value::Bool(true));
    match config.get("thinkingBudget").and_then(Value::as_i64) {
        Some(0) => out.effort = Some(Effort::Off),
        Some(budget) => match u64::try_from(budget) {
            Ok(budget) => out.budget_tokens = Some(budget),
            Err(_) => out.effort = Some(Effort::Auto),
        },
        None => {}
    }
    let level = config.get("thinkingLevel").and_then(Value::as_str);
    if let Some(level) = level.filter(|it| *it != "THINKING_LEVEL_UNSPECIFIED") {
        out.effort = Some(Effort::from(level.to_ascii_lowercase().as_str()));
    }
    let says_how_much = out.effort.is_some() || out.budget_tokens.is_some();
    out.summary = match (shown, says_how_much) {
        (true, true) => None,
        (true, false) => Some("auto".to_owned()),
        (false, _) if out.effort == Some(Effort::Off) => None,
        (false, _) => Some("omitted".to_owned()),
    };
    out
}
