//! One connection to a server, from its start to its end.

use crate::content;
use crate::error::{Cause, wrong};
use crate::handler::Handler;
use crate::listing::{Listing, MOST_TOOLS};
use crate::process::Process;
use crate::server::{McpServer, Place, Values};
use crate::tail::{boundary, clean};
use parlor_agent::ToolOutput;
use parlor_core::{Error, ErrorKind, Result, Scrub, Secret};
use rmcp::ServiceError;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, JsonObject, ListToolsRequest,
    PaginatedRequestParams, ProtocolVersion, ServerResult, SubscriptionFilter,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt, Peer, PeerRequestOptions,
    RequestHandle, RoleClient, RunningService,
};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// The most pages of a list of tools that are asked for.
const MOST_PAGES: usize = 64;

/// The most bytes of a server's instructions that are kept.
const INSTRUCTIONS: usize = 16 * 1024;

/// How long closing a connection may take.
const CLOSING: Duration = Duration::from_secs(2);

/// A connection. Dropping it ends it, and the program behind it.
#[derive(Debug)]
pub(crate) struct Connection {
    name: String,
    peer: Peer<RoleClient>,
    handler: Handler,
    service: Mutex<Option<RunningService<RoleClient, Handler>>>,
    process: Mutex<Option<Process>>,
    scrub: Scrub,
    listing: Mutex<Option<Arc<Listing>>>,
    is_gone: AtomicBool,
    subscription: Option<AbortHandle>,
}

impl Connection {
    /// Starts the server, or connects to it.
    pub(crate) async fn start(server: &McpServer) -> Result<Self> {
        let lookup = {
            let server = server.clone();
            // A source may be a program that waits for a person.
            tokio::task::spawn_blocking(move || server.look_up())
        };
        let values = lookup.await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a source of values failed").with_source(error)
        })??;
        let scrub = Scrub::new(values.named.values().chain(&values.token).cloned());
        let first = Self::attempt(server, &values, &scrub, ClientLifecycleMode::Initialize).await;
        let connection = match first {
            // A server may know only versions that begin without a handshake.
            Err(Refused::Handshake(error)) => {
                let newest = ClientLifecycleMode::Discover {
                    preferred_versions: vec![ProtocolVersion::LATEST],
                };
                let second = Self::attempt(server, &values, &scrub, newest).await;
                second.map_err(|_| error)
            }
            other => other.map_err(Refused::into_error),
        };
        connection.map_err(|error| error.scrubbed(&scrub))
    }

    async fn attempt(
        server: &McpServer,
        values: &Values,
        scrub: &Scrub,
        lifecycle: ClientLifecycleMode,
    ) -> Result<Self, Refused> {
        let handler = Handler::default();
        let (service, mut process) = match &server.place {
            Place::Program(program) => {
                let env: Vec<(String, Secret)> = values.named.clone().into_iter().collect();
                let started = Process::start(program, &env);
                let (process, output, input) = started.map_err(|error| {
                    let message = format!(
                        "the MCP server `{}`: the program `{}` can't be started: {error}",
                        server.name(),
                        program.command
                    );
                    wrong(message).with_help("Check `command`, and that the program is installed.")
                })?;
                let serving = handler.serve_with_lifecycle((output, input), lifecycle);
                (within(server.start_timeout, serving).await, Some(process))
            }
            Place::Address(address) => {
                let headers: Vec<_> = values.named.clone().into_iter().collect();
                let transport = address.transport(&headers, values.token.as_ref())?;
                let serving = handler.serve_with_lifecycle(transport, lifecycle);
                (within(server.start_timeout, serving).await, None)
            }
        };
        let service = match service {
            Ok(service) => service,
            Err(failure) => {
                let handshake = matches!(failure, Some(ClientInitializeError::JsonRpcError(_)));
                let cause = Cause::of(failure, server.start_timeout);
                let cause = cause.and(&last_words(&mut process).await);
                let beginning = format!("the MCP server `{}` didn't start", server.name());
                let error = cause.into_error(&beginning).with_provider(server.name());
                return Err(match handshake {
                    true => Refused::Handshake(error),
                    false => Refused::Else(error),
                });
            }
        };
        let subscription = subscribe(&service);
        Ok(Self {
            name: server.name().to_owned(),
            peer: service.peer().clone(),
            handler: service.service().clone(),
            service: Mutex::new(Some(service)),
            process: Mutex::new(process),
            scrub: scrub.clone(),
            listing: Mutex::new(None),
            is_gone: AtomicBool::new(false),
            subscription,
        })
    }

    /// Whether it is of no more use.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire) || self.peer.is_transport_closed()
    }

    /// What the server says of how to use it.
    pub(crate) fn instructions(&self) -> Option<String> {
        let info = self.peer.peer_info()?;
        let mut text = clean(info.instructions.as_deref()?);
        text.truncate(boundary(&text, INSTRUCTIONS));
        Some(text)
    }

    /// The tools, asked for again where the server said that they changed.
    pub(crate) async fn listing(&self, server: &McpServer) -> Result<Arc<Listing>> {
        let mut known = self.listing.lock().await;
        if self.handler.take_change() {
            *known = None;
        }
        if let Some(listing) = &*known {
            return Ok(listing.clone());
        }
        let listing = match within(server.start_timeout, self.list(server)).await {
            Ok(listing) => Arc::new(listing),
            Err(failure) => {
                let cause = Cause::of(failure, server.start_timeout);
                let beginning = format!("the MCP server `{}` didn't list its tools", self.name);
                return Err(self.failed(cause, &beginning).await);
            }
        };
        *known = Some(listing.clone());
        Ok(listing)
    }

    async fn list(&self, server: &McpServer) -> Result<Listing, ServiceError> {
        let mut listing = Listing::default();
        let mut cursor = None;
        for _page in 0..MOST_PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ListToolsRequest::with_param(page);
            let answer = self.ask(ClientRequest::ListToolsRequest(request)).await?;
            // One tool that isn't as it should be makes rmcp take the whole
            // answer for one of an unknown kind.
            let answer = as_value(answer)?;
            let tools = answer.get("tools").and_then(Value::as_array);
            let tools = tools.ok_or(ServiceError::UnexpectedResponse)?;
            tools.iter().for_each(|tool| listing.add(server, tool));
            cursor = match answer.get("nextCursor") {
                Some(Value::String(next)) if listing.tools.len() < MOST_TOOLS => Some(next.clone()),
                _ => break,
            };
        }
        Ok(listing)
    }

    /// Calls a tool. Dropping the future tells the server that the call is given up.
    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
        limit: Option<Duration>,
    ) -> Result<ToolOutput> {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let cause = match within(limit, self.ask(request)).await {
            Ok(ServerResult::InputRequiredResult(_)) => {
                let text = "it wants something of the person, who can't be asked here";
                Cause::new(ErrorKind::Unsupported, text)
            }
            Ok(answer) => match as_value(answer) {
                Ok(answer) => return Ok(content::output(answer)),
                Err(error) => error.into(),
            },
            Err(failure) => Cause::of(failure, limit),
        };
        if cause.kind == ErrorKind::Validation {
            return Err(Error::new(ErrorKind::Validation, cause.text));
        }
        let beginning = match cause.is_gone {
            true => format!("the MCP server `{}` ended during the call", self.name),
            false => format!("the MCP server `{}`", self.name),
        };
        Err(self.failed(cause, &beginning).await)
    }

    async fn ask(&self, request: ClientRequest) -> Result<ServerResult, ServiceError> {
        let options = PeerRequestOptions::no_options();
        let handle = self.peer.send_request_with_option(request, options);
        Asked(Some(handle.await?)).answer().await
    }

    /// The error of a failure; ends the connection where it is of no more use.
    async fn failed(&self, mut cause: Cause, beginning: &str) -> Error {
        if cause.is_gone {
            self.is_gone.store(true, Ordering::Release);
            cause = cause.and(&last_words(&mut *self.process.lock().await).await);
        }
        let error = cause.into_error(beginning).with_provider(&*self.name);
        error.scrubbed(&self.scrub)
    }

    /// Ends the connection, and waits for the end of the program.
    pub(crate) async fn end(&self) {
        self.is_gone.store(true, Ordering::Release);
        if let Some(mut service) = self.service.lock().await.take() {
            // Closes the program's input, or the session.
            let _ = service.close_with_timeout(CLOSING).await;
        }
        if let Some(process) = &mut *self.process.lock().await {
            process.end().await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(subscription) = &self.subscription {
            subscription.abort();
        }
    }
}

