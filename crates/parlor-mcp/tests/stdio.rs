//! Servers that are programs, well-behaved and not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_agent::{Effect, Tool, ToolBox, ToolContext, ToolOutput};
use parlor_core::{Error, ErrorKind, Part, ToolCall};
use parlor_mcp::{McpClient, McpServer, McpTool, Program, Trust};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The program beside this test's own: `target/<profile>/examples/server`.
fn program(mode: &str) -> Program {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let path = path.join("examples").join("server");
    Program::new(path.to_str().unwrap()).with_args([mode])
}

fn server(mode: &str) -> McpServer {
    McpServer::stdio("box", program(mode))
}

async fn client(mode: &str) -> McpClient {
    server(mode).connect().await.unwrap()
}

async fn tool(client: &McpClient, name: &str) -> McpTool {
    let tools = client.tools().await.unwrap();
    let found = tools.into_iter().find(|tool| tool.remote_name() == name);
    found.unwrap_or_else(|| panic!("no tool {name}"))
}

async fn call(client: &McpClient, name: &str, arguments: Value) -> Result<ToolOutput, Error> {
    let tool = tool(client, name).await;
    let context = ToolContext::new(ToolCall::default());
    tool.call(arguments, &context).await
}

fn text(output: &ToolOutput) -> &str {
    output.parts.first().and_then(Part::as_text).unwrap()
}

/// What a server connects to as long as it lives.
struct Alive(TcpListener);

impl Alive {
    async fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (Self(listener), address)
    }

    /// A server that has started, and its process id.
    async fn next(&self) -> (BufReader<TcpStream>, u32) {
        let (stream, _) = self.0.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut id = String::new();
        stream.read_line(&mut id).await.unwrap();
        (stream, id.trim().parse().unwrap())
    }
}

/// Waits until a server is no more.
async fn gone(mut stream: BufReader<TcpStream>) {
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn tools_are_listed_by_page_and_called() {
    let client = client("").await;
    let tools = client.tools().await.unwrap();
    assert_eq!(tools.len(), 14);
    let echo = &tools[0];
    let definition = echo.definition();
    let function = definition.as_function().unwrap();
    assert_eq!(function.name, "box__echo");
    assert_eq!(function.description.as_deref(), Some("The tool echo."));
    assert_eq!(function.parameters.as_ref().unwrap()["type"], "object");
    assert_eq!(
        (echo.shown_name(), echo.server()),
        ("box.echo".to_owned(), "box")
    );
    assert_eq!(
        client.instructions().await.unwrap().unwrap(),
        "Say what you want."
    );

    let output = call(&client, "echo", json!({"text": "grüße"}))
        .await
        .unwrap();
    assert_eq!(output, "grüße".into());
    let output = call(&client, "with.dots", json!({"text": "x"}))
        .await
        .unwrap();
    assert_eq!(output, "x".into());
    assert!(tools[13].shown_name() == "box.with.dots");

    let output = call(&client, "structured", json!({})).await.unwrap();
    assert_eq!(output, r#"{"degrees":4}"#.into());
    let output = call(&client, "picture", json!({})).await.unwrap();
    assert!(matches!(&output.parts[..], [Part::Text(_), Part::Media(_)]));
    client.close().await;
}

#[tokio::test]
async fn failures_are_told_by_kind() {
    let client = client("").await;
    let failed = call(&client, "fail", json!({})).await.unwrap();
    assert!(failed.is_error);
    let refused = call(&client, "refuse", json!({})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Validation);
    assert_eq!(refused.message(), "`text` must be a city");
    let wrong = call(&client, "echo", json!("x")).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Validation);
    client.close().await;
    let closed = client.tools().await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Connection);
}

#[tokio::test]
async fn somebody_is_asked_unless_the_caller_knows_better() {
    let effects = async |server: McpServer| {
        let client = server.connect().await.unwrap();
        let effects = [
            tool(&client, "look").await.effect(),
            tool(&client, "echo").await.effect(),
        ];
        client.close().await;
        effects
    };
    use Effect::{Changes, None};
    assert_eq!(effects(server("")).await, [Changes, Changes]);
    assert_eq!(
        effects(server("").with_trust(Trust::Hints)).await,
        [None, Changes]
    );
    assert_eq!(
        effects(server("").with_read_only(["e*"])).await,
        [Changes, None]
    );
}

