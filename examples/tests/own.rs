//! How a program that talks to models is tested without any.

#![allow(clippy::unwrap_used)]

use parlor::agent::{Conversation, Outcome, tool};
use parlor::{Arguments, Error, ErrorKind, ToolCall};
use parlor_testkit::{Script, Scripted};
use std::time::Duration;

/// The weather in a city, now.
#[tool]
async fn weather(city: String) -> String {
    format!("4 degrees in {city}")
}

/// The program under test: it takes any model.
fn assistant(model: Scripted) -> Conversation {
    Conversation::new(model).with_tool(weather)
}

#[tokio::test]
async fn the_weather_is_looked_up() {
    let model = Scripted::new([
        Script::tool_calls([("weather", Arguments::json(r#"{"city": "Oslo"}"#))]),
        Script::text("Take a coat."),
    ]);
    let reply = assistant(model.clone()).send("A coat?").await.unwrap();
    assert_eq!(reply.text(), "Take a coat.");

    // What was sent: the question, then what the tool answered.
    assert_eq!(model.prompts(), ["A coat?", "4 degrees in Oslo"]);
    let sent = &model.requests()[1];
    let called: Vec<&ToolCall> = sent.messages[1].tool_calls().collect();
    assert_eq!(called[0].name, "weather");
}

#[tokio::test(start_paused = true)]
async fn a_break_and_a_delay_are_played_too() {
    let broken = Error::new(ErrorKind::Connection, "reset by peer");
    let model = Scripted::new([
        // Three steps of the answer, then the connection is gone.
        Script::text("Take a coat.").cut(3).fails(broken),
        Script::refuses(Error::new(ErrorKind::Overloaded, "come back later")),
        // Waits take no time where tokio's clock is paused.
        Script::text("Take a coat.").paced(Duration::from_secs(60)),
    ]);
    let mut chat = assistant(model.clone());
    let error = chat.send("A coat?").await.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "Take ");
    assert!(chat.send("Sure?").await.is_err());
    let reply = chat.send("Really?").await.unwrap();
    assert_eq!(reply.outcome, Outcome::Finished);
    assert_eq!(model.exchanges().open, 0);
}
