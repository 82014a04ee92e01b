//! A server's tools in a conversation: asked for, in order, bounded, failures told.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_agent::{Approval, Conversation, Limits, Outcome, RunEvent, approve_with};
use parlor_core::{ChatResponse, Choice, FinishKind, Part, Role, ToolCall, ToolResult};
use parlor_mcp::{McpClient, McpServer, Program, shown_name};
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

async fn client() -> McpClient {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let path = path.join("examples").join("server");
    let server = McpServer::stdio("box", Program::new(path.to_str().unwrap()));
    server.with_read_only(["echo"]).connect().await.unwrap()
}

fn calls(calls: &[(&str, &str)]) -> Script {
    let calls = calls.iter().enumerate().map(|(at, (name, text))| {
        Part::ToolCall(ToolCall::new(
            format!("call{at}"),
            *name,
            json!({"text": text}),
        ))
    });
    let mut choice = Choice::new(0);
    choice.message.parts.extend(calls);
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    Script::response(response)
}

fn results(chat: &Conversation) -> Vec<ToolResult> {
    let messages = chat.history().messages();
    let tools = messages.iter().filter(|it| it.role == Role::Tool);
    let parts = tools.flat_map(|it| it.parts.clone());
    parts
        .filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn tools_of_a_server_keep_to_the_rules_of_all_tools() {
    let client = client().await;
    let model = Scripted::new([
        calls(&[
            ("box__echo", "first"),
            ("box__picture", ""),
            ("box__fail", ""),
            ("box__big", ""),
            ("box__grow", ""),
            ("box__slow", ""),
        ]),
        Script::text("done"),
    ]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let mut limits = Limits::default();
    limits.tool_time = std::time::Duration::from_secs(2);
    let mut chat = Conversation::new(model)
        .with_tools(client.tools().await.unwrap())
        .with_limits(limits)
        .with_approver(approve_with(move |request| {
            let name = shown_name(&request.call.name).into_owned();
            let approval = match name.as_str() {
                "box.grow" => Approval::Deny(None),
                _ => Approval::Allow,
            };
            log.lock().unwrap().push(name);
            approval
        }));
    let mut started = 0;
    let reply = chat
        .stream_with("go", |event| {
            started += usize::from(matches!(event, RunEvent::ToolStarted(_)));
        })
        .await
        .unwrap();
    assert_eq!(
        (reply.text().as_str(), reply.outcome),
        ("done", Outcome::Finished)
    );
    assert_eq!(
        *asked.lock().unwrap(),
        ["box.picture", "box.fail", "box.big", "box.grow", "box.slow"],
        "what is known to read only runs without asking"
    );

    let results = results(&chat);
    let ids: Vec<_> = results.iter().map(|it| it.call_id.as_str()).collect();
    assert_eq!(ids, ["call0", "call1", "call2", "call3", "call4", "call5"]);
    let errors: Vec<_> = results.iter().map(|it| it.is_error).collect();
    assert_eq!(errors, [false, false, true, false, true, true]);
    assert_eq!(results[0].joined_text(), "first");
    assert!(matches!(results[1].parts[1], Part::Media(_)));
    assert_eq!(results[3].joined_text().len() / 1024, 128, "bounded");
    assert!(results[4].joined_text().contains("denied"));
    assert!(results[5].joined_text().contains("longer than 2s"));
    client.close().await;
}
