//! The calls of one answer: decided on in order, run side by side, answered in order.

use crate::approval::{Approval, ApprovalRequest, Approver};
use crate::limits::Limits;
use crate::tool::{Effect, Tool, ToolBox, ToolContext, ToolOutput, Values};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use parlor_core::{ErrorKind, Part, ToolCall, ToolDefinition, ToolResult};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::timeout;

/// How the model is told that a tool failed.
pub(crate) const FAILED: &str = "The tool failed: ";

/// How it is told that a tool panicked.
const PANICKED: &str = "The tool failed unexpectedly.";

/// What was decided for good, by the tool's name: whether it may run.
pub(crate) type Remembered = Arc<Mutex<BTreeMap<String, bool>>>;

/// What all calls of a conversation share.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) tools: ToolBox,
    pub(crate) values: Values,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) remembered: Remembered,
    pub(crate) limits: Limits,
}

/// The calls of one answer on their way to results.
pub(crate) struct Batch {
    shop: Shop,
    calls: Vec<ToolCall>,
    results: Vec<Option<ToolResult>>,
    /// The first call that isn't decided on yet.
    undecided: usize,
    asking: Option<BoxFuture<'static, Approval>>,
    allowed: VecDeque<(usize, Arc<dyn Tool>, Value)>,
    running: FuturesUnordered<BoxFuture<'static, (usize, ToolResult)>>,
    told: VecDeque<BatchEvent>,
}

/// What a batch tells of.
pub(crate) enum BatchEvent {
    Started(ToolCall),
    Finished(ToolResult),
}

impl Batch {
    pub(crate) fn new(shop: Shop, calls: Vec<ToolCall>) -> Self {
        Self {
            shop,
            results: calls.iter().map(|_| None).collect(),
            calls,
            undecided: 0,
            asking: None,
            allowed: VecDeque::new(),
            running: FuturesUnordered::new(),
            told: VecDeque::new(),
        }
    }

    /// The next thing to tell; `None` once all that can be done is done.
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<BatchEvent> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Some(event);
            }
            if self.undecided < self.calls.len() {
                self.decide().await;
                continue;
            }
            while self.running.len() < self.shop.limits.parallel.max(1)
                && let Some((at, tool, arguments)) = self.allowed.pop_front()
            {
                self.start(at, tool, arguments);
            }
            if self.told.is_empty() {
                let (at, result) = self.running.next().await?;
                self.finish(at, result);
            }
        }
    }

    /// All of them.
    pub(crate) fn calls(&self) -> &[ToolCall] {
        &self.calls
    }

    /// Whether a call was begun, or has its result.
    pub(crate) fn has_begun(&self) -> bool {
        !self.running.is_empty() || self.results.iter().any(Option::is_some)
    }

    /// The same as [`into_results`](Self::into_results), while others are on their way.
    pub(crate) fn results(&self) -> Vec<ToolResult> {
        self.results.iter().flatten().cloned().collect()
    }

    /// The results so far, in the order of the calls.
    pub(crate) fn into_results(self) -> Vec<ToolResult> {
        self.results.into_iter().flatten().collect()
    }

    async fn decide(&mut self) {
        let at = self.undecided;
        let Some(call) = self.calls.get(at) else {
            return;
        };
        if at >= self.shop.limits.calls_per_step {
            let most = self.shop.limits.calls_per_step;
            return self.refuse(format!(
                "Not run: at most {most} calls in one answer are run."
            ));
        }
        let Some(tool) = self.shop.tools.get(&call.name).cloned() else {
            let names: Vec<_> = self.shop.tools.names().collect();
            let names = names.join(", ");
            return self.refuse(match names.is_empty() {
                true => format!("There is no tool `{}`. There are none.", call.name),
                false => format!("There is no tool `{}`. There are: {names}.", call.name),
            });
        };
        let definition = tool.definition();
        let arguments = match call.arguments.parse() {
            Ok(arguments) => arguments,
            Err(error) => return self.refuse(with_schema(&error.to_string(), &definition)),
        };
        match catch_unwind(AssertUnwindSafe(|| tool.check(&arguments))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return self.refuse(with_schema(error.message(), &definition)),
            Err(_panic) => return self.refuse(PANICKED.to_owned()),
        }
        match self.approval(&*tool, definition).await {
            Approval::Allow | Approval::AllowAlways => {
                self.allowed.push_back((at, tool, arguments));
                self.undecided += 1;
            }
            Approval::Deny(reason) => {
                let because = reason.map(|reason| format!(": {reason}"));
                let because = because.unwrap_or_default();
                self.refuse(format!("Not run: the call was denied{because}."));
            }
            Approval::DenyAlways => {
                self.refuse("Not run: this tool may not be called here.".to_owned());
            }
            Approval::Later => self.undecided += 1,
        }
    }

    /// Asks who must be asked. The question stays where it is when the future
    /// is dropped, and isn't put twice.
    async fn approval(&mut self, tool: &dyn Tool, definition: ToolDefinition) -> Approval {
        let effect = tool.effect();
        let Some(call) = self.calls.get(self.undecided) else {
            return Approval::Later;
        };
        if effect == Effect::None {
            return Approval::Allow;
        }
        let remembered = |it: &Remembered| {
            let known = it.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&call.name).copied()
        };
        match remembered(&self.shop.remembered) {
            Some(true) => return Approval::AllowAlways,
            Some(false) => return Approval::DenyAlways,
            None => {}
        }
        let (approver, call) = (self.shop.approver.clone(), call.clone());
        let name = call.name.clone();
        let asking = self.asking.get_or_insert_with(|| {
            Box::pin(async move {
                let request = ApprovalRequest {
                    call: &call,
                    definition: &definition,
                    effect,
                };
                approver.approve(request).await
            })
        });
        let approval = asking.await;
        self.asking = None;
        let for_good = match approval {
            Approval::AllowAlways => Some(true),
            Approval::DenyAlways => Some(false),
            _ => None,
        };
        if let Some(for_good) = for_good {
            let mut known = self
                .shop
                .remembered
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            known.insert(name, for_good);
        }
        approval
    }

    /// Answers the call in question without running it.
    fn refuse(&mut self, message: String) {
        let at = self.undecided;
        self.undecided += 1;
        if let Some(call) = self.calls.get(at) {
            let result = named(ToolResult::error(&*call.id, message), call);
            self.finish(at, result);
        }
    }

    fn start(&mut self, at: usize, tool: Arc<dyn Tool>, arguments: Value) {
        let Some(call) = self.calls.get(at).cloned() else {
            return;
        };
        self.told.push_back(BatchEvent::Started(call.clone()));
        let context = ToolContext::with_values(call, self.shop.values.clone());
        let limits = self.shop.limits.clone();
        self.running.push(Box::pin(async move {
            let output = run(&*tool, arguments, &context, &limits).await;
            let mut result = ToolResult::text(&*context.call.id, "");
            result.parts = bounded(output.parts, limits.result_bytes);
            result.is_error = output.is_error;
            (at, named(result, &context.call))
        }));
    }

    fn finish(&mut self, at: usize, result: ToolResult) {
        if let Some(place) = self.results.get_mut(at) {
            *place = Some(result.clone());
        }
        self.told.push_back(BatchEvent::Finished(result));
    }
}

