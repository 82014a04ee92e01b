#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_fuzz::any_bytes_are_borne;
use parlor_http::framing::Framing;

fuzz_target!(
    |data: &[u8]| any_bytes_are_borne(&AnthropicMessages::default(), Framing::Sse, data)
);
