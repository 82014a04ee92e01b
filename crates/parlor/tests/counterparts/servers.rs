//! Which servers there are, and what is known of them.

use std::time::Duration;

use parlor::{Capabilities, Capability, Env, KeySource, Provider, ProviderConfig};
use parlor_testkit::Conformance;

/// A provider as one server serves it.
pub(crate) struct Pair {
    pub(crate) server: &'static str,
    pub(crate) provider: &'static str,
    /// The variable that holds the server's URL, without a path.
    pub(crate) variable: &'static str,
    /// What the provider's base URL has behind that.
    path: &'static str,
    model: &'static str,
    /// The model that reasons.
    thinker: &'static str,
    /// More words than the model takes, where the server says so.
    too_long: Option<usize>,
    /// Whether the same request is answered the same way every time.
    deterministic: bool,
    /// What the server does, beyond what is known of any model of the provider.
    has: &'static [Capability],
    /// What the server doesn't do, whatever the real one does.
    lacks: &'static [Capability],
}

const AIMOCK: &str = "PARLOR_COUNTERPART_AIMOCK_URL";
const LITELLM: &str = "PARLOR_COUNTERPART_LITELLM_URL";
const LLAMA_SERVER: &str = "PARLOR_COUNTERPART_LLAMA_SERVER_URL";

/// What scripted answers can't do: they are the same whatever the settings.
const SCRIPTED: &[Capability] = &[
    Capability::Stop,
    Capability::MultipleChoices,
    Capability::Logprobs,
];

/// What the made model of the engine can't do: it sees nothing and says one thing.
const MADE: &[Capability] = &[
    Capability::ParallelTools,
    Capability::ImageInput,
    Capability::DocumentInput,
];

/// Every pair, in the order of the tests.
pub(crate) const PAIRS: &[Pair] = &[
    openai("aimock", AIMOCK),
    anthropic("aimock", AIMOCK),
    gemini("aimock", AIMOCK),
    Pair {
        server: "aimock",
        provider: "ollama",
        variable: AIMOCK,
        path: "",
        model: "llama3.2",
        thinker: "deepseek-r1",
        too_long: None,
        deterministic: true,
        has: &[],
        lacks: SCRIPTED,
    },
    openai("litellm", LITELLM),
    anthropic("litellm", LITELLM),
    gemini("litellm", LITELLM),
    // The gateway's own work: a model of one dialect, asked in another.
    Pair {
        model: "gpt-4o",
        thinker: "o4-mini",
        ..anthropic("litellm-translating", LITELLM)
    },
    Pair {
        model: "gpt-4o",
        thinker: "o4-mini",
        ..gemini("litellm-translating", LITELLM)
    },
    Pair {
        model: "model.gguf",
        thinker: "model.gguf",
        too_long: Some(8_000),
        // An answer tells how long it took, and what was cached.
        deterministic: false,
        has: &[
            Capability::Tools,
            Capability::ToolChoice,
            Capability::Reasoning,
        ],
        lacks: MADE,
        ..openai("llama-server", LLAMA_SERVER)
    },
    Pair {
        model: "model.gguf",
        thinker: "model.gguf",
        too_long: Some(8_000),
        // An answer tells how long it took, and what was cached.
        deterministic: false,
        has: &[
            Capability::Tools,
            Capability::ToolChoice,
            Capability::Reasoning,
        ],
        lacks: MADE,
        ..anthropic("llama-server", LLAMA_SERVER)
    },
];

const fn openai(server: &'static str, variable: &'static str) -> Pair {
    Pair {
        server,
        provider: "openai",
        variable,
        path: "/v1",
        model: "gpt-4o",
        thinker: "o4-mini",
        too_long: Some(200),
        deterministic: true,
        has: &[],
        lacks: SCRIPTED,
    }
}

const fn anthropic(server: &'static str, variable: &'static str) -> Pair {
    Pair {
        server,
        provider: "anthropic",
        variable,
        path: "",
        model: "claude-sonnet-4-5",
        thinker: "claude-opus-4-5",
        too_long: Some(200),
        deterministic: true,
        has: &[],
        lacks: SCRIPTED,
    }
}

const fn gemini(server: &'static str, variable: &'static str) -> Pair {
    Pair {
        server,
        provider: "gemini",
        variable,
        path: "",
        model: "gemini-2.5-flash",
        thinker: "gemini-2.5-pro",
        too_long: Some(200),
        deterministic: true,
        has: &[],
        lacks: SCRIPTED,
    }
}

impl Pair {
    /// The suite for this pair at a URL; the key comes from `PARLOR_COUNTERPART_KEY`.
    pub(crate) fn conformance(&self, provider: &'static dyn Provider, url: &str) -> Conformance {
        let base_url = format!("{}{}", url.trim_end_matches('/'), self.path);
        let key = std::env::var("PARLOR_COUNTERPART_KEY").unwrap_or_default();
        let id = provider.descriptor().id;
        let suite = Conformance::new(self.model, move |wanted| {
            let config = ProviderConfig::new(id)
                .with_env(Env::empty())
                .with_base_url(&base_url)
                .with_key(KeySource::Explicit(wanted.key(&key).into()));
            provider.build(wanted.model, &config)
        });
        let suite = suite
            .model_for(Capability::Reasoning, self.thinker)
            .capabilities(Capabilities::UNKNOWN.having(self.has).lacking(self.lacks))
            .bound(Duration::from_secs(30));
        let suite = match self.deterministic {
            true => suite.deterministic(),
            false => suite,
        };
        match self.too_long {
            Some(words) => suite.too_long(words),
            None => suite,
        }
    }
}