#[tokio::test]
async fn lists_choose_what_is_offered() {
    let server = server("").with_allowed(["e*", "look"]).with_denied(["env"]);
    let client = server.connect().await.unwrap();
    let tools = client.tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(McpTool::remote_name).collect();
    assert_eq!(names, ["echo", "look"]);
    client.close().await;
}

#[tokio::test]
async fn a_changed_list_is_asked_for_again() {
    for mode in ["", "modern"] {
        let client = client(mode).await;
        let mut tools = ToolBox::new();
        assert!(client.register(&mut tools).await.unwrap());
        assert!(!client.register(&mut tools).await.unwrap());
        assert!(tools.get("box__grown").is_none());
        call(&client, "grow", json!({})).await.unwrap();
        // Its notification may be handled after the answer.
        while !client.register(&mut tools).await.unwrap() {
            tokio::task::yield_now().await;
        }
        assert!(tools.get("box__grown").is_some());
        let output = call(&client, "grown", json!({})).await.unwrap();
        assert_eq!(text(&output), "here");
        client.close().await;
    }
}

#[tokio::test]
async fn a_server_without_a_handshake_is_met_its_own_way() {
    let client = client("modern").await;
    let output = call(&client, "echo", json!({"text": "new"})).await.unwrap();
    assert_eq!(text(&output), "new");
    client.close().await;
}

#[tokio::test]
async fn the_environment_is_small() {
    // Cargo sets this for tests; it is none of what programs need.
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok());
    let program = program("").with_env("FLAVOUR", "plum");
    let client = McpServer::stdio("box", program).connect().await.unwrap();
    let output = call(&client, "env", json!({})).await.unwrap();
    let variables: Vec<(String, String)> = serde_json::from_str(text(&output)).unwrap();
    let has = |name: &str| variables.iter().any(|(it, _)| it == name);
    assert!(has("PATH") && has("FLAVOUR"));
    assert!(!has("CARGO_MANIFEST_DIR"), "{variables:?}");
    client.close().await;
}

#[tokio::test]
async fn a_server_may_neither_ask_the_model_nor_the_person() {
    let client = client("").await;
    let output = call(&client, "ask", json!({})).await.unwrap();
    let (sampling, elicitation) = text(&output).split_once('\n').unwrap();
    assert!(sampling.contains("-32601"), "{sampling}");
    assert!(elicitation.contains("decline"), "{elicitation}");
    client.close().await;
}

#[tokio::test]
async fn junk_on_the_output_is_passed_over() {
    let client = client("junk").await;
    let output = call(&client, "echo", json!({"text": "still"}))
        .await
        .unwrap();
    assert_eq!(text(&output), "still");
    client.close().await;
}