fn named(mut result: ToolResult, call: &ToolCall) -> ToolResult {
    result.name = Some(call.name.clone());
    result
}

async fn run(
    tool: &dyn Tool,
    arguments: Value,
    context: &ToolContext,
    limits: &Limits,
) -> ToolOutput {
    // What a panic leaves behind is the tool's own; nothing here is shared with it.
    let call = async { tool.call(arguments, context).await };
    let call = AssertUnwindSafe(call).catch_unwind();
    match timeout(limits.tool_time, call).await {
        Ok(Ok(Ok(output))) => output,
        Ok(Ok(Err(error))) if error.kind() == ErrorKind::Validation => {
            ToolOutput::error(with_schema(error.message(), &tool.definition()))
        }
        Ok(Ok(Err(error))) => ToolOutput::error(format!("{FAILED}{}", error.message())),
        Ok(Err(_panic)) => ToolOutput::error(PANICKED),
        Err(_elapsed) => {
            let limit = limits.tool_time;
            ToolOutput::error(format!(
                "The tool was stopped: it took longer than {limit:?}."
            ))
        }
    }
}

fn with_schema(message: &str, definition: &ToolDefinition) -> String {
    let function = definition.as_function();
    match function.and_then(|function| function.parameters.as_ref()) {
        Some(schema) => format!("Not run: {message}. The arguments must match {schema}"),
        None => format!("Not run: {message}. It takes no arguments."),
    }
}

/// The parts with no more text than that, and a word on what was left out.
fn bounded(parts: Vec<Part>, most: usize) -> Vec<Part> {
    let mut left = most;
    let mut cut = 0;
    let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        if let Part::Text(text) = &mut part {
            let end = boundary(&text.text, left);
            cut += text.text.len() - end;
            text.text.truncate(end);
            left -= end;
            if end == 0 && cut > 0 {
                continue;
            }
        }
        kept.push(part);
    }
    if cut > 0 {
        kept.push(Part::text(format!("[{cut} bytes more were left out]")));
    }
    kept
}

/// The last boundary of characters that is at most there.
fn boundary(text: &str, at: usize) -> usize {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
