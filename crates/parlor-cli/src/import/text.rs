//! Templates as they are written here, from the forms that others give them.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// A template that is put together.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) description: Option<String>,
    pub(super) model: Option<String>,
    pub(super) system: Option<String>,
    pub(super) prompt: Option<String>,
    /// A JSON Schema of the answer.
    pub(super) schema: Option<String>,
    /// Examples: role and text.
    pub(super) examples: Vec<(&'static str, String)>,
    /// Parameters, with the default of each that has one.
    pub(super) variables: Vec<(String, Option<String>)>,
}

impl Written {
    pub(super) fn toml(&self) -> String {
        let mut document = DocumentMut::new();
        let texts = [
            ("description", &self.description),
            ("model", &self.model),
            ("system", &self.system),
            ("prompt", &self.prompt),
            ("schema", &self.schema),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                document.insert(name, value(text));
            }
        }
        let mut variables = Table::new();
        for (name, default) in &self.variables {
            let mut variable = toml_edit::InlineTable::new();
            variable.insert("type", "text".into());
            if let Some(default) = default {
                variable.insert("default", default.as_str().into());
            }
            variables.insert(name, value(variable));
        }
        if !variables.is_empty() {
            document.insert("variables", Item::Table(variables));
        }
        let mut examples = ArrayOfTables::new();
        for (role, text) in &self.examples {
            let mut example = Table::new();
            example.insert("role", value(*role));
            example.insert("text", value(text));
            examples.push(example);
        }
        if !examples.is_empty() {
            document.insert("messages", Item::ArrayOfTables(examples));
        }
        document.to_string()
    }

    /// Adds a parameter once.
    pub(super) fn takes(&mut self, name: &str, default: Option<String>) {
        if !self.variables.iter().any(|(it, _)| it == name) {
            self.variables.push((name.to_owned(), default));
        }
    }
}

/// A text in which nothing is to be filled in.
pub(super) fn literal(text: &str) -> String {
    match text.contains("{{") || text.contains("{%") || text.contains("{#") {
        true => format!("{{% raw %}}{text}{{% endraw %}}"),
        false => text.to_owned(),
    }
}

/// The words of a command for a shell.
pub(super) fn shell(command: &str) -> Vec<String> {
    ["sh", "-c", command].map(str::to_owned).to_vec()
}

/// Texts as an array.
pub(super) fn array(texts: &[String]) -> toml_edit::Value {
    texts.iter().map(String::as_str).collect::<Array>().into()
}
