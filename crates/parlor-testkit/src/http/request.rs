//! A request as a test server saw it.

use serde_json::Value;

/// One request, and what became of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, its transfer encoding undone.
    pub body: Vec<u8>,
    /// The connection's number, from 0 in the order of their opening.
    pub connection: usize,
    /// How many requests came before on the same connection.
    pub earlier: usize,
    /// Whether the client hung up before the answer's end.
    pub dropped: bool,
    /// Whether the answer was written to its end.
    pub finished: bool,
}

impl SeenRequest {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the connection had served a request before.
    pub fn reused(&self) -> bool {
        self.earlier > 0
    }

    /// Reads the request line and the headers, without the blank line that ends them.
    pub(super) fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self {
            method,
            path,
            headers,
            ..Self::default()
        })
    }
}
