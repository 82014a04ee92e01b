//! Every provider answers from the command line, in its own protocol.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::process::Command;

use common::plain::{KEY, PlainServer, providers, set_variables};
use common::{Home, Ran};

/// A command for a provider, with something in each of its variables.
fn ask(home: &Home, provider: &parlor::Descriptor, url: &str, more: &[&str]) -> Command {
    let model = format!("{}/test-model", provider.id);
    let arguments = [&["-m", &model, "--base-url", url], more, &["Hi"]].concat();
    let mut command = home.parlor(&arguments);
    set_variables(&mut command, provider);
    command
}

#[tokio::test]
async fn every_provider_answers_streamed_and_whole() {
    let home = Home::new();
    let server = PlainServer::start().await;
    let mut wrong = Vec::new();
    let mut asked = 0;
    for provider in providers() {
        for more in [&[][..], &["--no-stream"]] {
            let mut command = ask(&home, provider, &server.url(), more);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap());
            let ran = Ran::of(output.await.unwrap());
            asked += 1;
            let answered = ran.stdout.trim_end() == server.text;
            if ran.code != Some(0) || !answered || ran.stderr.contains(KEY) {
                wrong.push(format!("{} {more:?}: {ran:?}", provider.id));
            }
        }
    }
    assert!(asked > 80, "only {asked} were asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
