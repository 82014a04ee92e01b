//! How reasoning is switched, both ways.

use super::super::quirks::{Quirks, Thinking};
use super::super::wire::request::Request;
use crate::dialect::Target;
use crate::effort;
use crate::policy::Policy;
use parlor_core::{Capability, ChatRequest, Effort, ReasoningConfig, Result};
use serde_json::{Map, Value, json};

/// Whether the host answers this in a stream alone.
pub(super) fn wants_stream(request: &ChatRequest, quirks: &Quirks) -> bool {
    let wish = request.reasoning.as_ref();
    let reasons = wish.is_some_and(|it| it.effort != Some(Effort::Off));
    quirks.streams_only || quirks.thinking_streams_only && reasons
}

/// Writes the wish to reason in the host's words.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Request<'_>,
) -> Result<()> {
    let switched_off = ReasoningConfig::off();
    let config = match &request.reasoning {
        Some(config) => config,
        None if quirks.thinking_streams_only && !target.stream => &switched_off,
        None => return Ok(()),
    };
    let off = config.effort == Some(Effort::Off);
    if target.info.capabilities.lacks(Capability::Reasoning) {
        return Ok(());
    }
    if quirks.thinking == Thinking::None {
        return policy.knob("reasoning", "can't be switched at this host");
    }
    if config.summary.is_some() && quirks.thinking != Thinking::Object {
        policy.knob("reasoning.summary", "is not known to this host")?;
    }
    if quirks.thinking == Thinking::Always {
        return match off {
            true => policy.knob("reasoning", "can't be switched off for this model"),
            false => Ok(()),
        };
    }
    let wish = Wish {
        effort: config.effort.as_ref(),
        budget: config.budget_tokens,
        quirks,
        known: match quirks.efforts.as_slice() {
            [] => target.profile.efforts,
            own => own,
        },
    };
    match quirks.thinking {
        Thinking::Object => wish.object(config, policy, body),
        Thinking::Effort => wish.effort(policy, body),
        switch => wish.switch(switch, policy, body),
    }
}

struct Wish<'a> {
    effort: Option<&'a Effort>,
    budget: Option<u64>,
    quirks: &'a Quirks,
    known: &'a [Effort],
}

impl Wish<'_> {
    /// `reasoning_effort` alone.
    fn effort(&self, policy: &mut Policy<'_>, body: &mut Request<'_>) -> Result<()> {
        if let Some(effort) = effort::alone(self.effort, self.budget, self.known, policy)? {
            insert(body, "reasoning_effort", effort::word(&effort).into());
        }
        Ok(())
    }

    /// `reasoning: {…}`.
    fn object(
        &self,
        config: &ReasoningConfig,
        policy: &mut Policy<'_>,
        body: &mut Request<'_>,
    ) -> Result<()> {
        let mut fields = Map::new();
        match (self.effort, self.budget) {
            (Some(Effort::Off), _) => {
                fields.insert("enabled".to_owned(), false.into());
            }
            (Some(Effort::Auto) | None, None) => {
                fields.insert("enabled".to_owned(), true.into());
            }
            (effort, Some(budget)) => {
                if effort.is_some_and(|it| *it != Effort::Auto) {
                    policy.knob("reasoning.effort", "can't stand beside a budget")?;
                }
                fields.insert("max_tokens".to_owned(), budget.into());
            }
            (Some(effort), None) => {
                let effort = effort::nearest(effort, self.known, policy);
                fields.insert("effort".to_owned(), effort::word(&effort).into());
            }
        }
        if let Some(summary) = &config.summary {
            fields.insert("summary".to_owned(), summary.as_str().into());
        }
        insert(body, "reasoning", fields.into());
        Ok(())
    }

    /// A switch that says on or off, and what may stand beside it.
    fn switch(
        &self,
        switch: Thinking,
        policy: &mut Policy<'_>,
        body: &mut Request<'_>,
    ) -> Result<()> {
        let on = self.effort != Some(&Effort::Off);
        let mut thinking = Map::new();
        let word_of_type = match self.effort {
            Some(Effort::Other(word)) if !self.quirks.effort_beside_switch => word,
            _ if on => "enabled",
            _ => "disabled",
        };
        thinking.insert("type".to_owned(), word_of_type.into());
        if let Some(budget) = self.budget.filter(|_| on) {
            match (self.quirks.thinking_budget, switch) {
                (true, Thinking::Type) => {
                    thinking.insert("budget_tokens".to_owned(), budget.into());
                }
                (true, _) => insert(body, "thinking_budget", budget.into()),
                (false, _) => {
                    policy.knob("reasoning.budget_tokens", "is not known to this host")?
                }
            }
        }
        match switch {
            Thinking::Type => insert(body, "thinking", thinking.into()),
            Thinking::Enable => insert(body, "enable_thinking", on.into()),
            _ => {
                let field = &*self.quirks.template_switch;
                insert(body, "chat_template_kwargs", json!({ field: on }));
            }
        }
        match self.effort {
            None | Some(Effort::Auto | Effort::Off) => {}
            Some(Effort::Other(_)) if !self.quirks.effort_beside_switch => {}
            Some(effort) if self.quirks.effort_beside_switch => {
                let effort = effort::nearest(effort, self.known, policy);
                insert(body, "reasoning_effort", effort::word(&effort).into());
            }
            Some(effort) => {
                let message = format!("effort `{effort}` is sent as on: the host knows no steps");
                policy.coerced("reasoning.effort", message);
            }
        }
        Ok(())
    }
}

