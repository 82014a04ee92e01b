//! A server of our own in place of providers: an example of the test kit, which needs no install.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::upstreams::Provider;
use crate::counterparts::KEY;

/// What is checked by clients that take longer.
const CHECKS: &[&str] = &[
    "plain",
    "streaming",
    "usage",
    "parallel tools",
    "streamed tools",
    "structured output",
    "unknown model",
    "429",
    "cut stream",
];

/// The server, until this is dropped.
pub(super) struct StandIn {
    child: Child,
    /// A base URL for each dialect, by its name.
    urls: Vec<(String, String)>,
}

impl StandIn {
    /// Starts it, as it was built below this folder.
    pub(super) fn start(target: &Path) -> Result<Self, String> {
        let program = target.join("debug/examples/stand_in");
        let wrong = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut child = Command::new(&program)
            .arg(KEY)
            // It ends when this does.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(wrong)?;
        let mut urls = Vec::new();
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).lines() {
                let line = line.map_err(wrong)?;
                match line.split_once(' ') {
                    Some((name, url)) => urls.push((name.to_owned(), url.to_owned())),
                    None => break,
                }
            }
        }
        Ok(Self { child, urls })
    }

    /// The providers of the service's configuration.
    pub(super) fn providers(&self) -> Vec<Provider> {
        let of = |name, kind, dialect: &str, path: &str| {
            let found = self.urls.iter().find(|(it, _)| it == dialect);
            let url = found.map(|it| it.1.as_str()).unwrap_or_default();
            Provider::new(name, kind, format!("{url}{path}")).with_model("sage-1")
        };
        vec![
            of("own-chat", "openai-chat", "openai-chat", ""),
            of("own-responses", "openai-responses", "openai-responses", ""),
            of("own-anthropic", "anthropic", "anthropic-messages", ""),
            of("own-gemini", "gemini", "gemini", "/v1beta"),
            of("own-ollama", "ollama", "ollama-chat", ""),
        ]
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The upstreams that it is, with all checks or some.
pub(super) fn upstreams(all: bool) -> Value {
    let of = |provider: &str| {
        let model = format!("{provider}/sage-1");
        let mut it = json!({ "plain": model, "thinking": model });
        if !all {
            it["checks"] = json!(CHECKS);
        }
        it
    };
    json!({
        "OpenAI chat": of("own-chat"),
        "OpenAI responses": of("own-responses"),
        "Anthropic": of("own-anthropic"),
        "Gemini": of("own-gemini"),
        "Ollama": of("own-ollama"),
    })
}
