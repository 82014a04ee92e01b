//! Every provider answers from the command line, in its own protocol.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::process::Command;

use common::{Home, Ran};
use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Outcome, Wire};

const KEY: &str = "test-key-0123456789";

/// A command for a provider, with something in each of its variables.
fn ask(home: &Home, provider: &parlor::Descriptor, url: &str, more: &[&str]) -> Command {
    let model = format!("{}/test-model", provider.id);
    let arguments = [&["-m", &model, "--base-url", url], more, &["Hi"]].concat();
    let mut command = home.parlor(&arguments);
    command.env("AWS_REGION", "us-east-1");
    command.env("GOOGLE_CLOUD_PROJECT", "some-project");
    command.env("TENCENTCLOUD_SECRET_KEY", KEY);
    for variable in provider.key_env {
        command.env(variable, KEY);
    }
    command
}

#[tokio::test]
async fn every_provider_answers_streamed_and_whole() {
    let home = Home::new();
    let server = FaultServer::start().await.unwrap();
    let fault = FAULTS.iter().find(|fault| fault.number == 1).unwrap();
    let expect = fault.expect(Wire::OpenAiChat, Mode::Stream).unwrap();
    let Some(Outcome::Answer(reading)) = expect.outcomes.first() else {
        panic!("a plain answer");
    };
    let wanted = reading.first().text.clone();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for provider in parlor::PROVIDERS.iter().copied().flatten() {
        let provider = provider.descriptor();
        for more in [&[][..], &["--no-stream"]] {
            let mut command = ask(&home, provider, &server.url(fault.name), more);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap());
            let ran = Ran::of(output.await.unwrap());
            asked += 1;
            if ran.code != Some(0) || ran.stdout.trim_end() != wanted || ran.stderr.contains(KEY) {
                wrong.push(format!("{} {more:?}: {ran:?}", provider.id));
            }
        }
    }
    assert!(asked > 80, "only {asked} were asked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
