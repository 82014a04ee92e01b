//! Every provider answers from the command line, in its own protocol.

use std::process::Command;
use std::sync::Arc;

use crate::common::plain::{KEY, PlainServer, providers, set_variables};
use crate::common::{Home, Ran};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many run at once.
const ROOM: usize = 4;

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
    let room = Arc::new(Semaphore::new(ROOM));
    let mut running = JoinSet::new();
    for provider in providers() {
        for more in [&["--no-save"][..], &["--no-save", "--no-stream"]] {
            let mut command = ask(&home, provider, &server.url(), more);
            let (room, text) = (Arc::clone(&room), server.text.clone());
            running.spawn(async move {
                let _place = room.acquire().await.unwrap();
                let output = tokio::task::spawn_blocking(move || command.output().unwrap());
                let ran = Ran::of(output.await.unwrap());
                let answered = ran.stdout.trim_end() == text;
                let is_right = ran.code == Some(0) && answered && !ran.stderr.contains(KEY);
                (!is_right).then(|| format!("{} {more:?}: {ran:?}", provider.id))
            });
        }
    }
    let asked = running.len();
    let wrong: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(asked > 80, "only {asked} were asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
