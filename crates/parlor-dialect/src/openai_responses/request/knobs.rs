//! The settings that tune an answer.

use super::super::quirks::Quirks;
use super::super::wire::{Body, Object};
use crate::dialect::Target;
use crate::openai_chat::TIERS;
use crate::policy::Policy;
use parlor_core::{ChatRequest, Effort, Result};
use serde_json::Value;

/// Writes the settings that the host and the model take.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Body,
) -> Result<()> {
    let effort = request.reasoning.as_ref().and_then(|it| it.effort.as_ref());
    let profile = target.profile;
    let spared = profile.sampling_without_reasoning && effort == Some(&Effort::Off);
    let fixed = profile.fixed_sampling && !spared;
    let mut takes = |setting: &str, wanted: bool, is_sampling: bool| -> Result<bool> {
        let why = match is_sampling {
            _ if !wanted => return Ok(false),
            _ if !quirks.takes(setting) => "is not known to this host",
            true if fixed => "is fixed for this model",
            _ => return Ok(true),
        };
        policy.knob(setting, why)?;
        Ok(false)
    };
    if takes("temperature", request.temperature.is_some(), true)? {
        body.temperature = request.temperature;
    }
    if takes("top_p", request.top_p.is_some(), true)? {
        body.top_p = request.top_p;
    }
    if takes("top_logprobs", request.top_logprobs.is_some(), true)? {
        body.top_logprobs = request.top_logprobs;
    }
    if takes("logprobs", request.logprobs == Some(true), true)? {
        super::to_wire::want(body, super::to_wire::LOGPROBS);
    }
    let limit = request.max_output_tokens;
    let limit = match takes("max_output_tokens", limit.is_some(), false)? {
        true => limit,
        false => None,
    };
    let takes_tier = takes("service_tier", request.service_tier.is_some(), false)?;
    if takes("metadata", !request.metadata.is_empty(), false)? {
        let labels = request.metadata.iter();
        let labels = labels.map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        body.metadata = Some(labels.collect::<Object>());
    }
    if takes("user", request.user.is_some(), false)?
        && let Some(user) = &request.user
        && !quirks.user_field.is_empty()
        && policy.fits_user(user, 0..=quirks.max_user)?
    {
        let user = user.as_str().into();
        body.rest.insert(quirks.user_field.clone(), user);
    }
    body.max_output_tokens = limit.map(|it| policy.least_output(it, quirks.min_output));
    if takes_tier {
        let tier = policy.service_tier(request.service_tier.as_deref(), &TIERS)?;
        body.service_tier = tier.map(str::to_owned);
    }
    let unknown = [
        ("n", request.n.is_some_and(|it| it > 1)),
        ("top_k", request.top_k.is_some()),
        ("seed", request.seed.is_some()),
        ("stop", !request.stop.is_empty()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
    ];
    for (setting, wanted) in unknown {
        if wanted {
            policy.knob(setting, "is not known to this dialect")?;
        }
    }
    Ok(())
}
