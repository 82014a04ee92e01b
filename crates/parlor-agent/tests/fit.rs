//! Pictures made to fit: smaller, the right way up, in another format, within memory.
#![cfg(feature = "image")]
#![allow(clippy::unwrap_used)]

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use parlor_agent::{Attachment, Attachments};
use parlor_core::{
    ErrorKind, KindLimits, Media, MediaFormat, MediaFormats, MediaLimits, MediaSource, Message,
    Part, image_size,
};
use std::io::Cursor;

/// Red above, blue below, see-through by so much.
fn picture(width: u32, height: u32, alpha: u8) -> DynamicImage {
    let pixels = RgbaImage::from_fn(width, height, |_, y| match y < height / 2 {
        true => Rgba([255, 0, 0, alpha]),
        false => Rgba([0, 0, 255, alpha]),
    });
    pixels.into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = match format {
        ImageFormat::Jpeg | ImageFormat::Bmp => &DynamicImage::from(picture.to_rgb8()),
        _ => picture,
    };
    picture
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

fn media(part: Part) -> (String, Vec<u8>) {
    let Part::Media(Media {
        source: MediaSource::Bytes(bytes),
        media_type,
        ..
    }) = part
    else {
        panic!("no bytes");
    };
    (media_type.unwrap(), bytes.to_vec())
}

fn load(attachment: Attachment) -> (String, Vec<u8>) {
    media(attachment.load().unwrap())
}

#[test]
fn large_pictures_are_made_smaller_and_others_left() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
    ] {
        let bytes = written(&picture(400, 200, 255), format);
        assert_eq!(image_size(&bytes), Some((400, 200)), "{format:?}");
        let (media_type, smaller) = load(Attachment::bytes(bytes.clone()).with_max_side(100));
        assert_eq!(media_type, "image/jpeg", "{format:?}");
        assert_eq!(image_size(&smaller), Some((100, 50)), "{format:?}");
        let (_, same) = load(Attachment::bytes(bytes.clone()).with_max_side(400));
        assert_eq!(same, bytes, "{format:?}");
    }
    let clear = written(&picture(400, 200, 100), ImageFormat::Png);
    let (media_type, smaller) = load(Attachment::bytes(clear).with_max_side(100));
    assert_eq!(media_type, "image/png");
    assert_eq!(image_size(&smaller), Some((100, 50)));
    let text = Attachment::bytes("a text")
        .with_max_side(10)
        .load()
        .unwrap();
    assert_eq!(text.as_text(), Some("a text"));
}

#[test]
fn they_are_turned_as_the_camera_said() {
    let upright = written(&picture(80, 40, 255), ImageFormat::Jpeg);
    // EXIF with the one field of orientation: a quarter turn clockwise.
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let turned = [&upright[..2], b"\xff\xe1", &length, exif, &upright[2..]].concat();
    let (_, smaller) = load(Attachment::bytes(turned).with_max_side(40));
    assert_eq!(image_size(&smaller), Some((20, 40)));
    assert!(!smaller.windows(4).any(|it| it == b"Exif"));
    let seen = image::load_from_memory(&smaller).unwrap().to_rgb8();
    let (left, right) = (seen.get_pixel(2, 20), seen.get_pixel(17, 20));
    assert!(left.0[2] > 200 && right.0[0] > 200, "{left:?} {right:?}");
}

#[test]
fn they_are_fitted_to_what_is_taken() {
    let limits = |kind| MediaLimits::UNKNOWN.image(kind);
    let web = limits(KindLimits::UNKNOWN.formats(MediaFormats::WEB).side(300));
    let bmp = Attachment::bytes(written(&picture(400, 200, 255), ImageFormat::Bmp));
    assert_eq!(
        bmp.clone().load_for(&web).unwrap_err().kind(),
        ErrorKind::Media
    );
    let (media_type, bytes) = media(bmp.clone().fitted().load_for(&web).unwrap());
    assert_eq!(
        (&*media_type, image_size(&bytes)),
        ("image/jpeg", Some((300, 150)))
    );
    let png = limits(KindLimits::UNKNOWN.formats(MediaFormats::of(&[MediaFormat::Png])));
    let (media_type, _) = media(bmp.clone().fitted().load_for(&png).unwrap());
    assert_eq!(media_type, "image/png");
    let small = limits(KindLimits::UNKNOWN.bytes(2_000));
    let (_, bytes) = media(bmp.fitted().load_for(&small).unwrap());
    assert!(bytes.len() <= 2_000, "{}", bytes.len());
    // What can't be decoded here is refused with advice, as without.
    let heic = Attachment::bytes(&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..]).fitted();
    let error = heic.load_for(&web).unwrap_err();
    assert!(
        error.help().starts_with("Convert it to image/jpeg"),
        "{}",
        error.help()
    );

    let crowd = limits(KindLimits::UNKNOWN.side(300).crowd(2, 100));
    let many = |count: usize| -> Attachments {
        let bytes = written(&picture(400, 200, 255), ImageFormat::Png);
        (0..count)
            .map(|_| Attachment::bytes(bytes.clone()))
            .collect()
    };
    for (count, side) in [(2, 300), (3, 100)] {
        let message = many(count)
            .fitted()
            .attach(Message::user(""), &crowd)
            .unwrap();
        let (_, bytes) = media(message.parts.into_iter().next_back().unwrap());
        assert_eq!(image_size(&bytes).unwrap().0, side);
        assert!(many(count).attach(Message::user(""), &crowd).is_err());
    }
}

#[test]
fn bombs_and_ruins_are_refused() {
    let small = |bytes: Vec<u8>| {
        let error = Attachment::bytes(bytes)
            .with_max_side(10)
            .load()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Media);
        assert!(!error.help().is_empty());
    };
    let whole = written(&picture(40, 20, 255), ImageFormat::Png);
    // A head that promises four thousand million pixels.
    let mut bomb = whole.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    small(bomb);
    small(whole[..whole.len() / 2].to_vec());
    small(b"\x89PNG\r\n\x1a\n and nothing more".to_vec());
    small(b"II*\0\x08\0\0\0".to_vec());
    let gif = [&b"GIF89a\xff\xff\xff\xff\x80\0\0"[..], &[0; 100]].concat();
    small(gif);
}
