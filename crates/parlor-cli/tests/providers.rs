//! Every provider answers from the command line, in its own protocol.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::process::Command;

use common::{Home, Ran};
use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Outcome, Wire};
use parlor_testkit::{ApiAnswer, ApiServer};

const KEY: &str = "test-key-0123456789";

/// The provider whose protocol the fault server doesn't speak.
const ELSEWHERE: &str = "qianfan-v1";

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
        if provider.id == ELSEWHERE {
            continue;
        }
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

#[tokio::test]
async fn the_first_generation_of_an_api_answers_with_a_token_in_the_address() {
    let home = Home::new();
    let path = format!("/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/test-model?access_token={KEY}");
    let end = r#""is_end": true, "finish_reason": "normal", "need_clear_history": false}"#;
    let server = ApiServer::answering(move |seen| {
        let whole = format!("{{\"id\": \"as-1\", \"result\": \"pong\", {end}");
        let streams = seen.json().is_some_and(|it| it["stream"] == true);
        match (seen.path == path, streams) {
            (true, true) => ApiAnswer::new(200, format!("data: {whole}\n\n")),
            (true, false) => ApiAnswer::new(200, whole),
            (false, _) => ApiAnswer::new(404, "{}"),
        }
    })
    .await
    .unwrap();
    let mut providers = parlor::PROVIDERS.iter().copied().flatten();
    let provider = providers
        .find(|it| it.descriptor().id == ELSEWHERE)
        .unwrap();
    for more in [&[][..], &["--no-stream"]] {
        let mut command = ask(&home, provider.descriptor(), &server.url(), more);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let ran = Ran::of(output.await.unwrap());
        assert_eq!(
            (ran.code, ran.stdout.trim_end()),
            (Some(0), "pong"),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains(KEY), "{ran:?}");
    }
}
