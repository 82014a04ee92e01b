//! How a model is brought to answer in a shape: by its own means, a tool, or words.

use super::call::{as_text, stream_as_text};
use super::schema::{ANSWER, Shape};
use async_trait::async_trait;
use parlor_core::{
    Capability, ChatModel, ChatRequest, ChatResponse, ChatStream, Effort, Error, ErrorKind,
    FunctionDefinition, Message, ModelInfo, OnUnsupported, OutputFormat, Part, Result, Role,
    Support, ToolChoice, ToolDefinition,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How a model is brought to answer in a shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtractStrategy {
    /// The first of the others that the model is known to support, in their
    /// order; then those of which nothing is known. A type with maps goes by a
    /// tool first, since hosts that keep strictly to a schema can't say maps.
    /// Where the provider refuses one as unsupported or invalid, the next is
    /// tried.
    #[default]
    Auto,
    /// The model's own output by a JSON Schema.
    Native,
    /// A tool that the model must call, whose arguments are the answer. Where
    /// there are other tools it may call those before.
    Tool,
    /// Any JSON, with the schema in the instructions.
    Json,
    /// Nothing but the schema in the instructions.
    Prompt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Native { told: bool },
    Tool,
    Json,
    Prompt,
}

/// Asks models for answers of one shape. Whatever the way, the answer comes
/// back as text.
#[derive(Debug)]
pub(crate) struct Shaper {
    pub(crate) shape: Shape,
    strategy: ExtractStrategy,
    /// How many ways were refused: they aren't tried again.
    passed: AtomicUsize,
    /// Whether a call became text.
    called: Arc<AtomicBool>,
}

impl Shaper {
    pub(crate) fn new(shape: Shape, strategy: ExtractStrategy) -> Self {
        Self {
            shape,
            strategy,
            passed: AtomicUsize::new(0),
            called: Arc::default(),
        }
    }

    pub(crate) async fn chat<M: ChatModel + ?Sized>(
        &self,
        model: &M,
        request: &ChatRequest,
    ) -> Result<ChatResponse> {
        let mut ladder = Ladder::new(self, model.info(), request);
        loop {
            let (request, tool) = ladder.request();
            match model.chat(&request).await {
                Ok(response) => return Ok(as_text(response, tool.as_deref(), &self.called)),
                Err(error) => ladder.fell(error)?,
            }
        }
    }

    pub(crate) async fn stream<M: ChatModel + ?Sized>(
        &self,
        model: &M,
        request: &ChatRequest,
    ) -> Result<ChatStream> {
        let mut ladder = Ladder::new(self, model.info(), request);
        loop {
            let (request, tool) = ladder.request();
            match (model.stream(&request).await, tool) {
                (Ok(stream), Some(tool)) => {
                    return Ok(stream_as_text(stream, tool, self.called.clone()));
                }
                (Ok(stream), None) => return Ok(stream),
                (Err(error), _) => ladder.fell(error)?,
            }
        }
    }

    /// Makes a message that was an answer fit to be sent again. The reasoning
    /// before a call that became text has lost what it led to, and some
    /// providers refuse it so: it goes without its native item.
    pub(crate) fn settle(&self, message: &mut Message) {
        if self.has_called() && message.tool_calls().next().is_none() {
            for part in &mut message.parts {
                if let Part::Reasoning(reasoning) = part {
                    reasoning.native = None;
                }
            }
        }
    }

    /// Whether a call became text.
    pub(crate) fn has_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    fn ways(&self, info: &ModelInfo, request: &ChatRequest) -> Vec<Way> {
        match self.strategy {
            ExtractStrategy::Auto => {}
            ExtractStrategy::Native => return vec![Way::Native { told: false }],
            ExtractStrategy::Tool => return vec![Way::Tool],
            ExtractStrategy::Json => return vec![Way::Json],
            ExtractStrategy::Prompt => return vec![Way::Prompt],
        }
        let can = info.capabilities;
        let native = can.get(Capability::JsonSchema);
        let tool = match can.lacks(Capability::ToolChoice) {
            true => Support::No,
            false => can.get(Capability::Tools),
        };
        // Not every provider lets a call be forced while the model reasons.
        let reasons = request.reasoning.as_ref();
        let reasons = reasons.is_some_and(|it| it.effort != Some(Effort::Off));
        let mut ways = Vec::with_capacity(4);
        let mut add = |wanted: bool, way: Way| {
            if wanted && !ways.contains(&way) {
                ways.push(way);
            }
        };
        add(
            self.shape.open && tool == Support::Yes && !reasons,
            Way::Tool,
        );
        add(native == Support::Yes, Way::Native { told: false });
        add(tool == Support::Yes, Way::Tool);
        add(native == Support::Unknown, Way::Native { told: true });
        add(tool == Support::Unknown, Way::Tool);
        // Several hosts refuse JSON beside tools.
        let json = can.has(Capability::Json) && request.tools.is_empty();
        add(json, Way::Json);
        add(true, Way::Prompt);
        ways
    }

    /// The request by one way, and the name of the tool that is the answer.
    fn write(&self, way: Way, request: &ChatRequest) -> (ChatRequest, Option<String>) {
        let mut request = request.clone();
        let mut output = self.shape.output.clone();
        if request.on_unsupported == Some(OnUnsupported::Error) {
            // A wish, and no reason to fail where a host knows no strictness.
            output.strict = None;
        }
        request.output = None;
        match way {
            Way::Native { told } => {
                if told {
                    self.instruct(&mut request);
                }
                request.output = Some(OutputFormat::JsonSchema(output));
            }
            Way::Json => {
                self.instruct(&mut request);
                request.output = Some(OutputFormat::Json);
            }
            Way::Prompt => self.instruct(&mut request),
            Way::Tool => {
                let name = free_name(&request.tools);
                let about = "Give the final answer by calling this once, with the whole of it.";
                let mut tool = FunctionDefinition::new(&name);
                tool.description = Some(match &output.description {
                    Some(what) => format!("{about} It is: {what}"),
                    None => about.to_owned(),
                });
                tool.parameters = Some(output.schema);
                tool.strict = output.strict;
                request.tool_choice = Some(match request.tool_choice.take() {
                    Some(ToolChoice::Allowed { mut tools, .. }) => {
                        tools.push(name.clone());
                        let required = true;
                        ToolChoice::Allowed { tools, required }
                    }
                    Some(ToolChoice::None) => ToolChoice::Tool(name.clone()),
                    _ if request.tools.is_empty() => ToolChoice::Tool(name.clone()),
                    _ => ToolChoice::Required,
                });
                request.tools.push(ToolDefinition::Function(tool));
                return (request, Some(name));
            }
        }
        (request, None)
    }

    /// Puts the schema into the instructions: a second system message is
    /// refused by some hosts.
    fn instruct(&self, request: &mut ChatRequest) {
        let when = match request.tools.is_empty() {
            true => "Answer",
            false => "Once you need no more tools, answer",
        };
        let schema = &self.shape.output.schema;
        let text = format!(
            "{when} with one JSON value and nothing else, without explanations or code fences. \
             It must match this JSON Schema:\n{schema}"
        );
        match request.messages.first_mut() {
            Some(first) if first.role == Role::System => {
                first.parts.push(Part::text(format!("\n\n{text}")));
            }
            _ => request.messages.insert(0, Message::system(text)),
        }
    }
}

/// A name that no other tool has.
fn free_name(tools: &[ToolDefinition]) -> String {
    let taken = |name: &str| {
        let mut functions = tools.iter().filter_map(ToolDefinition::as_function);
        functions.any(|it| it.name == name)
    };
    let mut name = ANSWER.to_owned();
    while taken(&name) {
        name.insert_str(0, "final_");
    }
    name
}

/// The ways that are left, the next one first.
struct Ladder<'a> {
    shaper: &'a Shaper,
    request: &'a ChatRequest,
    ways: Vec<Way>,
    at: usize,
    first: Option<Error>,
}

