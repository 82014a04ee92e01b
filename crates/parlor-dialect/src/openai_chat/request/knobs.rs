//! The settings that tune an answer.

use super::super::quirks::{MaxTokens, Quirks};
use super::super::wire::request::{Request, Stop};
use crate::dialect::Target;
use crate::policy::Policy;
use parlor_core::{Capability, ChatRequest, Effort, OnUnsupported, Result};
use serde_json::{Map, Value};

struct Knobs<'a, 'p> {
    quirks: &'a Quirks,
    /// Whether the model's family has fixed all sampling.
    fixed: bool,
    policy: &'a mut Policy<'p>,
}

impl Knobs<'_, '_> {
    /// Whether a setting is to be written. `None` is one that isn't wanted.
    fn take<T>(&mut self, name: &str, wanted: Option<T>) -> Result<Option<T>> {
        if wanted.is_none() || self.quirks.takes(name) {
            return Ok(wanted);
        }
        self.policy.knob(name, "is not known to this host")?;
        Ok(None)
    }

    /// The same for a setting of sampling.
    fn sampling<T>(&mut self, name: &str, wanted: Option<T>) -> Result<Option<T>> {
        let wanted = self.take(name, wanted)?;
        if wanted.is_none() || !self.fixed {
            return Ok(wanted);
        }
        self.policy.knob(name, "is fixed for this model")?;
        Ok(None)
    }
}

/// Writes the settings that the host and the model take.
pub(super) fn write<'a>(
    request: &'a ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Request<'a>,
) -> Result<()> {
    let effort = request.reasoning.as_ref().and_then(|it| it.effort.as_ref());
    let profile = target.profile;
    let spared = profile.sampling_without_reasoning && effort == Some(&Effort::Off);
    let mut knobs = Knobs {
        quirks,
        fixed: profile.fixed_sampling && !spared,
        policy,
    };
    macro_rules! write {
        ($($name:ident)+) => { $(
            body.$name = knobs.sampling(stringify!($name), request.$name)?;
        )+ };
    }
    write!(temperature top_p top_k frequency_penalty presence_penalty logprobs top_logprobs);
    body.n = knobs.take("n", request.n)?;
    if let (Some(wanted), Some(most)) = (body.temperature, quirks.max_temperature)
        && wanted > most
    {
        let message = format!("a temperature of {wanted} is sent as {most}, the host's highest");
        knobs.policy.coerced("temperature", message);
        body.temperature = Some(most);
    }
    if let Some(seed) = knobs.take("seed", request.seed)? {
        body.rest.insert(quirks.seed_field.clone(), seed.into());
    }
    let user = request.user.as_deref();
    if let Some(user) = knobs.take("user", user)? {
        match quirks.user_field.as_str() {
            "" => knobs.policy.knob("user", "is not known to this host")?,
            field => {
                let lengths = quirks.min_user..=quirks.max_user;
                if knobs.policy.fits_user(user, lengths)? {
                    body.rest.insert(field.to_owned(), user.into());
                }
            }
        }
    }
    let metadata = (!request.metadata.is_empty()).then_some(&request.metadata);
    if let Some(metadata) = knobs.take("metadata", metadata)? {
        let fields = metadata.iter();
        let fields: Map<String, Value> = fields
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        body.rest.insert("metadata".to_owned(), fields.into());
    }
    let tier = request.service_tier.as_deref();
    let tier = knobs.take("service_tier", tier)?;
    let tier = knobs.policy.service_tier(tier, &quirks.service_tiers)?;
    body.service_tier = tier.map(Into::into);
    let limit = request.max_output_tokens;
    let limit = knobs.take("max_output_tokens", limit)?;
    let newer = match quirks.max_tokens {
        MaxTokens::ByModel => profile.max_completion_tokens,
        MaxTokens::MaxTokens => false,
        MaxTokens::MaxCompletionTokens => true,
    };
    match newer {
        true => body.max_completion_tokens = limit,
        false => body.max_tokens = limit,
    }
    stop(request, profile.no_stop, &mut knobs, body)
}

fn stop<'a>(
    request: &'a ChatRequest,
    refused: bool,
    knobs: &mut Knobs<'_, '_>,
    body: &mut Request<'a>,
) -> Result<()> {
    let wanted = (!request.stop.is_empty()).then_some(request.stop.as_slice());
    let Some(stop) = knobs.take("stop", wanted)? else {
        return Ok(());
    };
    if refused {
        let policy = &mut knobs.policy;
        return policy.lacking("stop", Capability::Stop, OnUnsupported::Warn);
    }
    let most = match knobs.quirks.max_stop {
        0 => stop.len(),
        most => most.min(stop.len()),
    };
    if most < stop.len() {
        let message = format!("`stop` has more than {most} texts; the first {most} are sent");
        knobs.policy.coerced("stop", message);
    }
    let stop = stop.get(..most).unwrap_or(stop);
    body.stop = Some(Stop::Many(stop.into()));
    Ok(())
}
