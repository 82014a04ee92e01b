//! Attachments: told by their bytes, held to limits, refused with advice.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use parlor_agent::{Attachment, Attachments};
use parlor_core::*;
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// The media type that bytes are found to have; `text` for a text part.
fn found(bytes: &[u8]) -> Option<String> {
    match Attachment::bytes(bytes).load() {
        Ok(Part::Media(media)) => {
            let media_type = media.media_type.unwrap();
            assert_eq!(media.kind, MediaKind::of_media_type(&media_type));
            Some(media_type)
        }
        Ok(part) => part.as_text().map(|_| "text".to_owned()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Media);
            None
        }
    }
}

fn refused(limits: &MediaLimits, attachment: Attachment) -> Error {
    let error = attachment.load_for(limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Media);
    error
}

fn path(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[test]
fn bytes_tell_what_they_are() {
    let cases: &[(&[u8], &str)] = &[
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"GIF89a\x01\0", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1heic", "image/heif"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"),
        (b"BM\x3a\0\0\0\0\0\0\0\x36\0", "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2", "video/mp4"),
        (b"\0\0\0\x14ftypmp42\0\0\0\0mp42", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x14ftyp3gp4\0\0\0\0isom", "video/3gpp"),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A ", "audio/mp4"),
        (
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
            "video/webm",
        ),
        (
            b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska",
            "video/x-matroska",
        ),
        (b"RIFF\x24\0\0\0AVI LIST", "video/x-msvideo"),
        (b"FLV\x01\x05\0\0\0\x09", "video/x-flv"),
        (
            b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",
            "video/x-ms-wmv",
        ),
        (b"\0\0\x01\xba\x44", "video/mpeg"),
        (b"OggS\0\x02\0\0\0\0\x1e\x80theora", "video/ogg"),
        (b"OggS\0\x02\0\0\0\0\x1e\x01vorbis", "audio/ogg"),
        (b"OggS\0\x02\0\0\0\0\x13OpusHead", "audio/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04\0\0\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\0", "audio/mpeg"),
        (b"\xff\xf3\x40\xc4\0", "audio/mpeg"),
        (b"\xff\xf1\x50\x80\0", "audio/aac"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"FORM\0\0\0\0AIFFCOMM", "audio/aiff"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"Hello", "text"),
        ("BMW, RIFF und ID3: schön".as_bytes(), "text"),
        (b"RIFF isn't always sound", "text"),
        (b"\xef\xbb\xbfa;b\r\n1;2\r\n", "text"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(
            found(bytes).as_deref(),
            Some(*expected),
            "{}",
            bytes.escape_ascii()
        );
    }
    let unknown: &[&[u8]] = &[
        b"PK\x03\x04\x14\0\x06\0",
        b"\x1a\x45\xdf\xa3\x42\x82\x84what",
        b"\xff\xfe\xff\xff",
        b"\xff\xfeh\0i\0",
        b"MZ\x90\0",
        b"caf\xe9",
        b"",
    ];
    for bytes in unknown {
        assert_eq!(found(bytes), None, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_file_is_what_it_holds_and_not_what_it_is_called() {
    let limits = MediaLimits::UNKNOWN;
    let file = path("media-photo.jpg", PNG);
    let Part::Media(media) = Attachment::path(&file).load().unwrap() else {
        panic!("no media");
    };
    assert_eq!(media.media_type.as_deref(), Some("image/png"));
    assert_eq!(media.name.as_deref(), Some("media-photo.jpg"));
    assert_eq!(media.source, MediaSource::Bytes(PNG.into()));

    let notes = path("media-notes.md", "\u{feff}# Notes".as_bytes());
    let part = Attachment::path(&notes).load().unwrap();
    assert_eq!(
        part.as_text(),
        Some("<file name=\"media-notes.md\">\n# Notes\n</file>\n\n")
    );
    let part = Attachment::path(&notes)
        .with_media_type("text/markdown")
        .load();
    let Part::Media(media) = part.unwrap() else {
        panic!("no media");
    };
    assert_eq!(media.kind, MediaKind::Document);
    assert_eq!(media.media_type.as_deref(), Some("text/markdown"));

    // What the bytes tell can't be said otherwise, and what they don't can.
    let said = |bytes: &[u8]| Attachment::bytes(bytes).with_media_type("application/x-own");
    let Part::Media(media) = said(PNG).load().unwrap() else {
        panic!("no media");
    };
    assert_eq!(media.media_type.as_deref(), Some("image/png"));
    let Part::Media(media) = said(b"PK\x03\x04").load().unwrap() else {
        panic!("no media");
    };
    assert_eq!(media.media_type.as_deref(), Some("application/x-own"));
    let error = refused(&limits, Attachment::path(&file).with_kind(MediaKind::Video));
    assert!(
        error
            .message()
            .ends_with("is image/png and not what it is attached as")
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let limits = MediaLimits::UNKNOWN;
    let nowhere = refused(&limits, Attachment::path("nowhere/cat.png"));
    assert!(
        nowhere
            .message()
            .starts_with("nowhere/cat.png can't be read: there is no such file"),
        "{nowhere}"
    );
    let folder = refused(&limits, Attachment::path(env!("CARGO_TARGET_TMPDIR")));
    assert!(folder.message().ends_with("is a folder"), "{folder}");
    let empty = refused(&limits, Attachment::path(path("media-empty.png", b"")));
    assert!(
        empty.message().ends_with("media-empty.png is empty"),
        "{empty}"
    );
    #[cfg(unix)]
    refused(&limits, Attachment::path("/dev/zero"));
    let file = || Attachment::path(path("media-size.png", PNG));
    let most = PNG.len() as u64;
    assert!(file().with_max_bytes(most).load().is_ok());
    refused(&limits, file().with_max_bytes(most - 1));
}

#[test]
fn formats_that_are_not_taken_are_refused_with_advice() {
    let web = MediaLimits::UNKNOWN.image(KindLimits::UNKNOWN.formats(MediaFormats::WEB));
    let heic = || Attachment::bytes(&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..]);
    let error = refused(&web, heic().with_name("IMG_1.HEIC"));
    assert!(
        error
            .message()
            .starts_with("IMG_1.HEIC is image/heic, and only image/png"),
        "{error}"
    );
    assert!(
        error.help().starts_with("Convert it to image/jpeg"),
        "{}",
        error.help()
    );
    assert!(heic().load().is_ok(), "of a model nothing is known");
    let limits = json!({"image": {"formats": ["image/heic"]}});
    let limits: MediaLimits = serde_json::from_value(limits).unwrap();
    assert!(heic().load_for(&limits).is_ok());
    refused(&limits, Attachment::bytes(PNG));
    // An address's ending is believed here.
    refused(&web, Attachment::url("https://a.b/c.heic?d=e"));
}

#[test]
fn sizes_and_numbers_are_bounded() {
    let sized = |bytes: usize| Attachment::bytes([PNG, &vec![0; bytes - PNG.len()]].concat());
    let mut limits = MediaLimits::UNKNOWN;
    limits.image.bytes = Some(400);
    assert!(sized(400).load_for(&limits).is_ok());
    assert!(refused(&limits, sized(401)).message().contains("401 bytes"));
    limits.image.encoded = true;
    assert!(sized(300).load_for(&limits).is_ok());
    let error = refused(&limits, sized(301));
    assert!(error.message().contains("404 bytes in base64"), "{error}");
    let text = Attachment::bytes(vec![b'x'; 1000]);
    assert!(text.load_for(&limits).is_ok(), "of another kind");

    let attach = |limits: &MediaLimits, count| {
        let all: Attachments = (0..count).map(|_| sized(300)).collect();
        all.attach(Message::user("See:"), limits)
    };
    limits.image.count = Some(2);
    assert_eq!(attach(&limits, 2).unwrap().parts.len(), 3);
    let error = attach(&limits, 3).unwrap_err();
    assert!(
        error
            .message()
            .contains("has 3 images, and at most 2 are taken"),
        "{error}"
    );
    limits.total_bytes = Some(799);
    assert!(attach(&limits, 1).is_ok());
    assert_eq!(attach(&limits, 2).unwrap_err().kind(), ErrorKind::Media);
    let files = Attachments::paths([path("media-a.png", PNG), path("media-b.txt", b"B")]);
    let message = files.attach(Message::user("See:"), &MediaLimits::UNKNOWN);
    assert_eq!(message.unwrap().parts.len(), 3);
}

/// Has one thing at every address.
#[derive(Debug)]
struct Shelf(&'static [u8], &'static str);

#[async_trait]
impl MediaFetcher for Shelf {
    async fn fetch(&self, _: &str) -> Result<FetchedMedia> {
        Ok(FetchedMedia::new(self.0, Some(self.1.to_owned())))
    }
}

#[tokio::test]
async fn addresses_are_fetched_where_asked() {
    let load = async |attachment: Attachment, shelf: Shelf| {
        let part = attachment.fetched(&shelf).await?.load()?;
        match part {
            Part::Media(media) => Ok(media),
            other => panic!("{other:?}"),
        }
    };
    let media = load(
        Attachment::url("https://a.b/c/cat?size=1"),
        Shelf(PNG, "text/html"),
    );
    let media = media.await.unwrap();
    assert_eq!(media.source, MediaSource::Bytes(PNG.into()));
    assert_eq!(media.media_type.as_deref(), Some("image/png"));
    assert_eq!(media.name.as_deref(), Some("cat"));
    let page = Shelf(b"<!doctype html><p>Log in", "text/html");
    let wanted = Attachment::url("https://a.b/c.png").with_kind(MediaKind::Image);
    let error: Error = load(wanted, page).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Media);
    assert!(error.message().contains("is text/html and not"), "{error}");
    let part = Attachment::path(path("media-stays.txt", b"stays"));
    let part = part.fetched(&Shelf(PNG, "")).await.unwrap().load().unwrap();
    assert!(part.as_text().unwrap().contains("stays"));
    let sound = Shelf(b"\0\0\0\x18ftypisom\0\0\x02\0", "audio/mp4");
    let wanted = Attachment::url("https://a.b/c").with_kind(MediaKind::Audio);
    let media = load(wanted, sound).await.unwrap();
    assert_eq!(media.media_type.as_deref(), Some("audio/mp4"));
}

#[test]
fn what_a_person_names_is_a_file_or_an_address() {
    let file = path("media-named.png", PNG);
    let file = file.to_str().unwrap();
    for named in [
        file.to_owned(),
        format!("file:{file}"),
        format!("file://{file}"),
    ] {
        let part = Attachment::of(&named).load().unwrap();
        assert!(
            matches!(part, Part::Media(it) if it.kind == MediaKind::Image),
            "{named}"
        );
    }
    for (named, kind) in [
        ("https://a.b/c.mp4", MediaKind::Video),
        ("HTTP://a.b/c.pdf", MediaKind::Document),
        ("data:audio/wav;base64,UklGRg==", MediaKind::Audio),
    ] {
        let part = Attachment::of(named).load().unwrap();
        assert!(
            matches!(part, Part::Media(it) if it.kind == kind),
            "{named}"
        );
    }
}

#[test]
fn addresses_are_passed_on() {
    let load = |attachment: Attachment| match attachment.load().unwrap() {
        Part::Media(media) => media,
        other => panic!("{other:?}"),
    };
    let media = load(Attachment::url("https://a.b/c/cat.PNG?size=1#top").with_detail("low"));
    assert_eq!(
        media.source,
        MediaSource::Url("https://a.b/c/cat.PNG?size=1#top".into())
    );
    assert_eq!(
        (media.kind, media.media_type.as_deref()),
        (MediaKind::Image, Some("image/png"))
    );
    assert_eq!(media.detail.as_deref(), Some("low"));
    let media = load(Attachment::url("gs://a/b").with_kind(MediaKind::Video));
    assert_eq!((media.kind, media.media_type), (MediaKind::Video, None));
    let media = load(Attachment::url("https://a.b/c.ogg").with_kind(MediaKind::Video));
    assert_eq!((media.kind, media.media_type), (MediaKind::Video, None));
    let limits = MediaLimits::UNKNOWN;
    let error = refused(&limits, Attachment::url("https://a.b/c?key=secret"));
    assert!(error.help().contains("with_kind"));
    assert!(!error.to_string().contains("secret"));
    for path in ["cat.png", "C:\\cat.png", "/home/cat.png", "https:"] {
        let error = refused(&limits, Attachment::url(path));
        assert!(error.help().contains("Attachment::path"), "{path}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(
        start in proptest::sample::select(vec![
            &b""[..], b"RIFF", b"\0\0\0\x18ftyp", b"\xff\xff\xff\xffftypmif1", b"\x1a\x45\xdf\xa3",
            b"OggS", b"FORM", b"BM", b"\xff", b"ID3", b"%PDF-",
        ]),
        rest: Vec<u8>,
    ) {
        let bytes = [start, &rest].concat();
        found(&bytes);
        for cut in 0..bytes.len().min(24) {
            found(&bytes[..cut]);
        }
    }

    #[test]
    fn text_stays_text(text in "[ -~\\n\\täöü中文🦀]{1,40}") {
        // Words that begin as a format does are rare enough to be left out here.
        prop_assume!(!text.starts_with("%PDF-") && !text.starts_with("GIF8"));
        let part = Attachment::bytes(text.as_bytes()).load().unwrap();
        prop_assert_eq!(part.as_text(), Some(&*text));
    }
}
