#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_core::{ModelInfo, Origin};
use parlor_dialect::gemini::Gemini;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target};
use parlor_fuzz::any_bytes_are_borne;
use parlor_http::framing::Framing;

fuzz_target!(|data: &[u8]| {
    let gemini = Gemini::default();
    any_bytes_are_borne(&gemini, Framing::Sse, data);
    // A request is read only where the path names a model.
    let (info, profile) = (ModelInfo::new("fuzz", "gemini-3-flash"), Profile::default());
    let origin = Origin::new("fuzz", gemini.name());
    let path = "/v1beta/models/m:generateContent";
    if let Ok(incoming) = gemini.read_request(path, data, &origin) {
        let _ = gemini.write_request(&incoming.request, &Target::new(&info, &profile));
    }
});
