//! Media at addresses that clients name: what is fetched for a provider that takes bytes alone, and
//! what isn't, wherever names and redirects lead.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parlor::layers::fetch_media::FetchMediaLayer;
use parlor::{Fetcher, Lookup};
use parlor_server::ServerConfig;
use parlor_testkit::fault::Wire;
use parlor_testkit::{ApiAnswer, ApiServer, SeenRequest};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::security::{providers, start, text};
use crate::shape;
use crate::tee::{Came, post};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

/// The one address that counts as public here.
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Names whose addresses change: each look takes the next row, and the last one stays.
#[derive(Debug, Clone, Default)]
struct Names {
    rows: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    looks: Arc<Mutex<HashMap<String, usize>>>,
}

impl Names {
    fn with(mut self, name: &'static str, rows: &[&[&str]]) -> Self {
        let row = |row: &&[&str]| row.iter().map(|it| it.parse().unwrap()).collect();
        self.rows.insert(name, rows.iter().map(row).collect());
        self
    }

    fn looks(&self, name: &str) -> usize {
        self.looks.lock().unwrap().get(name).copied().unwrap_or(0)
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut looks = self.looks.lock().unwrap();
        let look = looks.entry(host.to_owned()).or_default();
        let rows = self.rows.get(host).ok_or(io::ErrorKind::NotFound)?;
        let row = rows.get(*look).or(rows.last()).unwrap();
        *look += 1;
        Ok(row.clone())
    }
}

/// A server of a picture and a document, which redirects to whatever stands behind `/to/`, and the paths that it
/// was asked for.
async fn pictures() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((PUBLIC, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let paths: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&paths);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(picture(stream, Arc::clone(&seen)));
        }
    });
    (address, paths)
}