fn insert(body: &mut Request<'_>, field: &str, value: Value) {
    body.rest.insert(field.to_owned(), value);
}

/// Takes the wish to reason out of a request's fields, in whatever words it
/// is said. What is beside it stays.
pub(super) fn read(rest: &mut Map<String, Value>) -> Option<ReasoningConfig> {
    let mut config = ReasoningConfig::default();
    let mut said = false;
    let mut switched = |on: bool, config: &mut ReasoningConfig| {
        said = true;
        match on {
            true => config.effort = config.effort.take().or(Some(Effort::Auto)),
            false => config.effort = Some(Effort::Off),
        }
    };
    if let Some(word) = take(rest, "reasoning_effort", |it| Some(it.as_str()?.to_owned())) {
        config.effort = Some(effort::of_word(&word));
    }
    within(rest, "reasoning", |fields| {
        if let Some(word) = take(fields, "effort", |it| Some(it.as_str()?.to_owned())) {
            config.effort = Some(effort::of_word(&word));
        }
        config.budget_tokens = take(fields, "max_tokens", Value::as_u64);
        config.summary = take(fields, "summary", |it| Some(it.as_str()?.to_owned()));
        match take(fields, "enabled", Value::as_bool) {
            Some(true) if config.budget_tokens.is_some() => {}
            Some(on) => switched(on, &mut config),
            None => {}
        }
    });
    within(rest, "thinking", |fields| {
        if let Some(budget) = take(fields, "budget_tokens", Value::as_u64) {
            config.budget_tokens = Some(budget);
        }
        match take(fields, "type", |it| Some(it.as_str()?.to_owned())).as_deref() {
            Some("enabled") if config.budget_tokens.is_some() => {}
            Some("enabled") => switched(true, &mut config),
            Some("disabled") => switched(false, &mut config),
            Some(other) => config.effort = Some(Effort::from(other)),
            None => {}
        }
    });
    if let Some(budget) = take(rest, "thinking_budget", Value::as_u64) {
        config.budget_tokens = Some(budget);
    }
    let enabled = take(rest, "enable_thinking", Value::as_bool);
    if let Some(on) = enabled.filter(|on| !on || config.budget_tokens.is_none()) {
        switched(on, &mut config);
    }
    within(rest, "chat_template_kwargs", |fields| {
        for field in ["enable_thinking", "thinking"] {
            if let Some(on) = take(fields, field, Value::as_bool) {
                switched(on, &mut config);
            }
        }
    });
    (said || config != ReasoningConfig::default()).then_some(config)
}

/// Takes a field out if it reads; else it stays.
pub(super) fn take<T>(
    map: &mut Map<String, Value>,
    key: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Option<T> {
    let value = read(map.get(key)?)?;
    map.remove(key);
    Some(value)
}

/// Takes fields out of an object; the object goes when nothing is left of it.
fn within(rest: &mut Map<String, Value>, key: &str, read: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(Value::Object(fields)) = rest.get_mut(key) {
        read(fields);
        if fields.is_empty() {
            rest.remove(key);
        }
    }
}
