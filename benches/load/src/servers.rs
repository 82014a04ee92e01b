//! What stands between the generator and the upstream.

use crate::litellm;
use crate::peers::Peers;
use crate::process::{Process, free_port};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use table::build;
use table::upstream::pinned;

/// A server, and the ways that it is asked.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    /// What of the load it is given: a part where it can't bear the whole.
    pub(crate) share: f64,
    pub(crate) ways: &'static [Way],
    pub(crate) start: fn(&Place<'_>) -> Result<Process, String>,
}

/// One way to ask: always in OpenAI's chat dialect, of an upstream that speaks the same or another.
pub(crate) struct Way {
    pub(crate) crosses: bool,
    /// What stands before the model's name.
    pub(crate) prefix: &'static str,
    /// Headers of its own, `URL` to be filled in.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// Where a server runs.
pub(crate) struct Place<'a> {
    /// The upstream's base URL.
    pub(crate) upstream: &'a str,
    /// A folder of its own.
    pub(crate) folder: &'a Path,
    pub(crate) peers: &'a Peers,
}

const fn way(crosses: bool, prefix: &'static str) -> Way {
    Way {
        crosses,
        prefix,
        headers: &[],
    }
}

/// The floor, that others are compared with.
pub(crate) const FLOOR: &str = "hyper, passing through";

pub(crate) const SERVERS: &[Server] = &[
    Server {
        name: FLOOR,
        share: 1.0,
        ways: &[way(false, "")],
        start: |place| {
            let mut command = pinned(&build::program("pass").to_string_lossy(), 0);
            command.arg(place.upstream);
            Process::told(command)
        },
    },
    Server {
        name: "parlor",
        share: 1.0,
        ways: &[way(false, "same/"), way(true, "other/")],
        start: parlor,
    },
    Server {
        name: "SMG",
        share: 1.0,
        ways: &[way(false, "")],
        start: |place| {
            let mut command = command(&place.peers.smg()?, place);
            let (port, figures) = (free_port()?, free_port()?);
            command
                .args(["launch", "--backend", "openai", "--worker-urls"])
                .arg(place.upstream)
                .args(["--host", "127.0.0.1", "--log-level", "error", "--port"])
                .args([&port.to_string(), "--prometheus-port", &figures.to_string()])
                // Else five thousand streams are too many.
                .args(["--max-concurrent-requests", "8192"]);
            Process::at(command, port, Duration::from_secs(60))
        },
    },
    Server {
        name: "Portkey",
        share: 0.2,
        ways: &[
            Way {
                crosses: false,
                prefix: "",
                headers: &[
                    ("x-portkey-provider", "openai"),
                    ("x-portkey-custom-host", "URL/v1"),
                ],
            },
            Way {
                crosses: true,
                prefix: "",
                headers: &[
                    ("x-portkey-provider", "anthropic"),
                    ("x-portkey-custom-host", "URL/v1"),
                ],
            },
        ],
        start: |place| {
            let mut command = command(Path::new("node"), place);
            let port = free_port()?;
            command
                .arg(place.peers.portkey()?)
                .args([&format!("--port={port}"), "--headless"])
                .env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1")
                .env("NODE_ENV", "production");
            Process::at(command, port, Duration::from_secs(60))
        },
    },
    Server {
        name: "LiteLLM",
        share: 0.05,
        ways: &[way(false, "same/"), way(true, "other/")],
        start: litellm,
    },
];

fn parlor(place: &Place<'_>) -> Result<Process, String> {
    let url = place.upstream;
    let text = format!(
        "[serve]\nmax_in_flight = 8192\n\
         [providers.same]\ntype = \"openai-chat\"\nbase_url = \"{url}/v1\"\napi_key_env = \"KEY\"\n\
         [providers.other]\ntype = \"anthropic\"\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n"
    );
    let file = written(place, "config.toml", &text)?;
    let program = std::env::var_os("LOAD_PARLOR").map_or_else(build::service_program, Into::into);
    let mut command = command(&program, place);
    let port = free_port()?;
    command
        .args(["serve", "--bind", &format!("127.0.0.1:{port}"), "--config"])
        .arg(file);
    Process::at(command, port, Duration::from_secs(30))
}

fn litellm(place: &Place<'_>) -> Result<Process, String> {
    let url = place.upstream;
    let text = format!(
        "model_list:\n\
         - model_name: same/*\n  litellm_params: {{model: openai/*, api_base: {url}/v1, api_key: key}}\n\
         - model_name: other/*\n  litellm_params: {{model: anthropic/*, api_base: {url}, api_key: key}}\n\
         router_settings:\n  disable_cooldowns: true\n  num_retries: 0\n"
    );
    let file = written(place, "config.yaml", &text)?;
    let mut command = command(&place.peers.litellm()?, place);
    let port = free_port()?;
    litellm::listen(&mut command, port, &file);
    command
        // The generator shows no key, to nobody.
        .env(
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY",
            "true",
        )
        .env("LITELLM_LOG", "ERROR");
    Process::at(command, port, Duration::from_secs(180))
}

fn command(program: &Path, place: &Place<'_>) -> Command {
    let mut command = pinned(&program.to_string_lossy(), 0);
    command
        .env_clear()
        .env("HOME", place.folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("KEY", "key")
        .env("LANG", "C.UTF-8")
        .current_dir(place.folder);
    command
}

fn written(place: &Place<'_>, name: &str, text: &str) -> Result<std::path::PathBuf, String> {
    let file = place.folder.join(name);
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

impl Way {
    /// A request for this model with a prompt of so many bytes, over a kept connection.
    pub(crate) fn request(&self, model: &str, prompt: usize, streams: bool, url: &str) -> Vec<u8> {
        let prompt = "Tell me why the sky is blue. ".repeat(prompt / 29 + 1);
        let stream = match streams {
            true => r#","stream":true,"stream_options":{"include_usage":true}"#,
            false => "",
        };
        let prefix = self.prefix;
        // What Anthropic needs and OpenAI allows.
        let body = format!(
            r#"{{"model":"{prefix}{model}"{stream},"max_tokens":4096,"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
        );
        let mut head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer key\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in self.headers {
            head += &format!("{name}: {}\r\n", value.replace("URL", url));
        }
        (head + "\r\n" + &body).into_bytes()
    }
}
