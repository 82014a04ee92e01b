//! `/schema`: what the next answer must be like.

use parlor::OutputSchema;

use crate::converse::{Flow, Session};
use crate::failure::Failure;
use crate::schema;

/// Words that take a schema back.
pub(in crate::converse) const OFF: &str = "off";

pub(super) fn schema(session: &mut Session, given: &str) -> Result<Flow, Failure> {
    match given {
        OFF | "-" => session.schema = None,
        "" => {}
        given if given.starts_with('~') => {
            session.schema = Some(schema::schema(&super::passing::path(given))?);
        }
        given => session.schema = Some(schema::schema(given)?),
    }
    session.say(&match &session.schema {
        Some(schema) => format!("The next answer is JSON: {}.", fields(schema)),
        None => "The next answer is in words.".to_owned(),
    });
    Ok(Flow::Go)
}

impl Session {
    /// Has the next answer in a template's shape, if it has one.
    pub(in crate::converse) fn shape(&mut self, schema: Option<OutputSchema>) {
        let Some(schema) = schema else { return };
        self.say(&format!("The next answer is JSON: {}.", fields(&schema)));
        self.schema = Some(schema);
    }
}

/// What a person knows a schema by: its fields, else its name.
fn fields(schema: &OutputSchema) -> String {
    let fields = schema
        .schema
        .get("properties")
        .and_then(|it| it.as_object());
    match fields.filter(|fields| !fields.is_empty()) {
        Some(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
        None => schema.name.clone(),
    }
}