async fn picture(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> io::Result<()> {
    let (from, mut into) = stream.split();
    let mut lines = BufReader::new(from).lines();
    let first = lines.next_line().await?.unwrap_or_default();
    while lines.next_line().await?.is_some_and(|it| !it.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(path.clone());
    let (status, location, body) = match path.split_once("/to/") {
        Some((_, to)) => ("302 Found", format!("location: {to}\r\n"), &b""[..]),
        None if path.ends_with(".pdf") => ("200 OK", String::new(), PDF),
        None => ("200 OK", String::new(), PNG),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{location}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    into.write_all(head.as_bytes()).await?;
    into.write_all(body).await
}

/// The ways in which clients name a picture, in messages and in results of tools, and a document that
/// lies beside it; the providers behind take their bytes alone.
fn asks(url: &str) -> Vec<(&'static str, Wire, Value)> {
    let pdf = url.replace(".png", ".pdf");
    let paper = json!({ "type": "document", "source": { "type": "url", "url": pdf } });
    let file = json!({ "type": "input_file", "file_url": pdf });
    let of_openai = json!({ "type": "image_url", "image_url": { "url": url } });
    let of_anthropic = json!({ "type": "image", "source": { "type": "url", "url": url } });
    let of_responses = json!({ "type": "input_image", "image_url": url });
    let user = |part: &Value| json!({ "role": "user", "content": [part] });
    let messages =
        |messages: Value| json!({ "model": "ollama/a", "max_tokens": 9, "messages": messages });
    let responses = |input: Value| json!({ "model": "ollama/a", "input": input });
    let of_papers = |mut body: Value| {
        body["model"] = "openai-chat/a".into();
        body
    };
    let called = json!([
        { "role": "user", "content": "Look" },
        { "role": "assistant", "content": [
            { "type": "tool_use", "id": "t1", "name": "look", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": [of_anthropic] }] },
    ]);
    let output = json!([
        { "role": "user", "content": "Look" },
        { "type": "function_call", "call_id": "t1", "name": "look", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "t1", "output": [of_responses] },
    ]);
    let contents = json!({ "contents": [{ "role": "user", "parts": [
        { "fileData": { "mimeType": "image/png", "fileUri": url } }] }] });
    let papers = json!({ "contents": [{ "role": "user", "parts": [
        { "fileData": { "mimeType": "application/pdf", "fileUri": pdf } }] }] });
    let (chat, claude) = ("/v1/chat/completions", "/v1/messages");
    let gemini = "/v1beta/models/ollama%2Fa:generateContent";
    let gemini_papers = "/v1beta/models/openai-chat%2Fa:generateContent";
    vec![
        (chat, Wire::OpenAiChat, messages(json!([user(&of_openai)]))),
        (
            claude,
            Wire::AnthropicMessages,
            messages(json!([user(&of_anthropic)])),
        ),
        (claude, Wire::AnthropicMessages, messages(called)),
        (
            "/v1/responses",
            Wire::OpenAiResponses,
            responses(json!([user(&of_responses)])),
        ),
        ("/v1/responses", Wire::OpenAiResponses, responses(output)),
        (gemini, Wire::Gemini, contents),
        (
            claude,
            Wire::AnthropicMessages,
            of_papers(messages(json!([user(&paper)]))),
        ),
        (
            "/v1/responses",
            Wire::OpenAiResponses,
            of_papers(responses(json!([user(&file)]))),
        ),
        (gemini_papers, Wire::Gemini, papers),
    ]
}

/// A service before providers that take bytes alone.
struct Site {
    service: SocketAddr,
    provider: ApiServer,
}

impl Site {
    async fn start(fetcher: Option<Fetcher>) -> Self {
        let message = json!({ "role": "assistant", "content": "A cat." });
        // What both dialects read.
        let answer = json!({
            "model": "a", "message": message, "done": true, "done_reason": "stop",
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        });
        let answer = answer.to_string();
        let provider = ApiServer::answering(move |_| ApiAnswer::new(200, answer.clone()));
        let provider = provider.await.unwrap();
        let mut config = ServerConfig::default();
        config.fetch_media = fetcher.map(FetchMediaLayer::new);
        let (service, _) = start(&providers(&provider.url()), config).await;
        Self { service, provider }
    }

    /// Names an address in all ways, and holds the answers to be refusals that say this.
    async fn refuses(&self, url: &str, says: &str) {
        for (path, wire, body) in asks(url) {
            let came: Came = post(self.service, path, "", &body).await;
            let told = text(&came);
            assert_eq!(came.status, 400, "{path} {url}: {told}");
            assert_eq!(shape::refusal(wire, &came), None, "{path} {url}");
            assert!(told.contains(says), "{path} {url}: {told}");
            assert!(!told.contains("secret"), "{path} {url}: {told}");
        }
        assert_eq!(self.provider.requests().len(), 0, "{url}");
    }
}

fn sent_text(sent: &SeenRequest) -> String {
    String::from_utf8_lossy(&sent.body).into_owned()
}

/// Addresses that a service must not ask for anybody, and what is said of them.
const WITHIN: &[(&str, &str)] = &[
    ("http://127.0.0.1/a.png", "no public address"),
    ("http://localhost/a.png", "no public address"),
    ("http://LOCALHOST/a.png", "no public address"),
    ("http://127.1/a.png", "no public address"),
    ("http://2130706433/a.png", "no public address"),
    ("http://0x7f000001/a.png", "no public address"),
    ("http://0177.0.0.1/a.png", "no public address"),
    ("http://0/a.png", "no public address"),
    ("http://10.0.0.1/a.png?key=secret", "no public address"),
    ("http://172.16.0.1/a.png", "no public address"),
    ("http://192.168.0.1/a.png", "no public address"),
    ("http://100.64.0.1/a.png", "no public address"),
    (
        "http://169.254.169.254/latest/meta-data/",
        "no public address",
    ),
    ("HTTP://169.254.169.254/", "no public address"),
    ("http://[::1]/a.png", "no public address"),
    ("http://[::]/a.png", "no public address"),
    ("http://[::ffff:127.0.0.1]/a.png", "no public address"),
    ("http://[::ffff:a9fe:a9fe]/a.png", "no public address"),
    ("http://[::127.0.0.1]/a.png", "no public address"),
    ("http://[64:ff9b::7f00:1]/a.png", "no public address"),
    ("http://[64:ff9b:1::1]/a.png", "no public address"),
    ("http://[fe80::1]/a.png", "no public address"),
    ("http://[fd00::1]/a.png", "no public address"),
    ("http://[fec0::1]/a.png", "no public address"),
    ("http://[2002:7f00:1::]/a.png", "no public address"),
    (
        "http://[2606:4700::5efe:10.0.0.1]/a.png",
        "no public address",
    ),
    ("http://[fe80::1%25eth0]/a.png", ""),
    ("http://user:secret@127.0.0.1/a.png", "a user or a password"),
    ("http://127.0.0.1:6379/a.png", "is at port 6379"),
    ("ftp://127.0.0.1/a.png", ""),
    ("file:///etc/passwd", ""),
    ("gopher://127.0.0.1/a", ""),
    ("unix:///run/docker.sock", ""),
    ("//127.0.0.1/a.png", ""),
];

#[tokio::test]
async fn what_clients_name_within_is_not_fetched() {
    // As it is where nobody says anything.
    let site = Site::start(None).await;
    let inside = TcpListener::bind((PUBLIC, 0)).await.unwrap();
    for (url, says) in WITHIN {
        site.refuses(url, says).await;
    }
    let url = format!("http://{}/a.png", inside.local_addr().unwrap());
    site.refuses(&url, "is at port").await;
    let asked = tokio::time::timeout(std::time::Duration::ZERO, inside.accept()).await;
    assert!(asked.is_err(), "somebody came");
}

#[tokio::test]
async fn names_and_redirects_lead_to_nothing_within() {
    let names = Names::default()
        .with("files.example", &[&["127.0.0.1"]])
        .with("inside.example", &[&["10.1.2.3"]])
        .with("metadata.example", &[&["169.254.169.254"]])
        .with("six.example", &[&["fd00::1"]])
        .with("mapped.example", &[&["::ffff:10.0.0.1"]])
        .with("both.example", &[&["127.0.0.1", "192.168.0.1"]])
        // It changes its mind between two looks.
        .with("turns.example", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let fetcher = Fetcher::with_lookup(names.clone());
    let fetcher = fetcher.with_allowed([PUBLIC]).with_any_port();
    let site = Site::start(Some(fetcher)).await;
    let (address, asked) = pictures().await;
    let port = address.port();
    for name in ["inside", "metadata", "six", "mapped", "both"] {
        let url = format!("http://{name}.example:{port}/a.png?key=secret");
        site.refuses(&url, "no public address").await;
    }
    assert!(asked.lock().unwrap().is_empty());
    for (to, says) in [
        ("http://10.0.0.1/", "no public address"),
        (
            "http://169.254.169.254/latest/meta-data",
            "no public address",
        ),
        ("http://2852039166/", "no public address"),
        ("http://[::1]/", "no public address"),
        ("http://[::ffff:10.0.0.1]/", "no public address"),
        ("http://[64:ff9b::a00:1]/", "no public address"),
        ("//192.168.0.1/a.png", "no public address"),
        ("http://inside.example/", "no public address"),
        ("http://both.example/", "no public address"),
        ("file:///etc/passwd", "`file:` isn't fetched"),
        ("gopher://127.0.0.1/a", "`gopher:` isn't fetched"),
        ("http://me:secret@files.example/", "a user or a password"),
    ] {
        site.refuses(&format!("http://files.example:{port}/to/{to}"), says)
            .await;
    }
    // What was looked up is what is connected to: nobody looks again in between.
    let before = names.looks("turns.example");
    let url = format!("http://turns.example:{port}/a.png");
    let (path, _, body) = asks(&url).swap_remove(0);
    let came = post(site.service, path, "", &body).await;
    assert_eq!(came.status, 200, "{}", text(&came));
    assert_eq!(names.looks("turns.example"), before + 1);
    let sent = site.provider.requests().pop().unwrap();
    assert!(sent_text(&sent).contains(&STANDARD.encode(PNG)), "{sent:?}");
    let seen = asked.lock().unwrap().len();
    let came = post(site.service, path, "", &body).await;
    assert_eq!(came.status, 400, "{}", text(&came));
    assert!(text(&came).contains("no public address"));
    assert_eq!(asked.lock().unwrap().len(), seen);
    assert_eq!(site.provider.requests().len(), 1);
}

#[tokio::test]
async fn what_is_public_is_fetched_and_given_as_bytes() {
    let names = Names::default().with("files.example", &[&["127.0.0.1"]]);
    let fetcher = Fetcher::with_lookup(names);
    let fetcher = fetcher.with_allowed([PUBLIC]).with_any_port();
    let site = Site::start(Some(fetcher)).await;
    let (address, _) = pictures().await;
    for path in ["a.png", "to//a.png"] {
        let url = format!("http://files.example:{}/{path}", address.port());
        for (path, _, body) in asks(&url) {
            let came = post(site.service, path, "", &body).await;
            assert_eq!(came.status, 200, "{path} {url}: {}", text(&came));
            let sent = site.provider.requests().pop().unwrap();
            let bytes = match body.to_string().contains(".pdf") {
                true => PDF,
                false => PNG,
            };
            assert!(
                sent_text(&sent).contains(&STANDARD.encode(bytes)),
                "{path} {url}"
            );
            assert!(!sent_text(&sent).contains("files.example"), "{path} {url}");
        }
    }
}
