//! How thinking is asked for, by the model's family.

use super::super::ThinkingStyle;
use super::super::wire::{Object, block};
use super::writer::Writer;
use parlor_core::{Capability, ChatRequest, Effort, ReasoningConfig, Result};

/// The least budget that the dialect takes.
const MIN_BUDGET: u64 = 1024;

/// The budget of one who asks for reasoning without saying how much.
const BUDGET: u64 = 8_192;

/// The budget that stands for an effort on models that know budgets only.
const BUDGETS: &[(Effort, u64)] = &[
    (Effort::Minimal, MIN_BUDGET),
    (Effort::Low, 2_048),
    (Effort::Medium, BUDGET),
    (Effort::High, 16_384),
    (Effort::XHigh, 32_768),
    (Effort::Max, 65_536),
];

/// The efforts from least to most.
const ORDER: &[Effort] = &[
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::XHigh,
    Effort::Max,
];

/// The efforts that the dialect knows, for models of which no more is known.
const EFFORTS: &[Effort] = &[
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::XHigh,
    Effort::Max,
];

/// The style of a family: the first row counts whose text begins the id from
/// `claude-` on. From 4.6 on models take `adaptive`; 4.6 itself still takes
/// `enabled`, later ones refuse it. Models of other makers, behind copies,
/// understand what the copied clients sent first.
const FAMILIES: &[(&str, ThinkingStyle)] = &[
    ("claude-2", ThinkingStyle::None),
    ("claude-instant", ThinkingStyle::None),
    ("claude-3-7", ThinkingStyle::Budget),
    ("claude-3", ThinkingStyle::None),
    ("claude-opus-4-6", ThinkingStyle::Either),
    ("claude-sonnet-4-6", ThinkingStyle::Either),
    ("claude-mythos-preview", ThinkingStyle::Either),
    ("claude-opus-4-7", ThinkingStyle::Adaptive),
    ("claude-opus-4-8", ThinkingStyle::Adaptive),
    ("claude-opus-4", ThinkingStyle::Budget),
    ("claude-sonnet-4", ThinkingStyle::Budget),
    ("claude-haiku-4", ThinkingStyle::Budget),
    ("claude-", ThinkingStyle::Adaptive),
    ("", ThinkingStyle::Budget),
];

/// What was decided about thinking and what depends on it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) max_tokens: u64,
    pub(super) thinking: Option<Object>,
    /// The word for `output_config.effort`.
    pub(super) effort: Option<Effort>,
    /// Whether the model will think.
    pub(super) thinks: bool,
}

/// Decides how to ask for thinking and how many tokens to allow.
pub(super) fn plan(request: &ChatRequest, writer: &mut Writer<'_>) -> Result<Plan> {
    let info = writer.target.info;
    let asked = request.max_output_tokens.or(info.max_output_tokens);
    let mut plan = Plan {
        max_tokens: asked.unwrap_or(writer.quirks.default_max_tokens),
        thinking: None,
        effort: None,
        thinks: false,
    };
    let Some(wish) = &request.reasoning else {
        return Ok(plan);
    };
    let style = match writer.quirks.thinking {
        _ if writer.lacks(Capability::Reasoning) => ThinkingStyle::None,
        ThinkingStyle::ByModel => of_model(&info.model),
        style => style,
    };
    let off = wish.effort == Some(Effort::Off);
    let efforts = writer.target.profile.efforts;
    let mut thinking = match (style, wish.budget_tokens) {
        (ThinkingStyle::None, _) => {
            if !off {
                writer.knob("reasoning", "is not supported by this model")?;
            }
            return Ok(plan);
        }
        _ if off => {
            plan.thinking = Some(block("disabled"));
            return Ok(plan);
        }
        (ThinkingStyle::Switch, budget) => {
            if budget.is_some() {
                writer.knob("reasoning.budget_tokens", "is not taken here")?;
            }
            plan.effort = effort(wish, efforts, writer);
            block("enabled")
        }
        (ThinkingStyle::Budget, budget) | (ThinkingStyle::Either, budget @ Some(_)) => {
            if !efforts.is_empty() {
                plan.effort = effort(wish, efforts, writer);
            }
            let fixed = request.max_output_tokens.or(info.max_output_tokens);
            let Some(tokens) = tokens(wish, budget, fixed.is_some(), &mut plan, writer)? else {
                return Ok(plan);
            };
            let mut thinking = block("enabled");
            thinking.insert("budget_tokens".to_owned(), tokens.into());
            thinking
        }
        (_, budget) => {
            if budget.is_some() {
                let message = "the model takes no budget and decides itself how much to think";
                writer.coerced("reasoning.budget_tokens", message);
            }
            let known = if efforts.is_empty() { EFFORTS } else { efforts };
            plan.effort = effort(wish, known, writer);
            block("adaptive")
        }
    };
    if let Some(summary) = &wish.summary {
        let display = match summary.as_str() {
            "auto" | "concise" | "detailed" => {
                writer.coerced("reasoning.summary", "it was asked for as `summarized`");
                "summarized"
            }
            word => word,
        };
        thinking.insert("display".to_owned(), display.into());
    }
    plan.thinking = Some(thinking);
    plan.thinks = true;
    Ok(plan)
}

