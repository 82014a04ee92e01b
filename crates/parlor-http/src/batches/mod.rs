//! Batches: many requests handed in at once, their results fetched when they are there.

mod read;
mod results;
mod write;

use crate::endpoint::Endpoint;
use crate::failure;
use crate::files::segment;
use crate::model::{HttpModel, Shared};
use crate::multipart::Multipart;
use crate::provider::query_value;
use async_trait::async_trait;
use parlor_core::{
    BatchItem, BatchLimits, BatchResults, BatchStatus, ChatBatches, Error, ErrorKind, ModelInfo,
    Result, TimeoutKind, Unconfirmed,
};
use parlor_dialect::Dialect;
use reqwest::Method;
use results::Reader;
use serde_json::{Value, json};
use std::error::Error as _;
use std::sync::Arc;
use write::Input;

/// How many pages of the list of batches are read at most, of 100 each.
const PAGES: usize = 20;

/// How a host takes batches, as data. What it answers is read in every form
/// that is known; this is what is said in one way only.
///
/// ```
/// use parlor_http::BatchApi;
///
/// const ACME: BatchApi = BatchApi::by_file().with_limits(Some(50_000), Some(100_000_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchApi {
    path: &'static str,
    form: Form,
    cursor: &'static str,
    limits: (Option<usize>, Option<usize>),
    price_share: Option<f64>,
}

/// How the requests are handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a file that is uploaded first, a line each.
    File,
    /// In the body.
    Body,
}

/// What stands before the path of a request in a file.
const VERSION: &str = "/v1";

impl BatchApi {
    /// The API at `/batches` that many hosts of the common chat dialect have:
    /// requests in a file, results in two.
    pub const fn by_file() -> Self {
        Self {
            path: "/batches",
            form: Form::File,
            cursor: "after",
            limits: (None, None),
            price_share: None,
        }
    }

    /// One that takes the requests in the body at this path, and names the
    /// address of the results.
    pub const fn in_body(path: &'static str) -> Self {
        Self {
            path,
            form: Form::Body,
            cursor: "after_id",
            limits: (None, None),
            price_share: None,
        }
    }

    /// The same with the most requests and bytes that a batch may have.
    #[must_use]
    pub const fn with_limits(mut self, requests: Option<usize>, bytes: Option<usize>) -> Self {
        self.limits = (requests, bytes);
        self
    }

    /// The same, where all tokens of a batch cost this share of what they cost
    /// else. Without it the price is unknown.
    #[must_use]
    pub const fn with_price_share(mut self, share: f64) -> Self {
        self.price_share = Some(share);
        self
    }
}

/// A model over HTTP that is asked by batches.
#[derive(Debug)]
pub struct HttpBatches {
    model: Arc<Shared>,
    api: BatchApi,
    info: ModelInfo,
    headers: Vec<(String, String)>,
}

impl HttpBatches {
    /// The batches of a model.
    pub fn new<D: Dialect>(model: HttpModel<D>, api: BatchApi) -> Self {
        Self::of(model.shared(), api)
    }

    fn of(model: Arc<Shared>, api: BatchApi) -> Self {
        let mut info = ModelInfo::clone(&model.info);
        let price = info.price.zip(api.price_share);
        info.price = price.map(|(price, share)| price.times(share));
        Self {
            model,
            api,
            info,
            headers: Vec::new(),
        }
    }

    /// The same with headers that requests other than chats want too.
    #[must_use]
    pub fn with_headers(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers = headers;
        self
    }

    fn endpoint(&self) -> &Endpoint {
        &self.model.endpoint
    }

    fn named(&self, error: Error) -> Error {
        failure::named(error, &self.info, None)
    }

    /// The path of a batch.
    fn path(&self, id: &str, end: &str) -> String {
        format!("{}/{}{end}", self.api.path, segment(id))
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Value> {
        let asked = self.json(method, path, &self.headers, None);
        asked.await.map_err(|error| match error.status() {
            Some(404) => self.named(error).with_help(
                "Check the batch's id, and that the key is the one it was submitted with; \
                 providers forget batches after some weeks.",
            ),
            _ => self.named(error),
        })
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Value> {
        let (endpoint, dialect) = (self.endpoint(), &self.model.dialect);
        let whole = endpoint.whole(dialect, method, path, headers, body);
        endpoint.json_of(&whole.await?)
    }

    /// Uploads requests, and gives what names them.
    async fn upload(&self, lines: Vec<u8>) -> Result<String> {
        let form = Multipart::new().text("purpose", "batch");
        let form = form.file("file", "batch.jsonl", "application/jsonl", lines);
        let (mut headers, body) = form.finish();
        headers.extend(self.headers.iter().cloned());
        let answer = self
            .json(Method::POST, "/files", &headers, Some(body))
            .await?;
        let id = answer.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Error::decode("the answer tells of no file"))?;
        Ok(id.to_owned())
    }
}

#[async_trait]
impl ChatBatches for HttpBatches {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn limits(&self) -> BatchLimits {
        let mut limits = BatchLimits::default();
        (limits.requests, limits.bytes) = self.api.limits;
        limits.keeps_names = self.api.form == Form::File;
        limits
    }

