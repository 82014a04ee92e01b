//! How the Claude models are asked to think, by family, wherever they are hosted.

use crate::anthropic_messages::ThinkingStyle;
use crate::dialect::Target;
use crate::effort::rank;
use crate::json::Object;
use crate::policy::Policy;
use parlor_core::{Capability, ChatRequest, Effort, OnUnsupported, ReasoningConfig, Result};

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
    ("claude-v2", ThinkingStyle::None),
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
pub(crate) struct Plan {
    /// The limit on the answer, where one must be said.
    pub(crate) max_tokens: Option<u64>,
    pub(crate) thinking: Option<Object>,
    /// The word for `output_config.effort`.
    pub(crate) effort: Option<Effort>,
    /// Whether the model will think.
    pub(crate) thinks: bool,
}

/// What a host says about thinking and the limit on an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) style: ThinkingStyle,
    /// The limit to say where neither the request nor the facts about the model
    /// know one; `None` on hosts that need none.
    pub(crate) default_max_tokens: Option<u64>,
    /// The most to say unasked where the answer comes in one piece.
    pub(crate) whole_max_tokens: u64,
}

/// Decides how to ask for thinking and how many tokens to allow.
pub(crate) fn plan(
    request: &ChatRequest,
    target: &Target<'_>,
    terms: Terms,
    policy: &mut Policy<'_>,
) -> Result<Plan> {
    let info = target.info;
    let unasked = |default| match info.max_output_tokens {
        Some(most) if target.stream => most,
        Some(most) => most.min(terms.whole_max_tokens),
        None => default,
    };
    let asked = request.max_output_tokens;
    let mut plan = Plan {
        max_tokens: asked.or(terms.default_max_tokens.map(unasked)),
        thinking: None,
        effort: None,
        thinks: false,
    };
    let Some(wish) = &request.reasoning else {
        return Ok(plan);
    };
    let style = match terms.style {
        // What is left to wish for from a model without thoughts is none.
        _ if info.capabilities.lacks(Capability::Reasoning) => ThinkingStyle::None,
        ThinkingStyle::ByModel => of_model(&info.model),
        style => style,
    };
    let off = wish.effort == Some(Effort::Off);
    let efforts = target.profile.efforts;
    let mut thinking = match (style, wish.budget_tokens) {
        (ThinkingStyle::None, _) => {
            if !off {
                policy.lacking("reasoning", Capability::Reasoning, OnUnsupported::Warn)?;
            }
            return Ok(plan);
        }
        _ if off => {
            plan.thinking = Some(kind("disabled"));
            return Ok(plan);
        }
        (ThinkingStyle::Switch, budget) => {
            if budget.is_some() {
                policy.knob("reasoning.budget_tokens", "is not taken here")?;
            }
            plan.effort = effort(wish, efforts, policy);
            kind("enabled")
        }
        (ThinkingStyle::Budget, budget) | (ThinkingStyle::Either, budget @ Some(_)) => {
            if !efforts.is_empty() {
                plan.effort = effort(wish, efforts, policy);
            }
            if let (None, Some(limit), Some(answer)) =
                (asked, plan.max_tokens, terms.default_max_tokens)
            {
                let most = info.max_output_tokens.unwrap_or(u64::MAX);
                plan.max_tokens = Some(limit.max(room(wish, answer).min(most)));
            }
            let Some(tokens) = tokens(wish, budget, &plan, policy)? else {
                return Ok(plan);
            };
            let mut thinking = kind("enabled");
            thinking.insert("budget_tokens".to_owned(), tokens.into());
            thinking
        }
        (_, budget) => {
            if budget.is_some() {
                let message = "the model takes no budget and decides itself how much to think";
                policy.coerced("reasoning.budget_tokens", message);
            }
            let known = if efforts.is_empty() { EFFORTS } else { efforts };
            plan.effort = effort(wish, known, policy);
            kind("adaptive")
        }
    };
    if let Some(summary) = &wish.summary {
        let display = match summary.as_str() {
            "auto" | "concise" | "detailed" => {
                policy.coerced("reasoning.summary", "it was asked for as `summarized`");
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

fn kind(kind: &str) -> Object {
    Object::from_iter([("type".to_owned(), kind.into())])
}

/// The style of a model by its id, in whatever words a host puts it.
fn of_model(model: &str) -> ThinkingStyle {
    let id = model.to_ascii_lowercase().replace('.', "-");
    let id = id.find("claude-").map_or("", |at| &id[at..]);
    let row = FAMILIES.iter().find(|(head, _)| id.starts_with(head));
    row.map_or(ThinkingStyle::Budget, |(_, style)| *style)
}

/// The effort to say: the one wished for, or the nearest that is known.
pub(crate) fn effort(
    wish: &ReasoningConfig,
    known: &[Effort],
    policy: &mut Policy<'_>,
) -> Option<Effort> {
    let wanted = wish.effort.as_ref().filter(|it| **it != Effort::Auto)?;
    if known.is_empty() || known.contains(wanted) {
        return Some(wanted.clone());
    }
    // A word that nobody here knows goes as it is.
    let Some(at) = rank(wanted) else {
        return Some(wanted.clone());
    };
    let below = |it: &&Effort| rank(it).is_some_and(|it| it < at);
    let nearest = known.iter().rev().find(below);
    let nearest = nearest.or_else(|| known.iter().find(|it| rank(it).is_some()))?;
    let message = format!("effort `{wanted}` was sent as `{nearest}`");
    policy.coerced("reasoning.effort", message);
    Some(nearest.clone())
}

/// The limit that gives thoughts room beside an answer of this length.
fn room(wish: &ReasoningConfig, answer: u64) -> u64 {
    wanted_tokens(wish).saturating_add(answer)
}

/// The tokens that a wish amounts to.
fn wanted_tokens(wish: &ReasoningConfig) -> u64 {
    let effort = wish.effort.as_ref();
    let row = BUDGETS.iter().find(|(it, _)| Some(it) == effort);
    let of_effort = row.map_or(BUDGET, |(_, tokens)| *tokens);
    wish.budget_tokens.unwrap_or(of_effort)
}

/// The budget to say, which leaves room for an answer; `None` where there is
/// no room to think.
fn tokens(
    wish: &ReasoningConfig,
    wanted: Option<u64>,
    plan: &Plan,
    policy: &mut Policy<'_>,
) -> Result<Option<u64>> {
    let most = match (plan.max_tokens, wanted) {
        (None, _) => u64::MAX,
        (Some(limit), Some(_)) => limit.saturating_sub(1),
        (Some(limit), None) => limit / 2,
    };
    let budget = wanted_tokens(wish).min(most).max(MIN_BUDGET);
    if plan.max_tokens.is_some_and(|limit| budget >= limit) {
        policy.knob("reasoning", "needs `max_output_tokens` over 1024")?;
        return Ok(None);
    }
    if wanted.is_some_and(|it| it != budget) {
        let message = format!("the budget was sent as {budget} tokens");
        policy.coerced("reasoning.budget_tokens", message);
    }
    let effort = wish.effort.as_ref();
    let has_row = BUDGETS.iter().any(|(it, _)| Some(it) == effort);
    if wanted.is_none() && plan.effort.is_none() && has_row {
        let message = format!("the effort was sent as a budget of {budget} tokens");
        policy.coerced("reasoning.effort", message);
    }
    Ok(Some(budget))
}