/// Why an attempt to connect failed.
enum Refused {
    /// The server didn't take the way that the connection was begun.
    Handshake(Error),
    Else(Error),
}

impl Refused {
    fn into_error(self) -> Error {
        match self {
            Self::Handshake(error) | Self::Else(error) => error,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Else(error)
    }
}

/// A request that is given up when this is dropped before its answer.
struct Asked(Option<RequestHandle<RoleClient>>);

impl Asked {
    async fn answer(mut self) -> Result<ServerResult, ServiceError> {
        let Some(handle) = &mut self.0 else {
            return Err(ServiceError::UnexpectedResponse);
        };
        let answer = (&mut handle.rx).await;
        self.0 = None;
        answer.unwrap_or(Err(ServiceError::TransportClosed))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let (Some(handle), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(handle.cancel(None));
        }
    }
}

/// What comes within a limit; `Err(None)` where nothing does.
pub(crate) async fn within<T, E>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Option<E>> {
    match limit {
        Some(limit) => match timeout(limit, work).await {
            Ok(done) => done.map_err(Some),
            Err(_elapsed) => Err(None),
        },
        None => work.await.map_err(Some),
    }
}

fn as_value(answer: ServerResult) -> Result<Value, ServiceError> {
    match answer {
        ServerResult::CustomResult(answer) => Ok(answer.0),
        answer => serde_json::to_value(answer).map_err(|_| ServiceError::UnexpectedResponse),
    }
}

/// Listens for changes where the protocol has them only for those who ask.
fn subscribe(service: &RunningService<RoleClient, Handler>) -> Option<AbortHandle> {
    let info = service.peer_info()?;
    let tells = info.capabilities.tools.as_ref()?.list_changed == Some(true);
    if info.protocol_version.has_initialize() || !tells {
        return None;
    }
    let peer = service.peer().clone();
    let handler = service.service().clone();
    let listening = tokio::spawn(async move {
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        let Ok(mut changes) = peer.listen(filter).await else {
            return;
        };
        // What changed before it began to listen, it wasn't told.
        handler.note_change();
        while let Ok(Some(_change)) = changes.next().await {
            handler.note_change();
        }
    });
    Some(listening.abort_handle())
}

/// Ends what is left of a program, and gives how it ended and what it said last.
async fn last_words(process: &mut Option<Process>) -> String {
    let Some(mut process) = process.take() else {
        return String::new();
    };
    let status = process.end().await;
    let status = status.map(|status| format!("it ended with {status}"));
    let said = process.said();
    match (status, said.is_empty()) {
        (Some(status), true) => status,
        (Some(status), false) => format!("{status}, and its last words were:\n{said}"),
        (None, true) => String::new(),
        (None, false) => format!("its last words were:\n{said}"),
    }
}
