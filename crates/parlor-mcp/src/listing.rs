//! The tools that a server lists, read as leniently as they are written.

use crate::name::tool_name;
use crate::server::McpServer;
use crate::tail::{boundary, clean};
use parlor_agent::Effect;
use parlor_core::ToolDefinition;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The most tools of a server that are taken.
pub(crate) const MOST_TOOLS: usize = 512;

/// The most bytes of a description that a model is told.
const DESCRIPTION: usize = 16 * 1024;

/// A tool that a server lists and that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The server's name for it.
    pub tool: String,
    /// Why, as the end of a sentence: "its schema isn't one of an object".
    pub reason: String,
}

/// A tool as a server lists it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) tool: String,
    pub(crate) definition: ToolDefinition,
    pub(crate) effect: Effect,
}

/// What a server lists.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) tools: Vec<Listed>,
    pub(crate) left_out: Vec<LeftOut>,
    names: BTreeSet<String>,
}

impl Listing {
    /// Takes a tool, unless it can't be used or shouldn't.
    pub(crate) fn add(&mut self, server: &McpServer, tool: &Value) {
        let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(clean);
        let Some(name) = tool.get("name").and_then(Value::as_str) else {
            return self.leave_out("", "it has no name");
        };
        if !server.allows(name) {
            return;
        }
        if self.tools.len() >= MOST_TOOLS {
            return self.leave_out(name, "there are too many");
        }
        let Some(schema) = schema(tool.get("inputSchema")) else {
            return self.leave_out(name, "its schema isn't one of an object");
        };
        let known_as = tool_name(server.name(), name);
        if !self.names.insert(known_as.clone()) {
            return self.leave_out(name, "another has its name");
        }
        let mut description = text(tool, "description").or_else(|| text(tool, "title"));
        if let Some(description) = &mut description {
            let end = boundary(description, DESCRIPTION);
            description.truncate(end);
        }
        self.tools.push(Listed {
            definition: ToolDefinition::function(known_as, description.unwrap_or_default(), schema),
            effect: server.effect(name, tool.get("annotations")),
            tool: name.to_owned(),
        });
    }

    fn leave_out(&mut self, tool: &str, reason: &str) {
        if self.left_out.len() < MOST_TOOLS {
            self.left_out.push(LeftOut {
                tool: clean(tool),
                reason: reason.to_owned(),
            });
        }
    }
}

/// The schema of an object: none, `null` and `{}` are an object without more
/// words; a schema of anything else can't be one of arguments.
fn schema(given: Option<&Value>) -> Option<Value> {
    let mut schema = match given {
        None | Some(Value::Null | Value::Bool(true)) => Map::new(),
        Some(Value::Object(schema)) => schema.clone(),
        Some(_) => return None,
    };
    match schema.get("type") {
        None | Some(Value::Null) => {
            schema.insert("type".to_owned(), json!("object"));
        }
        Some(Value::String(kind)) if kind == "object" => {}
        Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "object") => {
            schema.insert("type".to_owned(), json!("object"));
        }
        Some(_) => return None,
    }
    // Some providers refuse an object without it.
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("properties".to_owned(), json!({}));
    }
    Some(Value::Object(schema))
}
