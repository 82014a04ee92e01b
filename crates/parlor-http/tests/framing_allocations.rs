//! Counts what framing allocates: nothing for a frame within a chunk, one bounded buffer otherwise.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use allocation_counter::{AllocationInfo, measure};
use bytes::{BufMut, Bytes};
use parlor_http::framing::{Framer, Framing, FramingError, write_message, write_ndjson, write_sse};

const FRAMES: usize = 100;
const DELTA: &[u8] = br#"{"choices":[{"index":0,"delta":{"content":" word"}}]}"#;

fn body(framing: Framing) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..FRAMES {
        match framing {
            Framing::Sse => {
                body.put_slice(b": keep-alive\n\n");
                write_sse(&mut body, Some("delta"), DELTA);
            }
            Framing::Ndjson => write_ndjson(&mut body, DELTA),
            Framing::EventStream => {
                let headers = [(":message-type", "event"), (":event-type", "delta")];
                write_message(&mut body, &headers, DELTA).unwrap();
            }
        }
    }
    body
}

fn drain(framer: &mut Framer) -> usize {
    let mut seen = 0;
    while let Some(frame) = framer.next_frame().unwrap() {
        assert_eq!(frame.data, DELTA);
        seen += 1;
    }
    seen
}

/// What taking all frames allocates, the chunks themselves left out.
fn allocations(framing: Framing, chunk_size: usize) -> AllocationInfo {
    let body = Bytes::from(body(framing));
    let chunks: Vec<Bytes> = body
        .chunks(chunk_size)
        .map(|chunk| body.slice_ref(chunk))
        .collect();
    measure(|| {
        let mut framer = Framer::new(framing);
        let mut seen = 0;
        for chunk in chunks {
            framer.push(chunk);
            seen += drain(&mut framer);
        }
        assert_eq!(seen, FRAMES);
    })
}

#[test]
fn frames_within_a_chunk_allocate_nothing() {
    for framing in [Framing::Sse, Framing::Ndjson, Framing::EventStream] {
        let info = allocations(framing, usize::MAX);
        assert_eq!(info.count_total, 0, "{framing:?}: {info:?}");
    }
}

#[test]
fn a_chunk_per_frame_allocates_nothing() {
    for framing in [Framing::Sse, Framing::Ndjson, Framing::EventStream] {
        let info = allocations(framing, body(framing).len() / FRAMES);
        assert_eq!(info.count_total, 0, "{framing:?}: {info:?}");
    }
}

#[test]
fn a_frame_taken_is_not_copied_when_the_next_chunk_comes() {
    let mut line = DELTA.to_vec();
    line.push(b'\n');
    let chunks = vec![Bytes::from(line); FRAMES];
    let info = measure(|| {
        let mut framer = Framer::new(Framing::Ndjson);
        for chunk in chunks {
            framer.push(chunk);
            assert!(framer.next_frame().unwrap().is_some());
        }
    });
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn frames_across_chunks_share_one_buffer() {
    for framing in [Framing::Sse, Framing::Ndjson, Framing::EventStream] {
        for chunk_size in [1, 7, 64, 100] {
            let info = allocations(framing, chunk_size);
            // The buffer grows to its size by doubling, then stays.
            assert!(info.count_total <= 10, "{framing:?} {chunk_size}: {info:?}");
            assert!(info.bytes_max <= 512, "{framing:?} {chunk_size}: {info:?}");
        }
    }
}

#[test]
fn an_endless_frame_never_allocates_more_than_the_limit() {
    const LIMIT: usize = 300_000;
    let starts: [(Framing, &'static [u8]); 4] = [
        (Framing::Sse, b"data: xxxxxxxxxxxxxxxxxxxxxxxxxx"),
        (Framing::Sse, b"data: 1\ndata: 2\r\ndata\nevent: x\n"),
        (Framing::Sse, b"{\n"),
        (Framing::Ndjson, b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
    ];
    for (framing, piece) in starts {
        let info = measure(|| {
            let mut framer = Framer::with_limit(framing, LIMIT);
            let error = loop {
                framer.push(Bytes::from_static(piece));
                if let Err(error) = framer.next_frame() {
                    break error;
                }
            };
            assert_eq!(error, FramingError::FrameTooLarge { limit: LIMIT });
        });
        // Growing holds the old buffer and the new one for a moment, which is the allocator's to
        // avoid; the counter sees a reallocation as both.
        assert!(info.bytes_max <= 2 * LIMIT as u64, "{framing:?}: {info:?}");
        assert!(info.count_total <= 40, "{framing:?}: {info:?}");
    }
}

#[test]
fn the_buffer_of_a_large_frame_is_given_back() {
    let mut framer = Framer::new(Framing::Ndjson);
    let info = measure(|| {
        for _ in 0..1000 {
            framer.push(Bytes::from_static(&[b'1'; 1000]));
            assert_eq!(framer.next_frame(), Ok(None));
        }
        framer.push(Bytes::from_static(b"\n"));
        let length = framer.next_frame().unwrap().map(|frame| frame.data.len());
        assert_eq!(length, Some(1_000_000));
        assert_eq!(framer.next_frame(), Ok(None));
    });
    assert!(info.bytes_max >= 1_000_000, "{info:?}");
    assert_eq!(info.bytes_current, 0, "{info:?}");
}
