//! Content codings by hand: each has a form in which bytes are stored as they are.

use crate::fault::answer::Answer;
use crate::fault::expect::{Expect, Failure, Outcome};
use crate::fault::scene::{Built, Case, Scene};
use crate::http::{Framing, Reply};

type Coder = fn(&[Vec<u8>]) -> Vec<Vec<u8>>;

/// The greeting in a coding, each frame in a block of its own.
fn coded(s: Scene, name: &'static str, coder: Coder) -> Built {
    let answer = Answer::hello();
    let mut reply = s.send(&answer).header("content-encoding", name);
    reply.pieces = coder(&reply.pieces);
    let reply = Reply {
        framing: Framing::Chunked,
        ..reply
    };
    let refusal = Failure::new(&["decode", "truncated"]);
    let expect = Expect::answer(s.reading(&answer)).or(Outcome::Failure(refusal));
    Ok(Case {
        reply,
        expect: Expect {
            coding: Some(name),
            ..expect
        },
    })
}

pub(in crate::fault) fn gzip(s: Scene) -> Built {
    coded(s, "gzip", gzip_stored)
}

pub(in crate::fault) fn brotli(s: Scene) -> Built {
    coded(s, "br", brotli_stored)
}

pub(in crate::fault) fn zstd(s: Scene) -> Built {
    coded(s, "zstd", zstd_stored)
}

/// RFC 1952 around stored blocks of RFC 1951; a piece is at most 65,535 bytes.
fn gzip_stored(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut out = vec![vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]];
    out.extend(pieces.iter().map(|piece| {
        let length = piece.len() as u16;
        let mut block = vec![0];
        block.extend(length.to_le_bytes());
        block.extend((!length).to_le_bytes());
        block.extend(piece);
        block
    }));
    let whole = pieces.concat();
    let mut end = vec![1, 0, 0, 0xff, 0xff];
    end.extend(crc32(&whole).to_le_bytes());
    end.extend((whole.len() as u32).to_le_bytes());
    out.push(end);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

/// RFC 7932: uncompressed meta-blocks; a piece is from 1 to 65,536 bytes.
fn brotli_stored(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut out: Vec<_> = (pieces.iter().enumerate())
        .map(|(at, piece)| {
            // Lowest bit first: ISLAST 0, MNIBBLES 00, MLEN - 1 in 16 bits, ISUNCOMPRESSED 1.
            // The first block stands after one bit more, WBITS 0.
            let header = ((piece.len() as u32 - 1) << 3) | (1 << 19);
            let header = header << u32::from(at == 0);
            [&header.to_le_bytes()[..3], piece].concat()
        })
        .collect();
    out.push(vec![3]);
    out
}

/// RFC 8878: raw blocks in one frame; a piece is at most 128 KiB.
fn zstd_stored(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    // The magic number, a descriptor with neither size nor checksum, a window of 2 MiB.
    let mut out = vec![vec![0x28, 0xb5, 0x2f, 0xfd, 0, 11 << 3]];
    out.extend(pieces.iter().map(|piece| {
        let header = (piece.len() as u32) << 3;
        [&header.to_le_bytes()[..3], piece].concat()
    }));
    out.push(vec![1, 0, 0]);
    out
}

#[cfg(test)]
mod tests {
    use super::{brotli_stored, gzip_stored, zstd_stored};

    /// What each coder makes of two pieces, as other programs decode it.
    #[test]
    fn codings_are_byte_for_byte_what_decoders_take() {
        let pieces = [b"Hello, ".to_vec(), b"world!".to_vec()];
        let hex = |coded: Vec<Vec<u8>>| -> String {
            coded
                .concat()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        assert_eq!(
            hex(gzip_stored(&pieces)),
            "1f8b08000000000000ff000700f8ff48656c6c6f2c20000600f9ff776f726c6421010000ffffe6c6e6eb0d000000"
        );
        assert_eq!(
            hex(brotli_stored(&pieces)),
            "60001048656c6c6f2c20280008776f726c642103"
        );
        assert_eq!(
            hex(zstd_stored(&pieces)),
            "28b52ffd005838000048656c6c6f2c20300000776f726c6421010000"
        );
    }
}
