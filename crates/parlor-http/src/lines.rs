//! A body of JSON lines, read one by one within the time between events.

use crate::endpoint::Endpoint;
use crate::failure;
use crate::framing::{Framer, Framing};
use parlor_core::{Error, Result, TimeoutKind};
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

/// A body of JSON lines that is no chat, such as the progress of a download.
#[derive(Debug)]
pub struct Lines {
    response: Response,
    framer: Framer,
    ended: bool,
    endpoint: Endpoint,
}

impl Lines {
    /// The lines of a response of this endpoint.
    pub fn new(response: Response, endpoint: &Endpoint) -> Self {
        Self {
            response,
            framer: Framer::new(Framing::Ndjson),
            ended: false,
            endpoint: endpoint.clone(),
        }
    }

    /// The same with lines of at most so many bytes, in place of 16 MiB. Nothing
    /// may have been read yet.
    #[must_use]
    pub fn with_limit(mut self, most: usize) -> Self {
        self.framer = Framer::with_limit(Framing::Ndjson, most);
        self
    }

    /// The next line; `None` at the body's end.
    ///
    /// # Errors
    /// `Truncated`, when the body breaks off; `Timeout`, when no whole line
    /// comes within the endpoint's limit between events, whatever bytes do;
    /// `Decode` for a line without end. There is no way on from there.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let limit = self.endpoint.timeouts().idle;
        let due = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            let line = match self.ended {
                false => self.framer.next_frame(),
                true => self.framer.finish(),
            };
            match line {
                Ok(Some(line)) => return Ok(Some(line.data.to_vec())),
                Ok(None) if self.ended => return Ok(None),
                Ok(None) => {}
                Err(error) => return Err(Error::decode(error.to_string())),
            }
            let chunk = match due {
                Some(due) => timeout_at(due, self.response.chunk())
                    .await
                    .map_err(|_| failure::of_timeout(TimeoutKind::Idle, &self.endpoint))?,
                None => self.response.chunk().await,
            };
            match chunk.map_err(failure::of_read)? {
                Some(chunk) => self.framer.push(chunk),
                None => self.ended = true,
            }
        }
    }
}
