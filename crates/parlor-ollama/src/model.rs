//! Models of an Ollama: asked, listed, fetched.

use crate::config::endpoint;
use crate::context;
use async_trait::async_trait;
use futures_util::Stream;
use futures_util::stream::unfold;
use parlor_core::{
    Capabilities, Capability, ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind,
    ModelInfo, Result, Retry, Support,
};
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Dialect, WireError};
use parlor_http::{Endpoint, HttpModel, Lines, Method, read_models};
use parlor_registry::{ModelEntry, ProviderConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the words of a refusal are waited for: the status has told it.
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// A chat model of an Ollama. Its errors say what to do about a server that
/// isn't running and a model that isn't there.
#[derive(Debug, Clone)]
pub struct OllamaModel {
    inner: HttpModel<Ollama>,
    /// Who is asked what a long prompt fits into.
    server: Option<Arc<Server>>,
}

impl OllamaModel {
    /// A model over a transport of your own making.
    pub fn new(model: HttpModel<Ollama>) -> Self {
        Self {
            inner: model,
            server: None,
        }
    }

    /// The same, with this server asked before a prompt that may be longer than the 4,096
    /// tokens that servers serve by themselves: a context window that it fits into is asked
    /// for (`num_ctx`), where the model has one and the request says none. A longer prompt is
    /// cut by the server, which doesn't say so. Another window than before loads the model
    /// anew.
    #[must_use]
    pub fn fitting(mut self, server: Server) -> Self {
        self.server = Some(Arc::new(server));
        self
    }

    async fn fitted(&self, request: &ChatRequest) -> Option<ChatRequest> {
        let info = self.info();
        let server = self.server.as_ref()?;
        context::fitted(request, server, &info.provider, &info.model).await
    }

    fn explain(&self, error: Error) -> Error {
        let info = self.info();
        explain(error, &info.provider, &info.model)
    }
}

#[async_trait]
impl ChatModel for OllamaModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let fitted = self.fitted(request).await;
        let answer = self.inner.chat(fitted.as_ref().unwrap_or(request)).await;
        answer.map_err(|it| self.explain(it))
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let fitted = self.fitted(request).await;
        let stream = self.inner.stream(fitted.as_ref().unwrap_or(request)).await;
        stream.map_err(|it| self.explain(it))
    }
}

fn explain(error: Error, instance: &str, model: &str) -> Error {
    match error.kind() {
        // What no other attempt can cure has help of its own.
        ErrorKind::Connection if error.retry() != Retry::Never => error.with_help(format!(
            "Start it with `ollama serve`, or set OLLAMA_HOST / [providers.{instance}].base_url."
        )),
        ErrorKind::ModelNotFound if !model.is_empty() => error.with_help(format!(
            "Fetch it with `ollama pull {model}`, or see with `ollama list` which models are there."
        )),
        _ => error,
    }
}

/// The models of an Ollama: which there are, what they can do, and more of them.
#[derive(Debug, Clone)]
pub struct Server {
    instance: String,
    endpoint: Endpoint,
    dialect: Ollama,
}

impl Server {
    /// The server that a configuration describes.
    ///
    /// # Errors
    /// `Configuration`, when the address is wrong or a header can't be one.
    pub fn new(config: &ProviderConfig) -> Result<Self> {
        Ok(Self {
            instance: config.instance.clone(),
            endpoint: endpoint(config)?,
            dialect: Ollama::default(),
        })
    }

    /// The server's version, such as `0.33.0`.
    ///
    /// # Errors
    /// `Connection`, when no server is there; here and below.
    pub async fn version(&self) -> Result<String> {
        let answer = self.ask(Method::GET, "/api/version", None, "").await?;
        Ok(answer["version"].as_str().unwrap_or_default().to_owned())
    }

    /// The models that are there; those that can only embed are left out.
    ///
    /// # Errors
    /// As [`version`](Self::version).
    pub async fn models(&self) -> Result<Vec<ModelEntry>> {
        let mut answer = self.ask(Method::GET, "/api/tags", None, "").await?;
        if let Some(models) = answer["models"].as_array_mut() {
            models.retain(|it| {
                let can = words(&it["capabilities"]);
                can.is_empty() || can.iter().any(|it| it == "completion")
            });
        }
        Ok(read_models(&answer, |item, entry| {
            entry.context_window = item["details"]["context_length"].as_u64();
            entry.capabilities = capabilities(&words(&item["capabilities"]));
        }))
    }

    /// What a model is and can do.
    ///
    /// # Errors
    /// `ModelNotFound`, when it isn't there.
    pub async fn show(&self, model: &str) -> Result<ModelDetails> {
        let body = json!({ "model": model });
        let answer = self
            .ask(Method::POST, "/api/show", Some(body), model)
            .await?;
        let info = &answer["model_info"];
        let family = info["general.architecture"].as_str().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = words(&answer["capabilities"]);
        Ok(ModelDetails {
            capabilities: capabilities(&names),
            capability_names: names,
            context_window: info[format!("{family}.context_length")].as_u64(),
            parameter_size: text(&answer["details"]["parameter_size"]),
            quantization: text(&answer["details"]["quantization_level"]),
            raw: answer,
        })
    }

    /// The models that are loaded.
    ///
    /// # Errors
    /// As [`version`](Self::version); `Decode` for a list in no known form.
    pub async fn running(&self) -> Result<Vec<RunningModel>> {
        let mut answer = self.ask(Method::GET, "/api/ps", None, "").await?;
        match answer["models"].take() {
            Value::Null => Ok(Vec::new()),
            models => serde_json::from_value(models)
                .map_err(|error| self.name(Error::decode(format!("the list of models: {error}")))),
        }
    }