/// The style of a model by its id, in whatever words a host puts it.
fn of_model(model: &str) -> ThinkingStyle {
    let id = model.to_ascii_lowercase().replace('.', "-");
    let id = id.find("claude-").map_or("", |at| &id[at..]);
    let row = FAMILIES.iter().find(|(head, _)| id.starts_with(head));
    row.map_or(ThinkingStyle::Budget, |(_, style)| *style)
}

/// The effort to say: the one wished for, or the nearest that is known.
fn effort(wish: &ReasoningConfig, known: &[Effort], writer: &mut Writer<'_>) -> Option<Effort> {
    let wanted = wish.effort.as_ref().filter(|it| **it != Effort::Auto)?;
    let place = |effort: &Effort| ORDER.iter().position(|it| it == effort);
    if known.is_empty() || known.contains(wanted) {
        return Some(wanted.clone());
    }
    // A word that nobody here knows goes as it is.
    let Some(at) = place(wanted) else {
        return Some(wanted.clone());
    };
    let below = |it: &&Effort| place(it).is_some_and(|it| it < at);
    let nearest = known.iter().rev().find(below);
    let nearest = nearest.or_else(|| known.iter().find(|it| place(it).is_some()))?;
    let message = format!("effort `{wanted}` was sent as `{nearest}`");
    writer.coerced("reasoning.effort", message);
    Some(nearest.clone())
}

/// The budget to say, which leaves room for an answer; `None` where there is
/// no room to think. With no limit given, thoughts get room beside the answer.
fn tokens(
    wish: &ReasoningConfig,
    wanted: Option<u64>,
    limited: bool,
    plan: &mut Plan,
    writer: &mut Writer<'_>,
) -> Result<Option<u64>> {
    let effort = wish.effort.as_ref();
    let row = BUDGETS.iter().find(|(it, _)| Some(it) == effort);
    let tokens = wanted.unwrap_or(row.map_or(BUDGET, |(_, tokens)| *tokens));
    if !limited {
        let room = tokens.saturating_add(writer.quirks.default_max_tokens);
        plan.max_tokens = plan.max_tokens.max(room);
    }
    let most = match wanted {
        Some(_) => plan.max_tokens.saturating_sub(1),
        None => plan.max_tokens / 2,
    };
    let budget = tokens.min(most).max(MIN_BUDGET);
    if budget >= plan.max_tokens {
        writer.knob("reasoning", "needs `max_output_tokens` over 1024")?;
        return Ok(None);
    }
    if wanted.is_some_and(|it| it != budget) {
        let message = format!("the budget was sent as {budget} tokens");
        writer.coerced("reasoning.budget_tokens", message);
    }
    if wanted.is_none() && plan.effort.is_none() && row.is_some() {
        let message = format!("the effort was sent as a budget of {budget} tokens");
        writer.coerced("reasoning.effort", message);
    }
    Ok(Some(budget))
}
