//! Cutting an input into chunks and running a framing over them.

use bytes::Bytes;
use parlor_http::framing::{Framer, Framing, FramingError};

/// A body, how to cut it, and a limit, all taken from one fuzz input.
///
/// The input's first byte sets the limit, the next four are sizes of chunks taken in turn, the rest
/// is the body. So a seed is a recorded body behind five bytes.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The largest frame allowed; half of the inputs have one that is never reached.
    pub limit: usize,
    /// The sizes of the chunks, over and over.
    pub sizes: [u8; 4],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Input<'a> {
    /// Splits a fuzz input; `None` if it is too short.
    pub fn new(data: &'a [u8]) -> Option<Self> {
        let ([limit, sizes @ ..], body) = data.split_first_chunk::<5>()?;
        let limit = match limit {
            0..128 => usize::from(*limit),
            128.. => usize::MAX,
        };
        Some(Self {
            limit,
            sizes: *sizes,
            body,
        })
    }

    /// The body in chunks, empty ones included.
    pub fn chunks(self) -> impl Iterator<Item = &'a [u8]> {
        let sizes = match self.sizes {
            [0, 0, 0, 0] => [1; 4],
            sizes => sizes,
        };
        let mut rest = self.body;
        sizes.into_iter().cycle().map_while(move |size| {
            let at = rest.len().min(size.into());
            let (chunk, tail) = rest.split_at(at);
            let more = !rest.is_empty();
            rest = tail;
            more.then_some(chunk)
        })
    }
}

/// A frame that outlives the framer.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    event: Option<String>,
    data: Vec<u8>,
    stray: bool,
    headers: String,
}

impl Seen {
    /// The event's name, where the framing has one.
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }

    /// The payload.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Feeds the chunks and takes every frame as soon as it is whole.
pub fn frames<'a>(
    framing: Framing,
    limit: usize,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Seen>, Option<FramingError>) {
    let mut framer = Framer::with_limit(framing, limit);
    let mut seen = Vec::new();
    let mut chunks = chunks.into_iter();
    loop {
        let chunk = chunks.next();
        if let Some(chunk) = chunk {
            framer.push(Bytes::copy_from_slice(chunk));
        }
        loop {
            let step = match chunk {
                Some(_) => framer.next_frame(),
                None => framer.finish(),
            };
            match step {
                Ok(Some(frame)) => {
                    assert!(frame.data.len() <= limit);
                    seen.push(Seen {
                        event: frame.event.map(str::to_owned),
                        data: frame.data.to_vec(),
                        stray: frame.stray,
                        headers: format!("{:?} {:?}", frame.headers, frame.exception()),
                    });
                }
                Ok(None) if chunk.is_none() => return (seen, None),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
        // Twelve for a prelude, two for a line end that is still to come.
        assert!(framer.buffered() <= limit.max(12).saturating_add(2));
    }
}

/// The frames must be the same however the body is cut.
pub fn any_chunking_gives_the_same_frames(framing: Framing, data: &[u8]) {
    if let Some(input) = Input::new(data) {
        let whole = frames(framing, input.limit, [input.body]);
        let cut = frames(framing, input.limit, input.chunks());
        assert_eq!(whole, cut);
    }
}
