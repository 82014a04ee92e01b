//! What the service asks: each upstream with its models, and what is checked with it.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A provider of the service's configuration.
pub(super) struct Provider {
    name: &'static str,
    kind: &'static str,
    url: String,
    /// One that is listed beside those of the catalogue.
    model: Option<&'static str>,
    /// Another name for a model.
    alias: Option<(&'static str, &'static str)>,
}

impl Provider {
    pub(super) fn new(name: &'static str, kind: &'static str, url: impl Into<String>) -> Self {
        Self {
            name,
            kind,
            url: url.into(),
            model: None,
            alias: None,
        }
    }

    /// The same with a model that no catalogue lists.
    pub(super) fn with_model(mut self, model: &'static str) -> Self {
        self.model = Some(model);
        self
    }

    /// The same with another name for one of its models.
    pub(super) fn with_alias(mut self, alias: &'static str, model: &'static str) -> Self {
        self.alias = Some((alias, model));
        self
    }
}

/// The providers of aimock at this URL, a dialect each, with a model by the name of the one that Codex
/// asks by itself. It goes by how a name begins.
pub(super) fn aimock(url: &str) -> Vec<Provider> {
    vec![
        Provider::new("up-chat", "openai-chat", format!("{url}/v1"))
            .with_alias("gpt-6.1-sol", "gpt-4o"),
        Provider::new("up-responses", "openai-responses", format!("{url}/v1"))
            .with_alias("gpt-6.1-sol-responses", "gpt-4o"),
        Provider::new("up-anthropic", "anthropic", url)
            .with_alias("gpt-6.1-sol-anthropic", "claude-sonnet-4-5"),
        Provider::new("up-gemini", "gemini", format!("{url}/v1beta"))
            .with_alias("gpt-6.1-sol-gemini", "gemini-2.5-flash"),
        // No list names what a machine has.
        Provider::new("up-ollama", "ollama", url)
            .with_model("llama3.3")
            .with_alias("gpt-6.1-sol-ollama", "llama3.3"),
    ]
}

/// The upstreams of the first table.
pub(super) fn scripted() -> Value {
    json!({
        "OpenAI chat": {
            "plain": "up-chat/gpt-4o",
            "thinking": "up-chat/o4-mini",
            "codex": "gpt-6.1-sol",
        },
        "OpenAI responses": {
            "plain": "up-responses/gpt-4o",
            "thinking": "up-responses/o4-mini",
            "codex": "gpt-6.1-sol-responses",
        },
        "Anthropic": {
            "plain": "up-anthropic/claude-sonnet-4-5",
            "thinking": "up-anthropic/claude-opus-4-5",
            "codex": "gpt-6.1-sol-anthropic",
        },
        "Gemini": {
            "plain": "up-gemini/gemini-2.5-flash",
            "thinking": "up-gemini/gemini-2.5-pro",
            "codex": "gpt-6.1-sol-gemini",
        },
        "Ollama": {
            "plain": "up-ollama/llama3.3",
            "thinking": "up-ollama/deepseek-r1",
            "codex": "gpt-6.1-sol-ollama",
            "cannot": {"usage": "aimock counts no tokens in Ollama's dialect"},
        },
    })
}

/// An inference engine at this URL.
pub(super) fn engine(url: &str) -> Vec<Provider> {
    vec![
        Provider::new("llama-chat", "openai-chat", format!("{url}/v1")),
        Provider::new("llama-anthropic", "anthropic", url),
    ]
}

/// Another gateway at this URL.
pub(super) fn proxy(url: &str) -> Vec<Provider> {
    vec![
        Provider::new("lite-chat", "openai-chat", format!("{url}/v1")),
        Provider::new("lite-responses", "openai-responses", format!("{url}/v1")),
        Provider::new("lite-anthropic", "anthropic", url),
    ]
}

/// The upstreams of the second table, of those servers that run.
pub(super) fn others(has_engine: bool, has_proxy: bool) -> Value {
    let engine = |provider: &str| {
        let model = format!("{provider}/parlor");
        json!({
            "plain": model, "thinking": model, "exact": false,
            // It calls no tool that it may leave alone.
            "checks": ["plain", "streaming", "usage", "wrong key", "abort, then next", "refusal"],
            // More than fits into its context.
            "refusal": [model, "word ".repeat(8_000), 400],
        })
    };
    let proxy = |provider: &str, model: &str| {
        let model = format!("{provider}/{model}");
        json!({
            "plain": model, "thinking": model,
            "checks": ["plain", "streaming", "usage", "tool", "streamed tools", "image", "wrong key",
                "abort, then next", "refusal"],
            "refusal": [model, "please fall over", 500],
        })
    };
    let mut upstreams = json!({});
    if has_engine {
        upstreams["llama-server, OpenAI chat"] = engine("llama-chat");
        upstreams["llama-server, Anthropic"] = engine("llama-anthropic");
    }
    if has_proxy {
        upstreams["LiteLLM, OpenAI chat"] = proxy("lite-chat", "gpt-4o");
        upstreams["LiteLLM, OpenAI responses"] = proxy("lite-responses", "gpt-4o");
        upstreams["LiteLLM, Anthropic"] = proxy("lite-anthropic", "claude-sonnet-4-5");
    }
    upstreams
}

/// The service's configuration over these providers.
pub(super) fn config(providers: &[Provider]) -> String {
    let mut config = String::new();
    for Provider {
        name,
        kind,
        url,
        model,
        alias: _,
    } in providers
    {
        // What an upstream refuses is to be seen at once.
        let _ = writeln!(
            config,
            "[providers.{name}]\ntype = \"{kind}\"\nbase_url = \"{url}\"\napi_key_env = \"UPSTREAM_KEY\"\nlayers = {{ retry = false }}"
        );
        if let Some(model) = model {
            let _ = writeln!(config, "models = [\"{model}\"]");
        }
    }
    config += "[models]\n";
    for it in providers {
        if let Some((alias, model)) = it.alias {
            let _ = writeln!(config, "\"{alias}\" = \"{}/{model}\"", it.name);
        }
    }
    config
}
