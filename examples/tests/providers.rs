//! The same example, by the model id alone, runs on every provider.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "../../crates/parlor-cli/tests/common/plain.rs"]
#[allow(unreachable_pub, reason = "shared with the program's tests")]
mod plain;

use common::{command, finish};
use plain::{KEY, PlainServer, providers, set_variables};
use std::path::Path;

#[tokio::test]
async fn one_chat_runs_on_every_provider() {
    let server = PlainServer::start().await;
    let mut wrong = Vec::new();
    let mut asked = 0;
    for provider in providers() {
        let config = format!("chat-{}.toml", provider.id);
        let config = Path::new(env!("CARGO_TARGET_TMPDIR")).join(config);
        let (id, url) = (provider.id, server.url());
        std::fs::write(&config, format!("[providers.{id}]\nbase_url = \"{url}\"\n")).unwrap();
        let model = format!("{id}/test-model");
        let mut command = command("chat", &[&model]);
        set_variables(&mut command, provider);
        command.env("PARLOR_CONFIG", &config);
        // Nothing leaves this machine, whatever a test gets wrong.
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        let chat = tokio::task::spawn_blocking(move || finish(command, "Hi\nAnd?\n"));
        let (status, printed, errors) = chat.await.unwrap();
        asked += 1;
        let wanted = format!("{0}\n{0}\n2 turns\n", server.text);
        if !status.success() || printed != wanted || errors.contains(KEY) {
            wrong.push(format!("{id}: {status} {printed}{errors}"));
        }
    }
    assert!(asked > 40, "only {asked} were asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
