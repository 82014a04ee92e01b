//! Tools of MCP servers: started when they are wanted, asked about like all others.
#![cfg(all(unix, feature = "mcp"))]

use crate::common::calling::{calls, last_result, says, tools_of};
use crate::common::pty::Pty;
use crate::common::server::Server;
use crate::common::{Home, Ran};
use serde_json::{Value, json};

/// A server in a few lines of shell, which notes each start.
const SERVER: &str = r#"#!/bin/sh
echo started >> "$HOME/starts"
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *'"initialize"'*) answer '{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"0"}}' ;;
    *'"tools/list"'*) answer '{"tools":[{"name":"echo","description":"Says it.","inputSchema":{"type":"object"}},{"name":"die","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*)
      case $line in
        *'"die"'*) echo 'the disk is on fire' >&2; exit 3 ;;
      esac
      answer '{"content":[{"type":"text","text":"said"}]}' ;;
  esac
done
echo ended >> "$HOME/ends"
"#;

fn home(more: &str) -> Home {
    let home = Home::new();
    let file = home.file("server.sh", SERVER);
    home.config(&format!(
        "[mcp.box]\ncommand = \"/bin/sh\"\nargs = [\"{file}\"]\n{more}"
    ));
    home
}

fn starts(home: &Home) -> usize {
    let noted = std::fs::read_to_string(home.path().join("starts"));
    noted.unwrap_or_default().lines().count()
}

fn ask(home: &Home, server: &Server, more: &[&str]) -> Ran {
    let words = [&["-m", "ollama/m"][..], more, &["Hi"]].concat();
    let mut command = home.parlor(&words);
    Ran::of(command.env("OLLAMA_HOST", &server.url).output().unwrap())
}

fn call(name: &str) -> crate::common::server::Answer {
    calls(&[(name, json!({"text": "x"}))])
}

#[test]
fn a_server_is_started_when_a_tool_of_it_is_wanted() {
    let home = home("");
    let server = Server::start(vec![says("a"), says("b"), says("c"), says("d")]);
    let given = |more: &[&str]| {
        let ran = ask(&home, &server, more);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        (tools_of(&server.request().body), ran.stderr)
    };
    assert_eq!(given(&[]).0, [""; 0]);
    assert_eq!(given(&["--tool", "time"]).0, ["time"]);
    assert_eq!(starts(&home), 0);
    assert_eq!(given(&["--tool", "box"]).0, ["box__die", "box__echo"]);
    assert_eq!(given(&["--tool", "box.echo"]).0, ["box__echo"]);
    assert_eq!(starts(&home), 2);
    // Each was let end by itself.
    let ends = std::fs::read_to_string(home.path().join("ends")).unwrap();
    assert_eq!(ends, "ended\nended\n");
}

