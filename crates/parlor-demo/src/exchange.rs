//! What went over the wire.

/// A request that a stand-in was sent, and what it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The id of the provider that the stand-in stands for.
    pub provider: &'static str,
    /// What was asked.
    pub request: WireRequest,
    /// What was answered, as far as it was sent.
    pub response: WireResponse,
}

/// A request as it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireRequest {
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl WireRequest {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A response as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireResponse {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// The body: the frames of a stream, else all of it.
    pub frames: Vec<Vec<u8>>,
    /// Whether the client hung up before the end.
    pub hung_up: bool,
}
