//! A tool made of a closure.

use crate::output::IntoToolOutput;
use crate::schema::{read, schema_of};
use crate::tool::{Effect, Tool, ToolContext, ToolOutput};
use async_trait::async_trait;
use parlor_core::{FunctionDefinition, Result, ToolDefinition};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;

/// A tool made of a closure, its arguments by their type.
///
/// Arguments that don't suit are never passed on: the model is told which one is
/// wrong and gets the schema.
///
/// ```
/// use parlor_agent::{Conversation, schemars, tool_fn};
/// # use parlor_core::Echo;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[schemars(crate = "parlor_agent::schemars")]
/// struct Place {
///     /// Its name, without the country.
///     city: String,
/// }
///
/// let weather = tool_fn("weather", "The weather, now.", |place: Place, _context| async move {
///     format!("4 degrees in {}", place.city)
/// });
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut chat = Conversation::new(Echo::new()).with_tool(weather);
/// let reply = chat.send("What does weather say?").await?;
/// assert!(reply.text().starts_with("4 degrees in"));
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
pub fn tool_fn<A, F, R, O>(
    name: impl Into<String>,
    description: impl Into<String>,
    function: F,
) -> FnTool<A, F>
where
    A: DeserializeOwned + JsonSchema,
    F: Fn(A, ToolContext) -> R + Send + Sync,
    R: Future<Output = O> + Send,
    O: IntoToolOutput,
{
    FnTool {
        definition: definition::<A>(name, description),
        effect: Effect::None,
        function,
        arguments: PhantomData,
    }
}

/// What [`tool_fn`] makes.
pub struct FnTool<A, F> {
    definition: ToolDefinition,
    effect: Effect,
    function: F,
    arguments: PhantomData<fn(A)>,
}

impl<A, F> FnTool<A, F> {
    /// The same tool with this effect in the world; without, it only reads.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

#[async_trait]
impl<A, F, R, O> Tool for FnTool<A, F>
where
    A: DeserializeOwned + JsonSchema,
    F: Fn(A, ToolContext) -> R + Send + Sync,
    R: Future<Output = O> + Send,
    O: IntoToolOutput,
{
    fn definition(&self) -> ToolDefinition {
        self.definition.clone()
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        let called = (self.function)(self::arguments(arguments)?, context.clone());
        called.await.into_tool_output()
    }
}

impl<A, F> fmt::Debug for FnTool<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTool")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}

/// A definition that is made once.
#[doc(hidden)]
pub type LazyDefinition = std::sync::LazyLock<ToolDefinition>;

/// A function with the arguments of this type.
#[doc(hidden)]
pub fn definition<A: JsonSchema>(
    name: impl Into<String>,
    description: impl Into<String>,
) -> ToolDefinition {
    let mut schema = schema_of::<A>();
    if let Some(schema) = schema.as_object_mut() {
        // What is documented on the type is said of the tool.
        schema.shift_remove("description");
    }
    let nothing = schema.as_object().is_none_or(|it| it.len() == 1);
    let mut function = FunctionDefinition::new(name);
    function.description = Some(description.into());
    function.parameters = (!nothing).then_some(schema);
    ToolDefinition::Function(function)
}

/// The arguments as what they should be.
///
/// # Errors
/// [`Validation`](parlor_core::ErrorKind::Validation), with the place and what is
/// wrong there.
#[doc(hidden)]
pub fn arguments<A: DeserializeOwned>(arguments: Value) -> Result<A> {
    match arguments {
        Value::Object(some) if !some.is_empty() => read(Value::Object(some)),
        // No arguments are an object without fields, and for a closure that
        // takes none, nothing.
        Value::Null | Value::Object(_) => {
            read(Value::Object(Map::new())).or_else(|error| read(Value::Null).map_err(|_| error))
        }
        other => read(other),
    }
}
