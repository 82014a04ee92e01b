//! Where the servers are known to depart from the APIs that they stand for.

/// A case that fails by a server's doing.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) server: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) case: &'static str,
    pub(crate) reason: &'static str,
}

const fn departs(
    server: &'static str,
    provider: &'static str,
    case: &'static str,
    reason: &'static str,
) -> Departure {
    Departure {
        server,
        provider,
        case,
        reason,
    }
}

const NO_DATABASE: &str = "without a database an unknown key is a 400, not a 401";
const CALLS_WHERE_IT_MUST: &str = "the made model calls a tool only where it must";
const NO_FORMAT: &str = "a schema for the answer is passed over";
const SAYS_ONE_THING: &str = "the made model says the same to everybody";
const SERVES_ANY: &str = "the one model is served by any name";
const UNKNOWN_MODEL: &str = "an unknown model is a 400, not a 404";

/// Every known departure. One that is none any more fails the test, so the list stays true.
#[rustfmt::skip] // A table: one departure, one line.
pub(crate) const ALL: &[Departure] = &[
    departs("aimock", "ollama", "usage", "its token counts are 0"),
    departs("aimock", "ollama", "max-output-tokens", "its `done_reason` is always `stop`"),
    departs("litellm", "openai", "chat-equals-stream", "a call has fields of its own, a stream counts reasoning, as 0"),
    departs("litellm", "openai", "wrong-key", NO_DATABASE),
    departs("litellm", "openai", "unknown-model", UNKNOWN_MODEL),
    departs("litellm", "anthropic", "wrong-key", NO_DATABASE),
    departs("litellm", "anthropic", "unknown-model", UNKNOWN_MODEL),
    departs("litellm", "gemini", "wrong-key", NO_DATABASE),
    departs("litellm", "gemini", "unknown-model", UNKNOWN_MODEL),
    departs("litellm-translating", "anthropic", "wrong-key", NO_DATABASE),
    departs("litellm-translating", "anthropic", "unknown-model", UNKNOWN_MODEL),
    departs("litellm-translating", "gemini", "wrong-key", NO_DATABASE),
    departs("litellm-translating", "gemini", "unknown-model", UNKNOWN_MODEL),
    departs("litellm-translating", "anthropic", "chat-equals-stream", "a stream counts cached tokens, as 0, and a call doesn't"),
    departs("litellm-translating", "gemini", "chat-equals-stream", "a stream counts 0 tokens"),
    departs("litellm-translating", "gemini", "usage", "a stream counts 0 tokens"),
    departs("llama-server", "openai", "tool-choice-named", "a tool can't be named, the choice is then left to the model"),
    departs("llama-server", "openai", "unknown-model", SERVES_ANY),
    departs("llama-server", "openai", "reasoning-replay", CALLS_WHERE_IT_MUST),
    departs("llama-server", "openai", "concurrent", SAYS_ONE_THING),
    departs("llama-server", "anthropic", "tool-choice-named", "a tool can't be named, any will do"),
    departs("llama-server", "anthropic", "json-schema", NO_FORMAT),
    departs("llama-server", "anthropic", "json-schema-stream", NO_FORMAT),
    departs("llama-server", "anthropic", "unknown-model", SERVES_ANY),
    departs("llama-server", "anthropic", "reasoning-replay", CALLS_WHERE_IT_MUST),
    departs("llama-server", "anthropic", "concurrent", SAYS_ONE_THING),
];

/// Why this case fails, if it is known to.
pub(crate) fn find(server: &str, provider: &str, case: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|it| (it.server, it.provider, it.case) == (server, provider, case))
        .map(|it| it.reason)
}
