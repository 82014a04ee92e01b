//! What the framings share: running a body through a framer, and laws that hold for any bytes.

mod chunking;
mod event_stream;
mod ndjson;
mod recordings;
mod sse;

use bytes::Bytes;

use super::{Framer, Framing, FramingError};

/// A frame that outlives the framer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    event: Option<String>,
    data: Vec<u8>,
    stray: bool,
    exception: Option<String>,
}

fn event(name: &str, data: &str) -> Owned {
    Owned {
        event: Some(name.to_owned()),
        ..data_only(data)
    }
}

fn data_only(data: impl AsRef<[u8]>) -> Owned {
    Owned {
        event: None,
        data: data.as_ref().to_vec(),
        stray: false,
        exception: None,
    }
}

fn stray(data: &str) -> Owned {
    Owned {
        stray: true,
        ..data_only(data)
    }
}

type Outcome = (Vec<Owned>, Option<FramingError>);

/// Feeds the chunks, taking every frame as soon as it is whole.
fn run<'a>(mut framer: Framer, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut frames = Vec::new();
    let mut chunks = chunks.into_iter();
    loop {
        let chunk = chunks.next();
        let ended = chunk.is_none();
        framer.push(Bytes::copy_from_slice(chunk.unwrap_or_default()));
        loop {
            let step = match ended {
                true => framer.finish(),
                false => framer.next_frame(),
            };
            match step {
                Ok(Some(frame)) => frames.push(Owned {
                    event: frame.event.map(str::to_owned),
                    data: frame.data.to_vec(),
                    stray: frame.stray,
                    exception: frame
                        .exception()
                        .map(|exception| exception.code.unwrap_or_default().to_owned()),
                }),
                Ok(None) if ended => return (frames, None),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
}

fn run_all(framing: Framing, body: impl AsRef<[u8]>) -> Outcome {
    run(Framer::new(framing), [body.as_ref()])
}

/// The frames of a sound body. They must be the same whole, byte by byte and cut in two anywhere.
fn frames(framing: Framing, body: impl AsRef<[u8]>) -> Vec<Owned> {
    let body = body.as_ref();
    let (whole, error) = run_all(framing, body);
    assert_eq!(error, None);
    let bytes = run(Framer::new(framing), body.chunks(1));
    assert_eq!(bytes, (whole.clone(), None), "byte by byte");
    for at in 0..=body.len() {
        let (left, right) = body.split_at(at);
        let halves = run(Framer::new(framing), [left, right]);
        assert_eq!(halves, (whole.clone(), None), "cut at {at}");
    }
    whole
}

#[test]
fn chunks_pushed_before_frames_are_taken_wait_in_line() {
    let mut framer = Framer::new(Framing::Sse);
    for chunk in ["data: 1\n", "\ndata", ": 2\n\ndata: 3\n\n", ""] {
        framer.push(Bytes::from_static(chunk.as_bytes()));
    }
    let mut seen = Vec::new();
    while let Some(frame) = framer.next_frame().unwrap() {
        seen.extend_from_slice(frame.data);
    }
    assert_eq!(seen, b"123");
    assert_eq!(framer.buffered(), 0);
}

#[test]
fn a_frame_within_a_chunk_is_borrowed_from_it() {
    let body = Bytes::from_static(b"event: a\ndata: {\"x\":1}\n\ndata: 2\n\n");
    let within = |data: &[u8]| body.as_ptr_range().contains(&data.as_ptr());
    let mut framer = Framer::new(Framing::Sse);
    framer.push(body.clone());
    let frame = framer.next_frame().unwrap().unwrap();
    assert!(within(frame.data) && within(frame.event.unwrap().as_bytes()));
    let frame = framer.next_frame().unwrap().unwrap();
    assert!(within(frame.data));
}

#[test]
fn an_error_is_final_and_frees_what_was_held() {
    let mut framer = Framer::with_limit(Framing::Ndjson, 4);
    framer.push(Bytes::from_static(b"12345\n1\n"));
    let error = FramingError::FrameTooLarge { limit: 4 };
    assert_eq!(framer.next_frame(), Err(error));
    assert_eq!(framer.buffered(), 0);
    framer.push(Bytes::from_static(b"1\n"));
    assert_eq!(framer.next_frame(), Err(error));
    assert_eq!(framer.finish(), Err(error));
    assert_eq!(framer.buffered(), 0);
}

#[test]
fn buffered_counts_what_is_not_yet_in_a_frame() {
    let mut framer = Framer::new(Framing::Ndjson);
    framer.push(Bytes::from_static(b"12\n345"));
    assert_eq!(framer.buffered(), 6);
    assert!(framer.next_frame().unwrap().is_some());
    assert_eq!(framer.buffered(), 3);
    assert!(framer.next_frame().unwrap().is_none());
    assert_eq!(framer.buffered(), 3);
}

#[test]
fn finish_says_none_for_an_empty_body_and_stays_there() {
    for framing in [Framing::Sse, Framing::Ndjson, Framing::EventStream] {
        let mut framer = Framer::new(framing);
        assert_eq!(framer.next_frame(), Ok(None));
        assert_eq!(framer.finish(), Ok(None));
        assert_eq!(framer.finish(), Ok(None));
    }
}

#[test]
fn debug_of_a_framer_shows_no_content() {
    let mut framer = Framer::new(Framing::Sse);
    framer.push(Bytes::from_static(b"data: confidential"));
    let text = format!("{framer:?}");
    assert!(text.contains("Sse") && text.contains("18"), "{text}");
    assert!(!text.contains("confidential"));
}

#[test]
fn debug_of_a_frame_is_readable() {
    let mut framer = Framer::new(Framing::Sse);
    framer.push(Bytes::from_static(b"data: a\xff\n\n"));
    let text = format!("{:?}", framer.next_frame().unwrap().unwrap());
    assert!(text.contains(r#"data: "a\xff""#), "{text}");
}
