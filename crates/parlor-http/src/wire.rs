//! A dialect behind a pointer, so that what is made of one is compiled once for all of them.

use parlor_core::{ChatRequest, ChatResponse, Error, Result, Words};
use parlor_dialect::{Decoder, Dialect, Framing, Target, WireError, WireRequest};
use std::fmt::Debug;
use std::pin::Pin;

/// A future behind a pointer. What is `async` in a crate is compiled anew in
/// each crate that waits for it; what is behind a pointer is not.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The client's half of any [`Dialect`], whose methods these are.
pub(crate) trait Wire: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn framing(&self) -> Framing;
    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest>;
    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest>;
    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse>;
    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse>;
    fn decoder(&self, target: &Target<'_>) -> Box<dyn Decoder>;
    fn read_error(&self, error: &WireError<'_>) -> Error;
}

impl<D: Dialect> Wire for D {
    fn name(&self) -> &'static str {
        Dialect::name(self)
    }

    fn framing(&self) -> Framing {
        Dialect::framing(self)
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        Dialect::write_request(self, request, target)
    }

    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        Dialect::pass_request(self, words, target)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        Dialect::read_response(self, body, target)
    }

    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        Dialect::take_response(self, body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> Box<dyn Decoder> {
        Box::new(Dialect::decoder(self, target))
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        Dialect::read_error(self, error)
    }
}
