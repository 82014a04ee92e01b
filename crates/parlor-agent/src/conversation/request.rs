//! What is sent at each step: the settings, the tools, and as much of what was said as fits.

use super::Conversation;
use crate::window::Fit;
use parlor_core::{ChatRequest, Error, ErrorKind, Message, Result, Role, ToolChoice};
use serde_json::Value;

impl Conversation {
    /// The settings of every request, and above them those of one.
    pub(super) fn above(&self, own: &ChatRequest) -> Result<ChatRequest> {
        let overlaid = || -> serde_json::Result<ChatRequest> {
            let mut all = serde_json::to_value(&self.request)?;
            if let (Some(all), Value::Object(own)) =
                (all.as_object_mut(), serde_json::to_value(own)?)
            {
                // What isn't set isn't written.
                all.extend(own);
            }
            serde_json::from_value(all)
        };
        overlaid().map_err(|error| Error::new(ErrorKind::Validation, error.to_string()))
    }

    /// The request for the next step: all that was said, and this message with what it sets.
    pub(crate) fn next_request(&self, message: &ChatRequest) -> ChatRequest {
        let mut own = message.clone();
        let turn = std::mem::take(&mut own.messages);
        // Settings that can't be laid over the others fail when they are sent.
        let settings = (own != ChatRequest::default()).then(|| self.above(&own).ok());
        let mut request = self.empty_request(&turn, settings.flatten().as_ref());
        request.messages = self.history.messages();
        request.messages.extend(turn);
        request
    }

    /// The request for the next step, as much of it as fits the window.
    pub(crate) fn fitted_request(
        &self,
        turn: &[Message],
        settings: Option<&ChatRequest>,
    ) -> Result<Fit> {
        let request = self.empty_request(turn, settings);
        match &self.window {
            Some(window) => window.fit(request, &self.history, turn, self.model.info()),
            None => Ok(Fit::all(request, &self.history, turn)),
        }
    }

    /// A request without messages. A tool that must be called was, once there is
    /// a result: the model would call it for ever.
    fn empty_request(&self, turn: &[Message], settings: Option<&ChatRequest>) -> ChatRequest {
        let mut request = settings.unwrap_or(&self.request).clone();
        request.messages.clear();
        request.tools = self.shop.tools.definitions();
        if turn.last().is_some_and(|last| last.role == Role::Tool) {
            match &mut request.tool_choice {
                Some(ToolChoice::Allowed { required, .. }) => *required = false,
                Some(choice @ (ToolChoice::Required | ToolChoice::Tool(_))) => {
                    *choice = ToolChoice::Auto;
                }
                _ => {}
            }
        }
        request
    }
}
