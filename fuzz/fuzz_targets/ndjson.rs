#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::any_chunking_gives_the_same_frames;
use parlor_http::framing::Framing;

fuzz_target!(|data: &[u8]| any_chunking_gives_the_same_frames(Framing::Ndjson, data));
