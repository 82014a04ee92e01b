//! From requests to what is handed in.

use super::{Form, HttpBatches, VERSION};
use parlor_core::{BatchItem, Error, ErrorKind, Result, Warning, WarningKind};
use serde_json::Value;
use std::collections::HashSet;

/// What is handed in.
pub(super) struct Input {
    pub(super) bytes: Vec<u8>,
    /// Where each of the requests would go by itself.
    pub(super) path: String,
    /// The headers that all of them want together.
    pub(super) headers: Vec<(String, String)>,
    pub(super) warnings: Vec<(String, Warning)>,
}

impl Input {
    /// Writes the requests, within the limits.
    pub(super) fn write(batches: &HttpBatches, items: &[BatchItem]) -> Result<Self> {
        let (most, most_bytes) = batches.api.limits;
        if items.is_empty() {
            return Err(invalid("a batch needs at least one request".to_owned()));
        }
        if let Some(most) = most.filter(|most| items.len() > *most) {
            let count = items.len();
            return Err(too_much(format!(
                "a batch takes at most {most} requests, and these are {count}"
            )));
        }
        let mut input = Self {
            bytes: Vec::new(),
            path: String::new(),
            headers: Vec::new(),
            warnings: Vec::new(),
        };
        let in_body = batches.api.form == Form::Body;
        if in_body {
            input.bytes.extend_from_slice(b"{\"requests\":[");
        }
        let mut ids = HashSet::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            check_id(&item.id)?;
            if !ids.insert(item.id.as_str()) {
                return Err(invalid(format!("two items have the id `{}`", item.id)));
            }
            input
                .add(batches, item, at == 0)
                .map_err(|error| of_item(error, &item.id))?;
            if let Some(most) = most_bytes.filter(|most| input.bytes.len() > *most) {
                return Err(too_much(format!(
                    "a batch takes at most {most} bytes, and {} of {} requests are more",
                    at + 1,
                    items.len()
                )));
            }
        }
        if in_body {
            input.bytes.extend_from_slice(b"]}");
        }
        Ok(input)
    }

    fn add(&mut self, batches: &HttpBatches, item: &BatchItem, is_first: bool) -> Result<()> {
        let target = batches.model.target(false);
        let wire = batches
            .model
            .dialect
            .write_request(&item.request, &target)?;
        let warned = wire.warnings.into_iter().map(|it| (item.id.clone(), it));
        self.warnings.extend(warned);
        if item.request.include_raw {
            let message = "a batch's answers come without the provider's body";
            let warning = Warning::new(WarningKind::Unsupported, "include_raw", message);
            self.warnings.push((item.id.clone(), warning));
        }
        for (name, value) in wire.headers {
            join(&mut self.headers, name, value);
        }
        if is_first {
            self.path = wire.path;
        } else if self.path != wire.path {
            let message = format!("a batch goes to one address, not {} too", wire.path);
            return Err(Error::unsupported(message));
        }
        let id = Value::from(item.id.as_str());
        let (head, tail) = match batches.api.form {
            Form::File => {
                let url = Value::from(format!("{VERSION}{}", self.path));
                let head = format!(r#"{{"custom_id":{id},"method":"POST","url":{url},"body":"#);
                (head, "}\n")
            }
            Form::Body => {
                let comma = if is_first { "" } else { "," };
                (format!(r#"{comma}{{"custom_id":{id},"params":"#), "}")
            }
        };
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(&wire.body);
        self.bytes.extend_from_slice(tail.as_bytes());
        Ok(())
    }
}

/// Adds a header; the values of one that is there already, in which names stand
/// with commas between, are joined.
fn join(headers: &mut Vec<(String, String)>, name: String, value: String) {
    let Some((_, known)) = headers.iter_mut().find(|it| it.0 == name) else {
        headers.push((name, value));
        return;
    };
    for word in value.split(',').map(str::trim) {
        if !known.split(',').any(|it| it.trim() == word) {
            known.push(',');
            known.push_str(word);
        }
    }
}

fn check_id(id: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match (1..=64).contains(&id.len()) && id.bytes().all(fits) {
        true => Ok(()),
        false => Err(invalid(format!(
            "`{}` can't be an item's id",
            id.chars().take(80).collect::<String>()
        ))
        .with_help("Take 1 to 64 ASCII letters, digits, `-` and `_`.")),
    }
}

fn of_item(error: Error, id: &str) -> Error {
    let message = format!("item `{id}`: {}", error.message());
    let help = error.help().to_owned();
    Error::new(error.kind(), message)
        .with_help(help)
        .with_source(error)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Validation, message)
}

fn too_much(message: String) -> Error {
    invalid(message).with_help("Hand them in as several batches.")
}
