//! Named sets of parameters, through the public interface.

#![allow(clippy::unwrap_used)]

use parlor_agent::{Conversation, Mode, Modes};
use parlor_core::{Effort, ErrorKind};
use parlor_testkit::Scripted;

#[tokio::test]
async fn a_mode_shapes_the_requests_from_then_on() {
    let model = Scripted::answering("ok");
    let modes = Modes::new();
    let mut chat = Conversation::new(model.clone()).with_mode(modes.get("creative").unwrap());
    chat.request_mut().max_output_tokens = Some(100);
    chat.send("1").await.unwrap();
    chat.set_mode(modes.get("code").unwrap());
    chat.send("2").await.unwrap();
    let sent = model.requests();
    let of = |at: usize| (sent[at].temperature, sent[at].max_output_tokens);
    assert_eq!(of(0), (Some(1.0), Some(100)));
    assert_eq!(
        of(1),
        (Some(0.0), Some(100)),
        "what a mode leaves open stays"
    );
}

#[test]
fn modes_are_added_in_code_and_in_files() {
    let text = r#"{"terse": {"top_p": 0.5, "max_output_tokens": 50, "reasoning": {"effort": "low"}},
        "code": {"temperature": 0.1}}"#;
    let mut modes: Modes = serde_json::from_str(text).unwrap();
    let names = "balanced, code, creative, precise, terse";
    assert_eq!(modes.names().collect::<Vec<_>>().join(", "), names);
    assert_eq!(modes.get("code").unwrap(), &Mode::temperature(0.1));
    let effort = modes.get("terse").unwrap().reasoning.as_ref().unwrap();
    assert_eq!(effort.effort, Some(Effort::Low));

    assert_eq!(modes.insert("loud", Mode::temperature(1.5)), None);
    let written = serde_json::to_string(&modes).unwrap();
    assert_eq!(serde_json::from_str::<Modes>(&written).unwrap(), modes);

    let error = modes.get("quiet").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.help().contains("loud, precise"), "{}", error.help());
    assert!(serde_json::from_str::<Modes>(r#"{"a": {"temprature": 1}}"#).is_err());
}