    /// Fetches a model, telling how far it is. The last item says `success`;
    /// dropping the stream stops the fetching, and a later call goes on from
    /// there.
    ///
    /// # Errors
    /// Here and in the stream, which ends with it: `ModelNotFound`, when there
    /// is no such model to fetch; `Truncated`, when the stream ends without
    /// success; `Timeout`, when nothing comes for as long as the endpoint's
    /// limit between events; and as [`version`](Self::version).
    pub async fn pull(
        &self,
        model: &str,
    ) -> Result<impl Stream<Item = Result<PullProgress>> + Send + use<>> {
        let body = json!({ "model": model, "stream": true }).to_string();
        let response = self
            .endpoint
            .send(Method::POST, "/api/pull", &[], Some(body.into_bytes()))
            .await;
        let mut response = response.map_err(|it| self.explain(it, model))?;
        let status = response.status().as_u16();
        let (server, wanted) = (self.clone(), model.to_owned());
        if !(200..300).contains(&status) {
            let body = timeout(REFUSAL_TIME, response.chunk()).await;
            let body = body.ok().and_then(Result::ok).flatten().unwrap_or_default();
            return Err(server.refused(status, &body, &wanted));
        }
        let start = Some(Lines::new(response, &self.endpoint));
        Ok(Box::pin(unfold(start, move |state| {
            let (server, wanted) = (server.clone(), wanted.clone());
            async move {
                let mut lines = state?;
                let item = match lines.next().await {
                    Ok(Some(line)) => server.progress(&line, &wanted),
                    Ok(None) => Err(server.broke_off(Error::truncated())),
                    Err(error) => Err(server.broke_off(error)),
                };
                let goes_on = item.as_ref().is_ok_and(|it| !it.is_success());
                Some((item, goes_on.then_some(lines)))
            }
        })))
    }

    fn broke_off(&self, error: Error) -> Error {
        let error = self.name(error);
        match error.kind() {
            ErrorKind::Decode => error,
            _ => error.with_help("Fetch it again: it goes on where it stopped."),
        }
    }

    fn progress(&self, line: &[u8], model: &str) -> Result<PullProgress> {
        let damaged = |error: serde_json::Error| {
            self.name(Error::decode(format!("a line of progress: {error}")).with_body(line))
        };
        let read: Value = serde_json::from_slice(line).map_err(damaged)?;
        match read.get("error") {
            None | Some(Value::Null) => serde_json::from_value(read).map_err(damaged),
            Some(_) => Err(self.refused(200, line, model)),
        }
    }

    fn refused(&self, status: u16, body: &[u8], model: &str) -> Error {
        let error = self.dialect.read_error(&WireError::new(status, &[], body));
        let error = self.name(error).with_model(model);
        let error = error.scrubbed(&self.endpoint.scrub());
        match error.kind() {
            ErrorKind::ModelNotFound => {
                error.with_help("Look the name up at https://ollama.com/library.")
            }
            _ => error,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        model: &str,
    ) -> Result<Value> {
        let body = body.map(|it| it.to_string().into_bytes());
        let answer = self.endpoint.json(&self.dialect, method, path, &[], body);
        answer.await.map_err(|error| self.explain(error, model))
    }

    fn explain(&self, error: Error, model: &str) -> Error {
        explain(self.name(error), &self.instance, model)
    }

    fn name(&self, error: Error) -> Error {
        error.with_provider(&self.instance)
    }
}

/// What a model is and can do.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelDetails {
    /// What it can do; all unknown on servers before 0.6.4.
    pub capabilities: Capabilities,
    /// The same in Ollama's words: `completion`, `tools`, `vision`, `thinking`, ….
    pub capability_names: Vec<String>,
    /// Tokens that it can take; the server serves `num_ctx` of them.
    pub context_window: Option<u64>,
    /// Its size, such as `3.2B`.
    pub parameter_size: String,
    /// How it is quantized, such as `Q4_K_M`.
    pub quantization: String,
    /// Everything the server told, the template and the licence among it.
    pub raw: Value,
}

/// A model that is loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunningModel {
    /// Its name.
    pub name: String,
    /// Bytes that it takes in all.
    pub size: u64,
    /// Bytes of these on the GPU.
    pub size_vram: u64,
    /// Tokens that it serves; since 0.10.0.
    pub context_length: Option<u64>,
    /// When it is unloaded, as RFC 3339 has it.
    pub expires_at: Option<String>,
}

/// How far the fetching of a model is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PullProgress {
    /// What is going on, for people: `pulling manifest`, …, `success`.
    pub status: String,
    /// The layer that is fetched.
    pub digest: Option<String>,
    /// The layer's bytes.
    pub total: Option<u64>,
    /// Bytes of them that have come; missing until the first do.
    pub completed: Option<u64>,
}

impl PullProgress {
    /// Whether the model is there; nothing comes after it.
    pub fn is_success(&self) -> bool {
        self.status == "success"
    }
}

/// Ollama's words for what a model can do. A list that leaves one out denies
/// it; an empty one, from an old server, says nothing.
fn capabilities(names: &[String]) -> Capabilities {
    const WORDS: [(&str, Capability); 4] = [
        ("tools", Capability::Tools),
        ("vision", Capability::ImageInput),
        ("thinking", Capability::Reasoning),
        ("audio", Capability::AudioInput),
    ];
    if names.is_empty() {
        return Capabilities::UNKNOWN;
    }
    WORDS.iter().fold(Capabilities::UNKNOWN, |all, (word, it)| {
        let support = match names.iter().any(|name| name == word) {
            true => Support::Yes,
            false => Support::No,
        };
        all.with(*it, support)
    })
}

fn words(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}
