//! The pages, as `page/build.mjs` has bundled it: scripts and styles in gzip, which every browser takes.

mod files;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::routes::Routes;

/// Nothing but the page's own files is loaded, and text becomes markup through DOMPurify alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types dompurify";

/// What the names of files in gzip end with.
const PACKED: &str = ".gz";

/// A file of the page.
struct File {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal) => {
        File {
            name: $name,
            bytes: include_bytes!($name),
        }
    };
}
use file;

/// The same routes with those of the pages.
pub(crate) fn routes(mut router: Routes) -> Routes {
    for file in files::FILES {
        let path = match file.name {
            "index.html" => "/".to_owned(),
            "usage.html" => "/usage".to_owned(),
            name => format!("/{}", name.trim_end_matches(PACKED)),
        };
        let tag = tag(file);
        let answer = move |head: HeaderMap| async move { file.answer(&head, &tag) };
        router = router.route(&path, get(answer));
    }
    router
}

/// What tells this file from those of other versions.
fn tag(file: &File) -> String {
    let digest = Sha256::digest(file.bytes);
    let digest: String = digest
        .iter()
        .take(8)
        .map(|it| format!("{it:02x}"))
        .collect();
    format!("\"{digest}\"")
}

impl File {
    fn kind(&self) -> &'static str {
        let name = self.name.trim_end_matches(PACKED);
        match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// How long it may be kept: for ever where its name has its digest.
    fn kept(&self) -> &'static str {
        match self.name.contains('-') {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        }
    }

    fn answer(&self, head: &HeaderMap, tag: &str) -> Response {
        let says = |name: HeaderName| head.get(name).and_then(|it| it.to_str().ok());
        let common = [
            (header::ETAG, tag),
            (header::CACHE_CONTROL, self.kept()),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let known = says(header::IF_NONE_MATCH).unwrap_or_default();
        if known.split(',').any(|it| it.trim() == tag) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let kind = [(header::CONTENT_TYPE, self.kind())];
        if self.name.ends_with(PACKED) {
            let packed = [(header::CONTENT_ENCODING, "gzip")];
            return (common, kind, packed, self.bytes).into_response();
        }
        (common, kind, self.bytes).into_response()
    }
}
