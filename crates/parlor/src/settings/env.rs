//! Settings from environment variables.

use parlor_registry::{Env, Findings, Problems, told};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Settings;

/// A variable and the key that it sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key, such as `model.temperature`.
    pub key: &'static str,
}

const fn variable(name: &'static str, key: &'static str) -> Variable {
    Variable { name, key }
}

/// The variables, in the order of the table in the [module](super).
pub const VARIABLES: &[Variable] = &[
    variable("PARLOR_MODEL", "model.model"),
    variable("PARLOR_BASE_URL", "model.base_url"),
    variable("PARLOR_API_KEY", "model.api_key"),
    variable("PARLOR_API_KEY_ENV", "model.api_key_env"),
    variable("PARLOR_MODE", "model.mode"),
    variable("PARLOR_SYSTEM", "model.system"),
    variable("PARLOR_TEMPERATURE", "model.temperature"),
    variable("PARLOR_TOP_P", "model.top_p"),
    variable("PARLOR_MAX_TOKENS", "model.max_tokens"),
    variable(
        "PARLOR_MAX_COMPLETION_TOKENS",
        "model.max_completion_tokens",
    ),
    variable("PARLOR_FREQUENCY_PENALTY", "model.frequency_penalty"),
    variable("PARLOR_PRESENCE_PENALTY", "model.presence_penalty"),
    variable("PARLOR_N", "model.n"),
    variable("PARLOR_STOP", "model.stop"),
    variable("PARLOR_STREAM", "model.stream"),
    variable("PARLOR_LOGPROBS", "model.logprobs"),
    variable("PARLOR_TOP_LOGPROBS", "model.top_logprobs"),
    variable("PARLOR_SEED", "model.seed"),
    variable("PARLOR_USER", "model.user"),
    variable("PARLOR_REASONING_EFFORT", "model.reasoning_effort"),
    variable("PARLOR_CONTEXT_LENGTH", "model.context_length"),
    variable("PARLOR_LOGGING", "run.logging"),
    variable("PARLOR_LOG_LEVEL", "run.log_level"),
    variable("PARLOR_LOG_REQUESTS", "run.log_requests"),
    variable("PARLOR_LOG_RESPONSES", "run.log_responses"),
    variable("PARLOR_DEBUG", "run.debug"),
    variable("PARLOR_PROGRESS", "run.progress"),
    variable("PARLOR_CAPTURE_USAGE", "run.capture_usage"),
    variable("PARLOR_CAPTURE_LATENCY", "run.capture_latency"),
    variable("PARLOR_CONNECT_TIMEOUT", "run.timeouts.connect"),
    variable("PARLOR_FIRST_EVENT_TIMEOUT", "run.timeouts.first_event"),
    variable("PARLOR_IDLE_TIMEOUT", "run.timeouts.idle"),
    variable("PARLOR_TOTAL_TIMEOUT", "run.timeouts.total"),
    variable("PARLOR_RUN_TIME", "run.run_time"),
    variable("PARLOR_SESSION_TIME", "run.session_time"),
    variable("PARLOR_TOOL_TIME", "run.tool_time"),
    variable("PARLOR_MAX_STEPS", "run.max_steps"),
    variable("PARLOR_MAX_RETRIES", "run.max_retries"),
    variable("PARLOR_RETRY_DELAY", "run.retry_delay"),
    variable("PARLOR_VERIFY_TLS", "run.verify_tls"),
    variable("PARLOR_STRICT_PARSING", "run.strict_parsing"),
    variable("PARLOR_ERROR_LENGTH", "run.error_length"),
];

/// What the variables that are set say.
pub(super) fn read(env: &Env) -> Result<Settings, Problems> {
    let mut findings = Findings::new();
    let mut settings = Settings::default();
    for variable in VARIABLES {
        let Some(text) = env.get(variable.name) else {
            continue;
        };
        match of_text(variable.key, &text) {
            Ok(said) => {
                // Alone, so that what is wrong is told by the variable.
                let mut own = Findings::new();
                said.check(&mut own);
                match own.finish() {
                    Ok(()) => settings = settings.or(said),
                    Err(problems) => {
                        for problem in problems.iter() {
                            let message = problem.message.split_once("`: ");
                            let message = message.map_or(&*problem.message, |it| it.1);
                            findings.add(&[variable.name], message);
                        }
                    }
                }
            }
            Err(message) => findings.add(&[variable.name], message),
        }
    }
    findings.finish()?;
    Ok(settings)
}

/// Settings of one key, from a text or from what the text is in JSON.
fn of_text(key: &str, text: &str) -> Result<Settings, String> {
    let read = |value: Value| {
        let nested = key.rsplit('.').fold(value, |inner, name| {
            Value::Object(Map::from_iter([(name.to_owned(), inner)]))
        });
        Settings::deserialize(nested).map_err(|error| told(&error.to_string()))
    };
    let plain = Value::String(text.to_owned());
    match serde_json::from_str::<Value>(text) {
        // A list of texts, where one text would do.
        Ok(list @ Value::Array(_)) => read(list),
        Ok(literal) if !literal.is_string() => read(plain).or_else(|_| read(literal)),
        _ => read(plain),
    }
}
