//! What the program saw: the same events and parts, whatever came over the wire.

use parlor::agent::RunEvent;
use parlor::{Event, Part, PartKind};

use super::rows::{Row, Rows};
use super::talk::Seen;

/// The rows of what was asked, and those of what came of it.
pub(super) fn rows(question: Option<&str>, seen: &[Seen], width: usize) -> [Vec<Row>; 2] {
    let mut asked = Rows::new(width);
    if let Some(question) = question {
        asked.told("you", question);
    }
    [asked.done(), came(seen, width)]
}

fn came(seen: &[Seen], width: usize) -> Vec<Row> {
    let mut rows = Rows::new(width);
    let mut text = String::new();
    let mut deltas = 0;
    for seen in seen {
        match seen {
            Seen::Event(RunEvent::Model(event)) => {
                if let Event::TextDelta { text: more, .. }
                | Event::ReasoningDelta { text: more, .. } = event
                {
                    text.push_str(more);
                    deltas += 1;
                }
                model(event, &mut text, &mut deltas, &mut rows);
            }
            Seen::Event(RunEvent::ToolFinished(result)) => {
                rows.told("tool_result", &result.joined_text());
                rows.note("run here, by the program");
            }
            Seen::Turned { from, to, why } => {
                rows.told("error", &format!("{from}: {why}"));
                rows.told("fallback", &format!("asking {to}"));
            }
            Seen::Value(value) => {
                rows.told("value", &value.to_string());
                rows.note("keeps to the schema");
            }
            Seen::Stopped(reply) => {
                rows.told("text", text.trim_end());
                rows.note(&format!("{deltas} deltas, then stopped"));
                let message = reply.response.message();
                let kept = message.map(|it| it.text()).unwrap_or_default();
                let kept = kept.split_whitespace().count();
                rows.told("kept", &format!("{kept} words, marked interrupted"));
            }
            Seen::Event(_) => {}
        }
    }
    rows.done()
}

fn model(event: &Event, text: &mut String, deltas: &mut usize, rows: &mut Rows) {
    match event {
        Event::PartStarted { kind, .. } => {
            rows.kind = *kind;
            text.clear();
            *deltas = 0;
        }
        Event::PartFinished { content, .. } => match content.as_deref() {
            Some(Part::ToolCall(call)) => {
                rows.told(
                    "tool_call",
                    &format!("{}({})", call.name, call.arguments.text),
                );
            }
            _ if text.is_empty() => {}
            _ => {
                rows.told(
                    if rows.kind == PartKind::Reasoning {
                        "reasoning"
                    } else {
                        "text"
                    },
                    text,
                );
                rows.note(&match deltas {
                    1 => "1 delta".to_owned(),
                    _ => format!("{deltas} deltas"),
                });
            }
        },
        Event::Finished { reason, .. } => rows.told("finish", reason.kind.as_str()),
        Event::Completed {
            usage: Some(usage), ..
        } => {
            let count = |it: Option<u64>| it.unwrap_or_default();
            let (input, output) = (count(usage.input_tokens), count(usage.output_tokens));
            rows.told("usage", &format!("{input} in, {output} out"));
        }
        _ => {}
    }
}
