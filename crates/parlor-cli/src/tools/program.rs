//! A tool that is a program of a person's own.

mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use parlor::agent::{Tool, ToolContext, ToolOutput, keeps_to};
use parlor::{Env, Error, ErrorKind, FunctionDefinition, Result, ToolDefinition};
use serde_json::Value;

use super::settings::{Parameters, ToolSettings, ToolTable};
use crate::scrub::command_line;
use crate::terminal::span;
pub(crate) use process::end_all;
use process::{Ended, Job};

/// How long a call may take, unless the configuration says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most bytes of a schema's file.
const SCHEMA_LIMIT: u64 = 1 << 20;

/// A program that gets its arguments as JSON on its input.
pub(super) struct Program {
    definition: ToolDefinition,
    job: Job,
}

impl Program {
    /// The program that is configured under this name. Reads the schema's file.
    pub(super) fn new(name: &str, settings: &ToolSettings, env: &Env) -> Result<Self> {
        let nothing = ToolTable::default();
        let table = settings.tools.get(name).unwrap_or(&nothing);
        let mut function = FunctionDefinition::new(name);
        function.description.clone_from(&table.description);
        let schema = match &table.parameters {
            None => None,
            Some(Parameters::Schema(schema)) => Some(Value::Object(schema.clone())),
            Some(Parameters::File(file)) => Some(read_schema(name, &settings.path(file, env))?),
        };
        function.parameters = schema;
        let mut words = table.command.iter();
        let command = words.next().map(String::as_str).unwrap_or_default();
        // A name is looked up in PATH; a path begins where the configuration is.
        let is_path = command.contains(['/', std::path::MAIN_SEPARATOR]);
        let command = match is_path {
            true => settings.path(Path::new(command), env),
            false => PathBuf::from(command),
        };
        let named = table.env.iter();
        let named = named.filter_map(|name| Some((name.clone(), env.get(name)?)));
        Ok(Self {
            definition: ToolDefinition::Function(function),
            job: Job {
                name: name.to_owned(),
                command,
                arguments: words.cloned().collect(),
                variables: named.collect(),
                folder: table.cwd.as_deref().map(|cwd| settings.path(cwd, env)),
                limit: match table.timeout {
                    Some(limit) => limit.duration(),
                    None => Some(PATIENCE),
                },
            },
        })
    }

    /// What is run, as it is shown: a path is told whole, so that what was said of
    /// one program isn't taken for another.
    pub(super) fn source(&self) -> String {
        let command = self.job.command.display().to_string();
        let words = std::iter::once(&command).chain(&self.job.arguments);
        format!("program {}", command_line(words.map(String::as_str)))
    }

    /// What would keep it from being started, as far as that is known.
    pub(super) fn problem(&self) -> Option<String> {
        self.job.problem()
    }
}

fn read_schema(name: &str, file: &Path) -> Result<Value> {
    let wrong = |told: String| {
        let message = format!("the tool `{name}`: its schema {}: {told}", file.display());
        Error::new(ErrorKind::Configuration, message)
    };
    let size = fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if size.len() > SCHEMA_LIMIT {
        return Err(wrong("it is too large".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(schema)) => Ok(Value::Object(schema)),
        Ok(_) => Err(wrong("it is no JSON object".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

#[async_trait]
impl Tool for Program {
    fn definition(&self) -> ToolDefinition {
        self.definition.clone()
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        let nothing = Value::Object(serde_json::Map::new());
        let function = self.definition.as_function();
        match function.and_then(|function| function.parameters.as_ref()) {
            Some(schema) if arguments.is_null() => keeps_to(schema, &nothing),
            Some(schema) => keeps_to(schema, arguments),
            None => Ok(()),
        }
    }

    async fn call(&self, arguments: Value, _: &ToolContext) -> Result<ToolOutput> {
        let arguments = match arguments {
            Value::Null => Value::Object(serde_json::Map::new()),
            arguments => arguments,
        };
        let failed = |told: String| Error::new(ErrorKind::Tool, told);
        let ran = self.job.run(arguments.to_string().into_bytes()).await;
        let ran = ran.map_err(|error| {
            let command = self.job.command.display();
            failed(format!("{command} can't be run: {error}"))
        })?;
        let said = match ran.last_words.as_str() {
            "" => String::new(),
            words => format!(". It said:\n{words}"),
        };
        let status = match ran.ended {
            Ended::Late(limit) => {
                let limit = span(limit);
                return Err(failed(format!("it was stopped after {limit}{said}")));
            }
            Ended::Flooded => {
                return Err(failed("it was stopped: it writes without end".to_owned()));
            }
            Ended::By(status) => status,
        };
        if !status.success() {
            return Err(failed(format!("it ended with {status}{said}")));
        }
        let mut text = String::from_utf8_lossy(&ran.output).into_owned();
        if ran.left_out > 0 {
            text.push_str(&format!("\n[{} bytes more were left out]", ran.left_out));
        }
        Ok(match text.trim().is_empty() {
            true => "[no output]".into(),
            false => text.into(),
        })
    }
}
