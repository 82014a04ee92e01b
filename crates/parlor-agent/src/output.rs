//! What becomes of what a tool's function gives back.

use crate::tool::ToolOutput;
use parlor_core::{Error, ErrorKind, Result};
use serde::Serialize;
use std::any::Any;
use std::fmt::Display;

/// A value that a tool answers as JSON text.
///
/// ```
/// use parlor_agent::{Json, ToolOutput};
///
/// let output = ToolOutput::from(Json(vec![1, 2, 3]));
/// assert_eq!(output, "[1,2,3]".into());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> From<Json<T>> for ToolOutput {
    fn from(Json(value): Json<T>) -> Self {
        match serde_json::to_string(&value) {
            Ok(text) => text.into(),
            Err(error) => Self::error(format!("The tool's result can't be written: {error}")),
        }
    }
}

/// Says that it is done.
impl From<()> for ToolOutput {
    fn from((): ()) -> Self {
        "Done.".into()
    }
}

macro_rules! displayed {
    ($($kind:ty)*) => {$(
        impl From<$kind> for ToolOutput {
            fn from(value: $kind) -> Self {
                value.to_string().into()
            }
        }
    )*};
}

displayed!(bool i32 i64 u32 u64 usize f32 f64);

/// What a tool's function may give back: anything that a [`ToolOutput`] is made
/// from, or a `Result` of it with any error that can be displayed.
///
/// An [`Error`] stays what it is: [`ErrorKind::Validation`] tells the model that
/// its arguments were wrong. Any other error becomes one of [`ErrorKind::Tool`].
#[diagnostic::on_unimplemented(
    message = "a tool can't give back `{Self}`",
    label = "not text, JSON, parts or a `ToolOutput`, nor a `Result` of one",
    note = "wrap what can be serialised in `Json(…)`; an error must implement `Display`"
)]
pub trait IntoToolOutput {
    /// The output, or why there is none.
    ///
    /// # Behavior
    /// - Fails only where the tool did.
    ///
    /// # Errors
    /// What the tool failed with.
    fn into_tool_output(self) -> Result<ToolOutput>;
}

impl<T: Into<ToolOutput>> IntoToolOutput for T {
    fn into_tool_output(self) -> Result<ToolOutput> {
        Ok(self.into())
    }
}

impl<T: Into<ToolOutput>, E: Display + 'static> IntoToolOutput for Result<T, E> {
    fn into_tool_output(self) -> Result<ToolOutput> {
        self.map(Into::into).map_err(|error| {
            let mut error = Some(error);
            let any: &mut dyn Any = &mut error;
            if let Some(ours) = any.downcast_mut::<Option<Error>>().and_then(Option::take) {
                return ours;
            }
            // The long form tells causes where an error has one.
            let message = error.map(|error| format!("{error:#}"));
            Error::new(ErrorKind::Tool, message.unwrap_or_default())
        })
    }
}