#[tokio::test]
async fn odd_lists_and_answers_are_read_as_far_as_they_go() {
    let client = client("odd").await;
    let tools = client.tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(McpTool::remote_name).collect();
    assert_eq!(names, ["none", "null", "empty", "nullable"]);
    for tool in &tools {
        let definition = tool.definition();
        let schema = definition
            .as_function()
            .unwrap()
            .parameters
            .as_ref()
            .unwrap();
        assert_eq!(*schema, json!({"type": "object", "properties": {}}));
    }
    let definition = tools[2].definition();
    assert_eq!(
        definition.as_function().unwrap().description.as_deref(),
        Some("red alert")
    );
    let left_out = client.left_out().await.unwrap();
    let left_out: Vec<_> = left_out.iter().map(|it| it.tool.as_str()).collect();
    assert_eq!(left_out, ["string", "list", "empty", "", ""]);

    let output = call(&client, "none", json!({})).await.unwrap();
    let texts: Vec<_> = output.parts.iter().filter_map(Part::as_text).collect();
    assert_eq!(texts, ["known", r#"{"type":"hologram","light":true}"#]);
    client.close().await;
}

#[tokio::test]
async fn what_is_no_program_is_told() {
    let error = McpServer::stdio("box", "/nowhere/at-all")
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("`/nowhere/at-all`"), "{error}");
    let error = McpServer::stdio("a.b", "x").connect().await.unwrap_err();
    assert!(error.message().contains("`a.b`"), "{error}");
}

#[tokio::test]
async fn a_server_that_exits_at_once_says_why() {
    let error = server("exit").connect().await.unwrap_err();
    let message = error.message();
    assert!(message.contains("`box` didn't start"), "{message}");
    assert!(message.contains("exit status: 2"), "{message}");
    assert!(message.contains("no such folder: /nowhere"), "{message}");
}

#[tokio::test]
async fn a_server_that_hangs_is_ended() {
    let (alive, address) = Alive::new().await;
    let program = program("hang").with_args(["--alive", &address]);
    let limit = Some(Duration::from_millis(300));
    let server = McpServer::stdio("box", program).with_start_timeout(limit);
    let connecting = tokio::spawn(server.connect());
    let (stream, id) = alive.next().await;
    let error = connecting.await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    gone(stream).await;
    assert!(!is_there(id), "a zombie");
}

#[tokio::test]
async fn a_server_that_dies_in_a_call_is_started_again_so_often() {
    let (alive, address) = Alive::new().await;
    let program = program("")
        .with_args(["--alive", &address])
        .with_env("TOKEN", "a-very-secret-token");
    let server = McpServer::stdio("box", program).with_restarts(2);
    let client = server.connect().await.unwrap();
    let (_stream, first) = alive.next().await;
    let die = async || {
        let arguments = json!({"text": "a-very-secret-token"});
        call(&client, "die", arguments).await.unwrap_err()
    };
    let error = die().await;
    let message = error.message();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(message.contains("`box` ended during the call"), "{message}");
    assert!(message.contains("exit status: 3"), "{message}");
    assert!(message.contains("the disk is on fire, …oken"), "{message}");
    assert!(!is_there(first), "a zombie");

    let output = call(&client, "echo", json!({"text": "back"}))
        .await
        .unwrap();
    assert_eq!(text(&output), "back");
    let (_stream, second) = alive.next().await;
    assert_ne!(first, second);

    // The answer set the count back; two restarts later it stays down.
    for _ in 0..3 {
        die().await;
    }
    let error = client.tools().await.unwrap_err();
    assert!(error.message().contains("ended too often"), "{error}");
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_at_the_server() {
    let limit = Some(Duration::from_millis(200));
    let client = server("").with_call_timeout(limit).connect().await.unwrap();
    let error = call(&client, "slow", json!({})).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    // The connection goes on, and the server comes to know of it.
    while text(&call(&client, "given_up", json!({})).await.unwrap()) != "1" {
        tokio::task::yield_now().await;
    }
    client.close().await;
}

#[tokio::test]
async fn a_big_answer_comes_whole() {
    let client = client("").await;
    let output = call(&client, "big", json!({})).await.unwrap();
    assert_eq!(text(&output).len(), 10 * 1024 * 1024);
    client.close().await;
}

#[tokio::test]
async fn closing_waits_for_the_end() {
    for mode in ["", "stubborn"] {
        let (alive, address) = Alive::new().await;
        let program = program(mode).with_args(["--alive", &address]);
        let client = McpServer::stdio("box", program).connect().await.unwrap();
        let (stream, id) = alive.next().await;
        client.close().await;
        assert!(!is_there(id), "a zombie");
        gone(stream).await;
    }
}

#[tokio::test]
async fn dropping_the_last_holder_ends_the_program() {
    let (alive, address) = Alive::new().await;
    let program = program("").with_args(["--alive", &address]);
    let client = McpServer::stdio("box", program).connect().await.unwrap();
    let (stream, _id) = alive.next().await;
    let echo = tool(&client, "echo").await;
    drop(client);
    let context = ToolContext::new(ToolCall::default());
    let output = echo.call(json!({"text": "here"}), &context).await.unwrap();
    assert_eq!(text(&output), "here", "a tool keeps its server");
    drop(echo);
    gone(stream).await;
}

#[test]
fn the_end_of_the_runtime_ends_the_program() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (client, stream) = runtime.block_on(async {
        let (alive, address) = Alive::new().await;
        let program = program("").with_args(["--alive", &address]);
        let client = McpServer::stdio("box", program).connect().await.unwrap();
        let (stream, _id) = alive.next().await;
        (client, stream.into_inner().into_std().unwrap())
    });
    drop(runtime);
    drop(client);
    stream.set_nonblocking(false).unwrap();
    let _ = std::io::Read::read_to_end(&mut &stream, &mut Vec::new());
}

/// Whether there is such a process, be it a zombie.
fn is_there(id: u32) -> bool {
    PathBuf::from(format!("/proc/{id}")).exists()
}
