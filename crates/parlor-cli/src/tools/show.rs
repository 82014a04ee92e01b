//! Calls and their results as lines for a person.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parlor::agent::{RunEvent, Turn};
use parlor::{Arguments, Part, ToolCall, ToolResult};
use serde_json::Value;

use crate::terminal::{printable, span};

/// The most characters of the arguments on the line of a call.
const ARGUMENTS: usize = 100;

/// The most characters of a reason.
const REASON: usize = 200;

/// What takes no time that a person would notice.
const SHORT: Duration = Duration::from_millis(50);

/// The calls that are going on.
#[derive(Debug, Default)]
pub(crate) struct Calls(BTreeMap<String, Instant>);

impl Calls {
    /// What a person is told of an event, if it is of a tool.
    pub(crate) fn line(&mut self, event: &RunEvent) -> Option<String> {
        match event {
            RunEvent::ToolStarted(call) => {
                self.0.insert(call.id.clone(), Instant::now());
                let arguments = on_a_line(&call.arguments);
                Some(format!("→ {}({arguments})", shown_name(&call.name)))
            }
            RunEvent::ToolFinished(result) => Some(self.finished(result)),
            _ => None,
        }
    }

    fn finished(&mut self, result: &ToolResult) -> String {
        let began = self.0.remove(&result.call_id);
        let name = shown_name(result.name.as_deref().unwrap_or("tool"));
        if result.is_error {
            let told = result.joined_text();
            let of_agent = ["The tool failed: ", "Not run: the call was denied: "];
            let reason = of_agent.iter().find_map(|start| told.strip_prefix(start));
            let reason = reason.unwrap_or(&told);
            let reason = clear(reason).replace('\n', " ");
            return format!("✗ {name}: {}", cut(&reason, REASON));
        }
        let text = result.joined_text().len();
        let others = result.parts.iter();
        let others = others.filter(|part| !matches!(part, Part::Text(_))).count();
        let size = match (text, others) {
            (text, 0) => bytes(text),
            (0, count) => format!("{count} media"),
            (text, count) => format!("{} and {count} media", bytes(text)),
        };
        let took = began.map(|began| match began.elapsed() {
            short if short < SHORT => " at once".to_owned(),
            took => format!(" in {}", span(took)),
        });
        format!("✓ {name}: {size}{}", took.unwrap_or_default())
    }
}

/// The calls of a turn that is over, a line each.
pub(crate) fn of_turn(turn: &Turn) -> Vec<String> {
    let parts = turn.messages.iter().flat_map(|message| &message.parts);
    let results: Vec<&ToolResult> = parts
        .clone()
        .filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
        .collect();
    let calls = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    });
    let line = |call: &ToolCall| {
        let (name, arguments) = (shown_name(&call.name), on_a_line(&call.arguments));
        let result = results.iter().find(|result| result.call_id == call.id);
        let sign = match result {
            Some(result) if result.is_error => "✗",
            Some(_) => "✓",
            None => "…",
        };
        format!("{sign} {name}({arguments})")
    };
    calls.map(line).collect()
}

/// The name that people are shown for a tool.
pub(crate) fn shown_name(name: &str) -> String {
    #[cfg(feature = "mcp")]
    let name = &parlor::mcp::shown_name(name);
    clear(name)
}

/// Arguments as a list on one line, cut.
pub(crate) fn on_a_line(arguments: &Arguments) -> String {
    let text = match arguments.parse() {
        Ok(Value::Object(fields)) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {value}"));
            fields.collect::<Vec<_>>().join(", ")
        }
        _ => arguments.text.clone(),
    };
    let text: Vec<&str> = text.split_whitespace().collect();
    cut(&clear(&text.join(" ")), ARGUMENTS)
}

/// The text without what could steer a terminal, and with what would make it look
/// like another text written out.
pub(crate) fn clear(text: &str) -> String {
    let text = printable(text);
    let mut clear = String::with_capacity(text.len());
    for c in text.chars() {
        let hides = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        match hides {
            true => clear.extend(c.escape_unicode()),
            false => clear.push(c),
        }
    }
    clear
}

/// At most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn bytes(count: usize) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_short_and_clear() {
        let of = |json: &str| on_a_line(&Arguments::json(json));
        assert_eq!(
            of(r#"{"city": "Oslo", "days": 2}"#),
            r#"city: "Oslo", days: 2"#
        );
        assert_eq!(of("{}"), "");
        assert!(
            of(&format!(r#"{{"text": "{}"}}"#, "x".repeat(500)))
                .chars()
                .count()
                <= ARGUMENTS + 1
        );
        assert_eq!(of("{\"a\": \"x\u{202e}y\u{9b}\"}"), r#"a: "x\u{202e}y""#);
        assert_eq!(of("not\n json"), "not json");
    }
}
