//! A dialect as a server speaks it, whichever it is.

use parlor_core::{ChatResponse, Error, Origin, Result};
use parlor_dialect::{Encoder, Framing, Incoming, ServerDialect};

/// A [`ServerDialect`] whose encoder is boxed.
pub(crate) trait Speak: Send + Sync {
    fn framing(&self) -> Framing;
    fn read(&self, path: &str, body: &[u8], provider: &str) -> Result<Incoming>;
    fn whole(&self, response: &ChatResponse) -> Result<Vec<u8>>;
    fn encoder(&self) -> Box<dyn Encoder>;
    fn refuse(&self, error: &Error) -> (u16, Vec<u8>);
}

impl<D: ServerDialect> Speak for D {
    fn framing(&self) -> Framing {
        parlor_dialect::Dialect::framing(self)
    }

    fn read(&self, path: &str, body: &[u8], provider: &str) -> Result<Incoming> {
        self.read_request(path, body, &Origin::new(provider, self.name()))
    }

    fn whole(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        self.write_response(response)
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(ServerDialect::encoder(self))
    }

    fn refuse(&self, error: &Error) -> (u16, Vec<u8>) {
        self.write_error(error)
    }
}
