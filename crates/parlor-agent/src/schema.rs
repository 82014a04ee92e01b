//! JSON Schemas of Rust types, as models are told them.

use parlor_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The JSON Schema of a type: doc comments become descriptions, and what it is
/// made of stands where it is used.
///
/// ```
/// use parlor_agent::{schema_of, schemars};
///
/// #[derive(schemars::JsonSchema)]
/// # #[schemars(crate = "parlor_agent::schemars")]
/// struct Place {
///     /// Its name, without the country.
///     city: String,
/// }
///
/// let schema = schema_of::<Place>();
/// assert_eq!(schema["required"][0], "city");
/// assert_eq!(schema["properties"]["city"]["description"], "Its name, without the country.");
/// ```
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = settings().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of a Rust type tells a model nothing.
    schema.remove("title");
    schema.to_value()
}

/// How all schemas that models are told of are made: of what is read, without
/// a word on the draft that they keep to.
pub(crate) fn settings() -> SchemaSettings {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.with(|settings| settings.meta_schema = None)
}

/// A value of a type from JSON.
///
/// # Errors
/// [`Validation`](ErrorKind::Validation), with the place and what is wrong there.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = error.path().to_string();
        let inner = error.into_inner();
        let message = match at.as_str() {
            "." => inner.to_string(),
            at => format!("`{at}`: {inner}"),
        };
        Error::new(ErrorKind::Validation, message)
    })
}
