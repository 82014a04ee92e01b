//! Fields of `extra` that belong to another dialect of the same provider.

use parlor_core::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::extra::Extra;
use crate::policy::Policy;
use std::collections::BTreeMap;

/// What becomes of a field of `extra` that is another dialect's of the same
/// provider, so that one set of options serves all of the provider's APIs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Foreign {
    /// It goes to this place in the body; a dot leads into an object.
    At(String),
    /// It is left out as a tuning knob is, with a warning by default.
    Knob,
    /// It is left out as a feature is, which is an error by default.
    Feature,
}

/// Says of the fields that have no place here that they are left out.
///
/// # Errors
/// `Unsupported`, as the policy says.
pub(crate) fn refuse(
    foreign: &BTreeMap<String, Foreign>,
    extra: &Extra<'_>,
    policy: &mut Policy<'_>,
) -> Result<()> {
    if extra.says_nothing() {
        return Ok(());
    }
    let why = "is not known to this API of the provider";
    for (key, place) in foreign {
        if extra.get(key).is_none_or(Value::is_null) {
            continue;
        }
        match place {
            Foreign::At(_) => {}
            Foreign::Knob => policy.knob(&format!("extra.{key}"), why)?,
            Foreign::Feature => policy.feature(&format!("extra.{key}"), why)?,
        }
    }
    Ok(())
}

/// Puts a value at a place in a body.
pub(crate) fn put(object: &mut Map<String, Value>, path: &str, value: &Value) {
    let Some((head, tail)) = path.split_once('.') else {
        object.insert(path.to_owned(), value.clone());
        return;
    };
    let inner = object
        .entry(head)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, tail, value);
    }
}
