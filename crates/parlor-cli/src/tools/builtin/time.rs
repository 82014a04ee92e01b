//! The tool `time`.

use async_trait::async_trait;
use chrono::{Local, SecondsFormat, Utc};
use parlor::agent::{Tool, ToolContext, ToolOutput};
use parlor::{FunctionDefinition, Result, ToolDefinition};
use serde_json::Value;

/// Says what time it is.
pub(super) struct Time;

#[async_trait]
impl Tool for Time {
    fn definition(&self) -> ToolDefinition {
        let mut function = FunctionDefinition::new("time");
        function.description = Some(
            "The date, the weekday and the time now: here, with the offset, and in UTC.".to_owned(),
        );
        ToolDefinition::Function(function)
    }

    async fn call(&self, _: Value, _: &ToolContext) -> Result<ToolOutput> {
        let now = Utc::now();
        let here = now.with_timezone(&Local);
        let local = here.to_rfc3339_opts(SecondsFormat::Secs, false);
        let utc = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        Ok(format!("{} {local} (UTC: {utc})", here.format("%A")).into())
    }
}
