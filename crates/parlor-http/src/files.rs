//! Files kept at a host, by the API at `/files` that many hosts of the common chat dialect have.

use crate::endpoint::Endpoint;
use crate::multipart::Multipart;
use parlor_core::{Error, Result};
use parlor_dialect::openai_chat::OpenAiChat;
use reqwest::Method;
use serde_json::Value;

/// The files that a host keeps for the holder of a key.
#[derive(Debug, Clone)]
pub struct Files {
    endpoint: Endpoint,
    dialect: OpenAiChat,
}

/// A file kept at a host. What the host doesn't tell is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct UploadedFile {
    /// The id to name it by.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// When it was uploaded, in seconds since 1970.
    pub created: Option<i64>,
    /// What it is for, in the host's words.
    pub purpose: Option<String>,
    /// How far the host is with it, in the host's words.
    pub status: Option<String>,
    /// All that the host told.
    pub raw: Value,
}

impl Files {
    /// The files at an endpoint; the dialect reads its errors.
    pub fn new(endpoint: Endpoint, dialect: OpenAiChat) -> Self {
        Self { endpoint, dialect }
    }

    /// Uploads a file for a purpose in the host's words.
    ///
    /// # Errors
    /// As [`Endpoint::json`]; `Decode`, when the answer has no id.
    pub async fn upload(
        &self,
        name: &str,
        media_type: &str,
        bytes: impl Into<Vec<u8>> + Send,
        purpose: &str,
    ) -> Result<UploadedFile> {
        let form = Multipart::new()
            .text("purpose", purpose)
            .file("file", name, media_type, bytes);
        let (headers, body) = form.finish();
        let answer = self
            .endpoint
            .json(&self.dialect, Method::POST, "/files", &headers, Some(body))
            .await?;
        file(answer)
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// As [`Endpoint::json`]; `Decode`, when the answer has no id.
    pub async fn get(&self, id: &str) -> Result<UploadedFile> {
        file(self.json(Method::GET, &path(id, "")).await?)
    }

    /// The files there are.
    ///
    /// # Errors
    /// As [`Endpoint::json`].
    pub async fn list(&self) -> Result<Vec<UploadedFile>> {
        let mut answer = self.json(Method::GET, "/files").await?;
        let list = match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        Ok(list.into_iter().filter_map(|it| file(it).ok()).collect())
    }

    /// The content of a file, as the host gives it out: at most 32 MiB.
    ///
    /// # Errors
    /// As [`Endpoint::bytes`].
    pub async fn content(&self, id: &str) -> Result<Vec<u8>> {
        self.endpoint
            .bytes(&self.dialect, Method::GET, &path(id, "/content"), &[], None)
            .await
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// As [`Endpoint::bytes`].
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.endpoint
            .bytes(&self.dialect, Method::DELETE, &path(id, ""), &[], None)
            .await?;
        Ok(())
    }

    async fn json(&self, method: Method, path: &str) -> Result<Value> {
        self.endpoint
            .json(&self.dialect, method, path, &[], None)
            .await
    }
}

/// The path of a file.
fn path(id: &str, end: &str) -> String {
    format!("/files/{}{end}", segment(id))
}

/// An id in a path. One that is no id stays one segment.
pub(crate) fn segment(id: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_.~:".contains(*c);
    match id.trim_matches('.') {
        "" => "-".to_owned(),
        _ => id.chars().filter(fits).collect(),
    }
}

fn file(raw: Value) -> Result<UploadedFile> {
    let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
    let id = text("id").ok_or_else(|| Error::decode("the answer tells of no file"))?;
    Ok(UploadedFile {
        name: text("filename").or_else(|| text("name")),
        bytes: raw.get("bytes").and_then(Value::as_u64),
        created: raw.get("created_at").and_then(Value::as_i64),
        purpose: text("purpose"),
        status: text("status"),
        id,
        raw,
    })
}