impl<'a> Ladder<'a> {
    fn new(shaper: &'a Shaper, info: &ModelInfo, request: &'a ChatRequest) -> Self {
        let ways = shaper.ways(info, request);
        let passed = shaper.passed.load(Ordering::Relaxed);
        Self {
            shaper,
            request,
            at: passed.min(ways.len().saturating_sub(1)),
            ways,
            first: None,
        }
    }

    fn request(&self) -> (ChatRequest, Option<String>) {
        let way = self.ways.get(self.at).copied().unwrap_or(Way::Prompt);
        self.shaper.write(way, self.request)
    }

    /// Goes on to the next way, where another one may help. Where none did,
    /// the first way's error is told: it is about what the model is best at.
    fn fell(&mut self, error: Error) -> Result<()> {
        use ErrorKind::{InvalidRequest, Unsupported};
        if !matches!(error.kind(), InvalidRequest | Unsupported) {
            return Err(error);
        }
        let first = self.first.get_or_insert(error);
        if self.at + 1 >= self.ways.len() {
            return Err(first.clone());
        }
        self.at += 1;
        self.shaper.passed.store(self.at, Ordering::Relaxed);
        Ok(())
    }
}

/// A model that answers in a shape.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) inner: Arc<dyn ChatModel>,
    pub(crate) shaper: Arc<Shaper>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Shaped {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.shaper.chat(&*self.inner, request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.shaper.stream(&*self.inner, request).await
    }
}
