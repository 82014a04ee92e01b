//! Tools of an MCP server in a conversation:
//! `cargo run -p examples --example mcp -- MODEL PROGRAM [ARGUMENT…]`, for example
//! `… -- openai/gpt-5.4-mini npx -y @modelcontextprotocol/server-filesystem .`.

#![allow(clippy::print_stdout)]

use parlor::agent::{Approval, Conversation, RunEvent, approve_with};
use parlor::mcp::{McpServer, Program, shown_name};

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let program = std::env::args()
        .nth(2)
        .unwrap_or_else(|| "mcp_server".to_owned());
    let program = Program::new(program).with_args(std::env::args().skip(3));
    let server = McpServer::stdio("box", program).connect().await?;

    let tools = server.tools().await?;
    for tool in &tools {
        println!("{}", tool.shown_name());
    }
    // Somebody would be asked here; what a server says of its tools isn't enough.
    let approver = approve_with(|request| {
        println!("may {} run? yes", shown_name(&request.call.name));
        Approval::AllowAlways
    });
    let mut chat = Conversation::shared(model)
        .with_tools(tools)
        .with_approver(approver);
    let reply = chat
        .stream_with("Use box__greet to greet Ada.", |event| {
            if let RunEvent::ToolFinished(result) = event {
                println!("-> {}", result.joined_text());
            }
        })
        .await?;
    println!("{}", reply.text());
    server.close().await;
    Ok(())
}
