//! What a model may call, and the box that holds it.

use async_trait::async_trait;
use parlor_core::{Error, ErrorKind, Part, Result, ToolCall, ToolDefinition};
use serde_json::Value;
use std::any::{Any, TypeId, type_name};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// Whether a tool changes anything in the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It only reads; it runs without asking.
    #[default]
    None,
    /// It writes, sends, buys or deletes: somebody is asked first.
    Changes,
}

/// Something that a model may call.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What the model is told of it: a function with name, description and
    /// the JSON Schema of its arguments.
    ///
    /// # Behavior
    /// - Cheap, and the same at every call.
    fn definition(&self) -> ToolDefinition;

    /// Whether it changes anything in the world.
    ///
    /// # Behavior
    /// - The same at every call.
    fn effect(&self) -> Effect {
        Effect::None
    }

    /// Whether it takes these arguments, before anybody is asked about them.
    /// [`keeps_to`](crate::keeps_to) holds them to a schema.
    ///
    /// # Behavior
    /// - Cheap, and changes nothing.
    /// - An error's message says what is wrong: the model is told so with the
    ///   schema, may call again, and the call isn't run. Nor is it after a panic.
    fn check(&self, arguments: &Value) -> Result<()> {
        let _ = arguments;
        Ok(())
    }

    /// Runs it. The arguments are JSON; whether they keep to the schema is the
    /// tool's to find out.
    ///
    /// # Behavior
    /// - [`ErrorKind::Validation`] says that the arguments are wrong: the model
    ///   is told so with the schema, and may call again.
    /// - Any other error is told to the model as a failed call.
    /// - Dropping the future stops it; so does a panic, which the model is told
    ///   of without its message.
    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput>;
}

/// A function that makes a tool stands for it; it is asked each time, and should
/// only put the tool together.
#[async_trait]
impl<F, T> Tool for F
where
    F: Fn() -> T + Send + Sync,
    T: Tool,
{
    fn definition(&self) -> ToolDefinition {
        self().definition()
    }

    fn effect(&self) -> Effect {
        self().effect()
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        self().check(arguments)
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        let tool = self();
        tool.call(arguments, context).await
    }
}

impl fmt::Debug for dyn Tool + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tool").field(&name_of(self)).finish()
    }
}

pub(crate) fn name_of(tool: &(impl Tool + ?Sized)) -> String {
    let definition = tool.definition();
    let function = definition.as_function();
    function.map(|it| it.name.clone()).unwrap_or_default()
}

/// What a tool answers: text or media, or a failure that the model should see.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolOutput {
    /// Text and media, in order.
    pub parts: Vec<Part>,
    /// Whether it failed; the parts say how.
    pub is_error: bool,
}

impl ToolOutput {
    /// These parts.
    pub fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            is_error: false,
        }
    }

    /// A failure, in words for the model.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::text(message)],
            is_error: true,
        }
    }
}

impl From<String> for ToolOutput {
    fn from(text: String) -> Self {
        Self::new(vec![Part::text(text)])
    }
}

impl From<&str> for ToolOutput {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Value> for ToolOutput {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => text.into(),
            value => value.to_string().into(),
        }
    }
}

impl From<Part> for ToolOutput {
    fn from(part: Part) -> Self {
        Self::new(vec![part])
    }
}

impl From<Vec<Part>> for ToolOutput {
    fn from(parts: Vec<Part>) -> Self {
        Self::new(parts)
    }
}

/// What a tool is given beside its arguments.
#[derive(Clone)]
#[non_exhaustive]
pub struct ToolContext {
    /// The call, as the model made it.
    pub call: ToolCall,
    values: Values,
}

/// The values that tools may ask for, by their type.
#[derive(Clone, Default)]
pub(crate) struct Values(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Values {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(value));
    }
}

impl ToolContext {
    /// A context without values, to call a tool in a test.
    pub fn new(call: ToolCall) -> Self {
        Self::with_values(call, Values::default())
    }

    pub(crate) fn with_values(call: ToolCall, values: Values) -> Self {
        Self { call, values }
    }

    /// The same context with a value; see
    /// [`Conversation::with_value`](crate::Conversation::with_value).
    #[must_use]
    pub fn with_value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.values.insert(value);
        self
    }

    /// The value of this type that the conversation was given.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The value of this type that the conversation was given.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where it has none.
    pub fn require<T: Send + Sync + 'static>(&self) -> Result<&T> {
        self.get().ok_or_else(|| {
            let message = format!(
                "the tool `{}` needs a value of type {}",
                self.call.name,
                type_name::<T>()
            );
            Error::new(ErrorKind::Configuration, message)
                .with_help("Give it to the conversation by `with_value`.")
        })
    }
}

impl fmt::Debug for ToolContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolContext")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// Tools by name.
#[derive(Clone, Default)]
pub struct ToolBox {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    /// What providers run by themselves.
    native: Vec<ToolDefinition>,
}

impl ToolBox {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool; one of the same name gives way and comes back.
    pub fn register(&mut self, tool: impl Tool + 'static) -> Option<Arc<dyn Tool>> {
        self.register_shared(Arc::new(tool))
    }

    /// Adds a tool that others hold too.
    pub fn register_shared(&mut self, tool: Arc<dyn Tool>) -> Option<Arc<dyn Tool>> {
        self.tools.insert(name_of(&*tool), tool)
    }

    /// Adds a tool that the provider runs, in its own words.
    pub fn register_native(&mut self, definition: ToolDefinition) {
        self.native.push(definition);
    }

    /// Removes the tool of this name.
    pub fn remove(&mut self, name: &str) -> Option<Arc<dyn Tool>> {
        self.tools.remove(name)
    }

    /// Removes all of them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// What a model is told of them, sorted by name so that a prompt stays the
    /// same, then those that the provider runs.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        let own = self.tools.values().map(|tool| tool.definition());
        own.chain(self.native.iter().cloned()).collect()
    }
}

impl fmt::Debug for ToolBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