#[test]
fn its_tools_are_asked_about_and_allowed_by_name() {
    let home = home("");
    let answers = vec![
        call("box__echo"),
        says("One."),
        call("box__echo"),
        says("Two."),
    ];
    let server = Server::start(answers);
    let ran = ask(&home, &server, &["--tool", "box"]);
    assert_eq!(ran.code, Some(11), "{ran:?}");
    ran.says(&["✗ box.echo: nobody", "--allow box.echo"]);
    let ran = ask(&home, &server, &["--allow", "box.echo"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&["→ box.echo(text: \"x\")", "✓ box.echo: 4 B"]);
    for _ in 0..3 {
        server.request();
    }
    assert_eq!(last_result(&server), "said");
}

#[test]
fn a_policy_holds_for_a_server_or_for_one_of_its_tools() {
    let home = home("[tools.box]\npolicy = \"allow\"\n[tools.\"box.die\"]\npolicy = \"deny\"\n");
    let both = calls(&[("box__echo", json!({})), ("box__die", json!({}))]);
    let server = Server::start(vec![both, says("Done.")]);
    let ran = ask(&home, &server, &["--tool", "box"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.says(&["✓ box.echo", "✗ box.die: There is no tool"]);
    assert_eq!(tools_of(&server.request().body), ["box__echo"]);
}

#[test]
fn a_server_that_fails_leaves_the_others() {
    let home = home("[mcp.gone]\ncommand = \"no-such-program\"\n");
    let server = Server::start(vec![call("box__die"), call("box__echo"), says("Done.")]);
    let ran = ask(&home, &server, &["--allow", "all"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "Done.\n"),
        "{ran:?}"
    );
    ran.says(&["warning: gone can't be used: ", "✗ box.die: ", "✓ box.echo"]);
    let body = server.request().body;
    assert!(tools_of(&body).contains(&"box__echo".to_owned()), "{body}");
    assert!(last_result(&server).contains("the disk is on fire"));
    // The one that died was started again for the next call.
    assert_eq!(starts(&home), 2);
}

#[test]
fn the_doctor_looks_at_servers() {
    let home = home("[mcp.gone]\ncommand = \"no-such-program\"\n");
    let report = home.run(&["doctor"]).stdout;
    assert!(report.contains("✓ mcp: box (/bin/sh "), "{report}");
    assert!(report.contains(": 2 tools"), "{report}");
    assert!(
        report.contains("✗ mcp: gone (no-such-program): "),
        "{report}"
    );
    let object: Value = home.run(&["doctor", "--json"]).json();
    assert_eq!(object["tools"][0]["tools"], 2);
}

#[test]
fn a_conversation_shows_servers_and_turns_them_on() {
    let home = home("");
    let server = Server::start(vec![call("box__echo"), says("Done."), says("Fine.")]);
    let mut pty = Pty::new(
        &home,
        &["-m", "ollama/m"],
        &[("OLLAMA_HOST", &server.url)],
        true,
    );
    pty.enters("/mcp");
    pty.shows("off  (MCP server: /bin/sh");
    pty.enters("/tools on box");
    pty.shows("box is on.");
    pty.enters("Hi");
    pty.shows("starting box…");
    let shown = pty.until(|shown| shown.trim_end().ends_with("Ctrl-C stops:"));
    assert!(
        shown.contains("box.echo (MCP server box: /bin/sh"),
        "{shown}"
    );
    pty.types("s");
    pty.shows("✓ box.echo: 4 B");
    pty.shows("\nDone.\n");
    pty.enters("/mcp");
    let shown = pty.shows("on  box.echo");
    assert!(shown.contains("connected"), "{shown}");
    pty.enters("/tools off box");
    pty.shows("box is off.");
    pty.enters("More");
    pty.shows("\nFine.\n");
    server.request();
    server.request();
    let body = server.request().body;
    assert_eq!(tools_of(&body), [""; 0]);
}

#[test]
fn who_stops_waiting_for_a_server_has_asked_nothing() {
    let home = Home::new();
    home.config("[mcp.slow]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"read -r line; sleep 60\"]\n");
    let path = std::env::var("PATH").unwrap();
    let env = [("PATH", path.as_str())];
    let mut pty = Pty::new(&home, &["-m", "echo"], &env, true);
    pty.enters("one");
    pty.shows("\none\n");
    let notes = home.file("notes.txt", "Noted.\n");
    pty.enters(&format!("/attach {notes}"));
    pty.shows("notes.txt");
    pty.enters("/tools on slow");
    pty.shows("slow is on.");
    for (stopped, asked) in ["two", "/retry"].iter().enumerate() {
        pty.enters(asked);
        pty.until(|shown| shown.matches("starting slow…").count() == stopped + 1);
        pty.types("\x03");
        pty.until(|shown| shown.matches("[interrupted]").count() == stopped + 1);
    }
    pty.enters("/tools off slow");
    pty.shows("slow is off.");
    pty.enters("/status");
    pty.shows("1 turn, kept as");
    pty.enters("three");
    pty.shows("Noted.");
    pty.until(|shown| shown.trim_end().ends_with('›'));
    pty.types("\x04");
    assert_eq!(pty.ended(), 0);
    assert!(home.run(&["history"]).stdout.contains("2 turns"));
}

#[test]
fn a_service_looks_at_the_servers_that_it_names() {
    let named = |tools: &str| home(&format!("[serve]\ntools = [{tools}]\n"));
    let right = named("\"box.echo\"");
    let ran = right.run(&["serve", "--check"]);
    assert_eq!((ran.code, starts(&right)), (Some(0), 1), "{ran:?}");
    let wrong = named("\"box.nothing\"").run(&["serve", "--check"]);
    let told = "box has no tool box.nothing";
    wrong.failed(3, "config").says(&[told]);
}
