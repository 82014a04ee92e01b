//! A gateway before a recording, and a bare client.

use parlor::{Config, Env, Registry};
use parlor_server::{ServerConfig, Service};
use parlor_testkit::Cassette;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a gateway with these settings, and gives its address.
pub(crate) async fn gateway(settings: &str) -> String {
    let env = Env::new(|name| (name == "KEY").then(|| "upstream-key".to_owned()));
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    let config = Config::from_toml(settings).unwrap();
    let registry = registry.with_config(config).unwrap();
    let service = Service::new(registry, ServerConfig::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { service.run_on(listener, std::future::pending()).await });
    address
}

/// An answer as it came.
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// What of the body came in the first chunk; all of one that didn't come in chunks.
    pub(crate) first: usize,
}

/// Posts a body and reads the answer to its end.
pub(crate) async fn post(address: &str, path: &str, headers: &str, body: &[u8]) -> Came {
    exchange("POST", address, path, headers, body).await
}

/// Gets what is at a path.
pub(crate) async fn get(address: &str, path: &str, headers: &str) -> Came {
    exchange("GET", address, path, headers, b"").await
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn exchange(
    method: &str,
    address: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Came {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let body = answer[end + 4..].to_vec();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = match chunked {
        true => chunks(&body),
        false => vec![&*body],
    };
    Came {
        status,
        first: body.first().map_or(0, |it| it.len()),
        body: body.concat(),
        head,
    }
}

fn chunks(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        chunks.push(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    chunks
}

/// How a dialect's clients ask: the provider of ours behind, what its base URL ends with, the path
/// for an answer in one piece and for a stream.
pub(crate) struct Asks {
    pub(crate) dialect: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) base: &'static str,
    pub(crate) paths: [&'static str; 2],
}

pub(crate) const ASKS: [Asks; 5] = [
    Asks {
        dialect: "openai-chat",
        provider: "openai-chat",
        base: "",
        paths: ["/v1/chat/completions"; 2],
    },
    Asks {
        dialect: "openai-responses",
        provider: "openai-responses",
        base: "",
        paths: ["/v1/responses"; 2],
    },
    Asks {
        dialect: "anthropic-messages",
        provider: "anthropic",
        base: "",
        paths: ["/v1/messages"; 2],
    },
    Asks {
        dialect: "gemini",
        provider: "gemini",
        base: "/v1beta",
        paths: [
            "/v1beta/models/{model}:generateContent",
            "/v1beta/models/{model}:streamGenerateContent?alt=sse",
        ],
    },
    Asks {
        dialect: "ollama-chat",
        provider: "ollama",
        base: "",
        paths: ["/api/chat"; 2],
    },
];

impl Asks {
    /// The path for a model.
    pub(crate) fn path(&self, model: &str, stream: bool) -> String {
        let model = model.replace('/', "%2F");
        self.paths[usize::from(stream)].replace("{model}", &model)
    }
}

/// The request of a recording with the model's name for the gateway, where it has one to be sent.
pub(crate) fn request_of(cassette: &Cassette, model: &str) -> Option<(Value, bool)> {
    let mut body = cassette.request.body.clone()?;
    let fields = body.as_object_mut()?;
    let in_path = cassette.dialect == "gemini";
    let streams = match (in_path, fields.get("stream")) {
        (true, _) => cassette.request.path.contains("streamGenerateContent"),
        (_, Some(stream)) => stream.as_bool()?,
        (_, None) => cassette.dialect == "ollama-chat",
    };
    if !in_path {
        fields.insert("model".to_owned(), model.into());
    }
    Some((body, streams))
}
