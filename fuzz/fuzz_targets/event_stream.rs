#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::any_chunking_gives_the_same_frames;
use parlor_http::framing::Framing;

fuzz_target!(|data: &[u8]| {
    any_chunking_gives_the_same_frames(Framing::EventStream, data);
    let mut mended = data.to_vec();
    if let Some(body) = mended.get_mut(5..) {
        mend(body);
    }
    any_chunking_gives_the_same_frames(Framing::EventStream, &mended);
});

/// Puts the right checksums in, which no fuzzer finds by itself.
fn mend(mut body: &mut [u8]) {
    while body.len() >= 16 {
        let prelude = crc32fast::hash(&body[..8]);
        body[8..12].copy_from_slice(&prelude.to_be_bytes());
        let total = u32::from_be_bytes([body[0], body[1], body[2], body[3]]) as usize;
        if total < 16 || total > body.len() {
            return;
        }
        let message = crc32fast::hash(&body[..total - 4]);
        body[total - 4..total].copy_from_slice(&message.to_be_bytes());
        body = &mut body[total..];
    }
}
