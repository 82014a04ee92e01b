//! A variable of a template, and what it may hold.

use serde::Deserialize;
use serde_json::Value;

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VariableKind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// A map by names, or a struct.
    Object,
    /// Anything.
    Any,
}

impl VariableKind {
    /// For a sentence.
    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Any => "anything",
        }
    }

    fn admits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }
}

/// What a value is, for a sentence.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A variable of a [`Template`](crate::Template).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name in the template.
    pub name: String,
    /// What it holds.
    pub kind: VariableKind,
    /// What it holds where no value is given; null for one that may be left
    /// out, `None` for one that may not.
    pub default: Option<Value>,
    /// What it is for, for a person.
    pub description: Option<String>,
}

impl Variable {
    /// A variable that must be given.
    pub fn new(name: impl Into<String>, kind: VariableKind) -> Self {
        Self {
            name: name.into(),
            kind,
            default: None,
            description: None,
        }
    }

    /// The same variable with a value for when none is given.
    #[must_use]
    pub fn with_default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// The same variable that may be left out: it is `none` then.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with_default(Value::Null)
    }

    /// The same variable with a description.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// What is wrong with a value, if anything is.
    pub(super) fn mismatch(&self, value: &Value) -> Option<String> {
        let (wanted, found) = (self.kind.words(), kind_of(value));
        let admits = self.kind.admits(value);
        (!admits).then(|| format!("`{}` must be {wanted} and is {found}", self.name))
    }
}