    async fn submit(&self, name: &str, items: &[BatchItem]) -> Result<BatchStatus> {
        let input = Input::write(self, items).map_err(|error| self.named(error))?;
        let Input {
            bytes,
            path,
            mut headers,
            warnings,
        } = input;
        let body = match self.api.form {
            Form::Body => bytes,
            Form::File => {
                let file = self.upload(bytes).await;
                let file = file.map_err(|error| self.named(error))?;
                let order = json!({
                    "input_file_id": file,
                    "endpoint": format!("{VERSION}{path}"),
                    "completion_window": "24h",
                    "metadata": {"name": name},
                });
                order.to_string().into_bytes()
            }
        };
        let own = |(name, _): &&(String, String)| !headers.iter().any(|it| it.0 == *name);
        let more: Vec<_> = self.headers.iter().filter(own).cloned().collect();
        headers.extend(more);
        let path = self.api.path;
        let answer = self.json(Method::POST, path, &headers, Some(body)).await;
        let taken = answer.and_then(|answer| read::status(&answer));
        let mut status = taken.map_err(|error| {
            let error = self.named(error);
            match is_refusal(&error) {
                true => error,
                false => Unconfirmed::because(error, name),
            }
        })?;
        status.warnings = warnings;
        Ok(status)
    }

    async fn status(&self, id: &str) -> Result<BatchStatus> {
        let answer = self.ask(Method::GET, &self.path(id, "")).await?;
        read::status(&answer).map_err(|error| self.named(error))
    }

    async fn results(&self, id: &str) -> Result<BatchResults> {
        let answer = self.ask(Method::GET, &self.path(id, "")).await?;
        let places = read::status(&answer).and_then(|status| match status.state.is_over() {
            true => read::places(&answer, self.endpoint()),
            false => {
                let message = format!("the batch {id} isn't over yet: {}", status.state);
                Err(Error::new(ErrorKind::Validation, message)
                    .with_help("Ask for its status until it is over."))
            }
        });
        let places = places.map_err(|error| self.named(error))?;
        Ok(Reader::new(self.model.clone(), self.headers.clone(), places).into_results())
    }

    async fn cancel(&self, id: &str) -> Result<BatchStatus> {
        let answer = self.ask(Method::POST, &self.path(id, "/cancel")).await?;
        read::status(&answer).map_err(|error| self.named(error))
    }

    async fn list(&self) -> Result<Vec<BatchStatus>> {
        let mut batches = Vec::new();
        let first = format!("{}?limit=100", self.api.path);
        let mut path = first.clone();
        for _ in 0..PAGES {
            let page = self.ask(Method::GET, &path).await?;
            let list = page.get("data").and_then(Value::as_array);
            // What can't be read is no batch that could be gone on with.
            let list = list.into_iter().flatten();
            batches.extend(list.filter_map(|it| read::status(it).ok()));
            let more = page.get("has_more").and_then(Value::as_bool);
            match page.get("last_id").and_then(Value::as_str) {
                Some(last) if more == Some(true) => {
                    path = format!("{first}&{}={}", self.api.cursor, query_value(last));
                }
                _ => break,
            }
        }
        Ok(batches)
    }
}

/// Whether it is sure that the host took nothing: nothing reached it, or it
/// said so.
fn is_refusal(error: &Error) -> bool {
    if let Some(status) = error.status() {
        let has_no_room = matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Overloaded);
        return (300..500).contains(&status) && status != 408 || has_no_room;
    }
    match error.kind() {
        ErrorKind::Connection => {
            let source = error.source();
            let source = source.and_then(|it| it.downcast_ref::<reqwest::Error>());
            source.is_some_and(reqwest::Error::is_connect)
        }
        ErrorKind::Timeout(kind) => kind == TimeoutKind::Connect,
        ErrorKind::Truncated | ErrorKind::Decode => false,
        _ => true,
    }
}
