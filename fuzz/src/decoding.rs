//! Running a dialect over whatever comes.

use crate::framing::{Input, Seen, frames};
use parlor_core::{ChatResponse, Collector, Grammar, ModelInfo, Origin};
use parlor_dialect::{Decoder, Dialect, Frame, Profile, ServerDialect, Target, WireError};
use parlor_http::framing::Framing;
use std::collections::VecDeque;

/// What a decoding comes to, without the ids of calls, which may be made up.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    text: String,
    reasoning: String,
    calls: Vec<(String, String)>,
    error: Option<&'static str>,
}

/// A dialect must bear any bytes in all that it reads, and a stream must mean
/// the same however it is cut.
///
/// The input is as [`Input`] has it; its first size says whether the model's
/// family has tags in its text.
pub fn any_bytes_are_borne(dialect: &impl ServerDialect, framing: Framing, data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let info = ModelInfo::new("fuzz", "model");
    let mut profile = Profile::default();
    profile.think_tags = input.sizes[0] % 2 == 1;
    let target = Target::new(&info, &profile).streaming();
    let whole = stream(
        dialect,
        &target,
        &frames(framing, usize::MAX, [input.body]).0,
    );
    let cut = stream(
        dialect,
        &target,
        &frames(framing, usize::MAX, input.chunks()).0,
    );
    assert_eq!(whole, cut);
    let _ = dialect.read_response(input.body, &target);
    let _ = dialect.read_error(&WireError::new(400, &[], input.body));
    let origin = Origin::new("fuzz", dialect.name());
    if let Ok(incoming) = dialect.read_request("/", input.body, &origin) {
        let _ = dialect.write_request(&incoming.request, &target);
    }
}

/// Decodes frames; the events must keep their grammar.
fn stream(dialect: &impl ServerDialect, target: &Target<'_>, frames: &[Seen]) -> Outcome {
    let mut decoder = dialect.decoder(target);
    let mut events = VecDeque::new();
    let mut read = || {
        for seen in frames {
            let mut frame = Frame::data(seen.data());
            frame.event = seen.event();
            decoder.decode(frame, &mut events)?;
        }
        decoder.finish(&mut events)
    };
    let error = read().err();
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("fuzz"));
    for event in events {
        collector.push(&event);
        if let Err(broken) = grammar.check(&Ok(event)) {
            panic!("{broken}");
        }
    }
    if error.is_none() {
        assert!(grammar.finish().is_ok());
    }
    outcome(
        &collector.into_response(),
        error.map(|it| it.kind().as_str()),
    )
}

fn outcome(response: &ChatResponse, error: Option<&'static str>) -> Outcome {
    let calls = response.tool_calls();
    Outcome {
        text: response.text(),
        reasoning: response.reasoning(),
        calls: calls
            .map(|call| (call.name.clone(), call.arguments.text.clone()))
            .collect(),
        error,
    }
}
