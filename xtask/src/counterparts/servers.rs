//! Which servers there are: where they come from, how they are set up, how they begin.

use std::process::Command;
use std::time::Duration;

use super::folder::Folder;
use super::running::{SetUp, free_port};
use super::{KEY, Site};

/// A server that others wrote.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// The variable by which the suite finds it.
    pub(super) variable: &'static str,
    /// A path that it answers with success once it is ready.
    pub(super) ready: &'static str,
    /// How long it may take until then.
    pub(super) patience: Duration,
    /// The server that it asks.
    pub(super) behind: Option<&'static str>,
    /// Installs it and says how to begin it.
    pub(super) set_up: fn(&Folder, &Site) -> Result<SetUp, String>,
}

/// Those that are installed within a minute.
pub(super) const BY_DEFAULT: &[&str] = &["aimock", "litellm"];

/// All of them.
pub(super) const SERVERS: &[Server] = &[
    Server {
        name: "aimock",
        version: AIMOCK,
        variable: "PARLOR_COUNTERPART_AIMOCK_URL",
        ready: "/health",
        patience: Duration::from_secs(30),
        behind: None,
        set_up: aimock,
    },
    Server {
        name: "litellm",
        version: LITELLM,
        variable: "PARLOR_COUNTERPART_LITELLM_URL",
        ready: "/health/liveliness",
        patience: Duration::from_secs(180),
        behind: Some("aimock"),
        set_up: litellm,
    },
];

const AIMOCK: &str = "1.43.0";

/// Scripted answers in the dialects of OpenAI, Anthropic, Gemini and Ollama, from npm.
fn aimock(folder: &Folder, site: &Site) -> Result<SetUp, String> {
    folder.npm(&format!("@copilotkit/aimock@{AIMOCK}"))?;
    let port = free_port()?;
    let mut command = Command::new(folder.file("node_modules/.bin/llmock"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--chunk-size", "8", "--validate-on-load", "--fixtures"])
        .arg(site.data.join("aimock"))
        .env("AIMOCK_API_KEYS", KEY);
    Ok(SetUp { command, port })
}

const LITELLM: &str = "1.106.2";

/// A gateway in the dialects of OpenAI, Anthropic and Gemini, from PyPI, with aimock behind it.
fn litellm(folder: &Folder, site: &Site) -> Result<SetUp, String> {
    folder.pip(&[&format!("litellm[proxy]=={LITELLM}")], &[], &[])?;
    let port = free_port()?;
    let upstream = site.url("aimock")?;
    let mut command = Command::new(folder.file("venv/bin/litellm"));
    command
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--config",
        ])
        .arg(site.data.join("litellm/config.yaml"))
        .env("AIMOCK_URL", upstream)
        .env("AIMOCK_V1", format!("{upstream}/v1"))
        .env("AIMOCK_V1BETA", format!("{upstream}/v1beta"))
        .env("AIMOCK_KEY", KEY)
        .env("PROXY_KEY", KEY)
        // Nothing is asked of the outside.
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(SetUp { command, port })
}
