//! What the service says while it runs: for a person, or a JSON object on a line.

use parlor_server::{UsageEvent, UsageSink};
use serde_json::{Value, json};

use crate::args::LogForm;
use crate::terminal;

/// Where it is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    pub(super) form: LogForm,
    pub(super) quiet: bool,
}

impl Log {
    /// Says something that isn't about one request.
    pub(super) fn say(self, text: &str) {
        match self.form {
            LogForm::Text if self.quiet => {}
            LogForm::Text => terminal::complain(&format!("{}\n", terminal::printable(text))),
            LogForm::Json => {
                let now = chrono::Utc::now().timestamp_millis();
                line(&json!({ "time": time(now), "level": "info", "message": text }));
            }
        }
    }

    /// Says that something went wrong.
    pub(super) fn complain(self, text: &str) {
        match self.form {
            LogForm::Text => {
                terminal::complain(&format!("error: {}\n", terminal::printable(text)));
            }
            LogForm::Json => {
                let now = chrono::Utc::now().timestamp_millis();
                line(&json!({ "time": time(now), "level": "error", "message": text }));
            }
        }
    }
}

/// A line for each request, without anything of its content.
impl UsageSink for Log {
    fn used(&self, event: &UsageEvent) {
        let mut told = json!({
            "time": time(i64::try_from(event.at_ms).unwrap_or(i64::MAX)),
            "level": "info",
            "message": "request",
            "request_id": event.request_id,
            "key": event.key,
            "dialect": event.dialect,
            "asked": event.asked,
            "provider": event.provider,
            "model": event.model,
            "served": event.served,
            "outcome": event.outcome.as_str(),
            "status": event.status,
            "finish": event.finish.map(|it| it.as_str()),
            "usage": event.usage,
            "is_estimated": event.is_estimated,
            "cost": event.cost,
            "first_event_us": event.first_event_us,
            "total_us": event.total_us,
        });
        if let Value::Object(fields) = &mut told {
            fields.retain(|_, value| !value.is_null());
        }
        line(&told);
    }
}

fn line(told: &Value) {
    terminal::complain(&format!("{told}\n"));
}

fn time(ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(ms);
    at.map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}
