//! Which servers there are: where they come from, how they are set up, how they begin.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::folder::Folder;
use super::running::{SetUp, free_port};
use super::{KEY, Site, litellm};
use crate::cargo::output;

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
        version: litellm::VERSION,
        variable: "PARLOR_COUNTERPART_LITELLM_URL",
        ready: "/health/liveliness",
        patience: Duration::from_secs(180),
        behind: Some("aimock"),
        set_up: litellm,
    },
    Server {
        name: "llama-server",
        version: LLAMA_CPP,
        variable: "PARLOR_COUNTERPART_LLAMA_SERVER_URL",
        ready: "/health",
        patience: Duration::from_secs(60),
        behind: None,
        set_up: llama_server,
    },
];

const AIMOCK: &str = "1.43.0";

/// Scripted answers in the dialects of OpenAI, Anthropic, Gemini and Ollama, from npm.
fn aimock(folder: &Folder, site: &Site) -> Result<SetUp, String> {
    folder.npm(&[&format!("@copilotkit/aimock@{AIMOCK}")])?;
    let port = free_port()?;
    let mut command = Command::new(folder.file("node_modules/.bin/llmock"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--chunk-size", "8", "--validate-on-load", "--fixtures"])
        .arg(site.data.join("aimock"))
        .env("AIMOCK_API_KEYS", KEY);
    Ok(SetUp { command, port })
}

/// A gateway in the dialects of OpenAI, Anthropic and Gemini, from PyPI, with aimock behind it.
fn litellm(folder: &Folder, site: &Site) -> Result<SetUp, String> {
    folder.pip(&[&litellm::package()], &[], &[])?;
    let port = free_port()?;
    let upstream = site.url("aimock")?;
    let mut command = Command::new(folder.file("venv/bin/litellm"));
    litellm::listen(&mut command, port, &site.data.join("litellm/config.yaml"));
    command
        .env("AIMOCK_URL", upstream)
        .env("AIMOCK_V1", format!("{upstream}/v1"))
        .env("AIMOCK_V1BETA", format!("{upstream}/v1beta"))
        .env("AIMOCK_KEY", KEY)
        .env("PROXY_KEY", KEY);
    Ok(SetUp { command, port })
}

const LLAMA_CPP: &str = "0.3.36";

/// How the engine is built: its server and nothing that it can do without, for any processor.
const BUILD: &str = "-DLLAMA_BUILD_TOOLS=ON -DLLAMA_TOOLS_INSTALL=ON -DLLAMA_BUILD_SERVER=ON \
    -DLLAVA_BUILD=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DGGML_NATIVE=OFF \
    -DGGML_OPENMP=OFF -DLLAMA_OPENSSL=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O1";

/// An inference engine in the dialects of OpenAI and Anthropic, built from PyPI's source of
/// llama-cpp-python, which takes some minutes once. Its model is made by a script.
fn llama_server(folder: &Folder, site: &Site) -> Result<SetUp, String> {
    let source = format!("llama-cpp-python=={LLAMA_CPP}");
    folder.pip(
        &[&source, "gguf==0.17.1"],
        &["--no-cache-dir", "--no-binary", "llama-cpp-python"],
        &[("CMAKE_ARGS", BUILD)],
    )?;
    let python = folder.file("venv/bin/python");
    let model = folder.file("model.gguf");
    output(
        Command::new(&python)
            .arg(site.data.join("llama-server/model.py"))
            .arg(&model),
    )?;
    let ask = "import sysconfig; print(sysconfig.get_path('platlib'))";
    let packages = output(Command::new(&python).args(["-c", ask]))?;
    let packages = Path::new(packages.trim());
    let port = free_port()?;
    let mut command = Command::new(packages.join("bin/llama-server"));
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args([
            "--api-key",
            KEY,
            "--jinja",
            "--parallel",
            "4",
            "--threads",
            "1",
        ])
        .args(["--ctx-size", "32768", "--model"])
        .arg(&model)
        .env("LD_LIBRARY_PATH", packages.join("lib"));
    Ok(SetUp { command, port })
}
