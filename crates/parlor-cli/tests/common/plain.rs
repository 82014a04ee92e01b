//! A server that answers plainly in every provider's protocol, and what each wants in its environment.

use std::process::Command;

use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Outcome, Wire};

pub const KEY: &str = "test-key-0123456789";

/// A server whose answer is known.
#[derive(Debug)]
pub struct PlainServer {
    server: FaultServer,
    fault: &'static str,
    /// What it answers.
    pub text: String,
}

impl PlainServer {
    pub async fn start() -> Self {
        let fault = FAULTS.iter().find(|fault| fault.number == 1).unwrap();
        let expect = fault.expect(Wire::OpenAiChat, Mode::Stream).unwrap();
        let Some(Outcome::Answer(reading)) = expect.outcomes.first() else {
            panic!("a plain answer");
        };
        Self {
            server: FaultServer::start().await.unwrap(),
            fault: fault.name,
            text: reading.first().text.clone(),
        }
    }

    pub fn url(&self) -> String {
        self.server.url(self.fault)
    }
}

/// Every provider there is.
pub fn providers() -> impl Iterator<Item = &'static parlor::Descriptor> {
    let all = parlor::PROVIDERS.iter().copied().flatten();
    all.map(|provider| provider.descriptor())
}

/// Puts something in each of the provider's variables.
pub fn set_variables(command: &mut Command, provider: &parlor::Descriptor) {
    command.env("AWS_REGION", "us-east-1");
    command.env("GOOGLE_CLOUD_PROJECT", "some-project");
    command.env("TENCENTCLOUD_SECRET_KEY", KEY);
    for variable in provider.key_env {
        command.env(variable, KEY);
    }
}
