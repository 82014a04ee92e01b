//! Pictures made smaller and converted, so that a provider takes them.

use super::refused;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use parlor_core::{Error, KindLimits, MediaFormat, Result, image_size};
use std::io::Cursor;

/// What a picture is to be made fit to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fit {
    /// The most pixels of the longer side.
    pub(super) side: Option<u32>,
    /// Whether the limits that it is loaded for count too.
    pub(super) to_limits: bool,
}

/// The most bytes of a picture while it is worked on: 4 bytes each for 64
/// million pixels.
const MEMORY: u64 = 256 << 20;

/// The longest side that is read at all.
const SIDE: u32 = 1 << 16;

/// How good a JPEG is, of 100.
const QUALITY: u8 = 85;

/// The shortest longer side that a picture is made smaller to for its bytes.
const LEAST_SIDE: u32 = 64;

impl Fit {
    /// The picture as it is sent: as it came, where it fits.
    pub(super) fn apply(
        self,
        bytes: Vec<u8>,
        format: MediaFormat,
        limits: &KindLimits,
        title: &str,
    ) -> Result<(Vec<u8>, MediaFormat)> {
        let limits = match self.to_limits {
            true => *limits,
            false => KindLimits::UNKNOWN,
        };
        let side = [self.side, limits.side].into_iter().flatten().min();
        let longer = image_size(&bytes).map(|(width, height)| width.max(height));
        let is_large = side.is_some_and(|most| longer.is_none_or(|it| it > most));
        let is_heavy = |bytes: &[u8]| {
            let most = limits.bytes.unwrap_or(u64::MAX);
            limits.weigh(bytes.len() as u64) > most
        };
        let is_foreign = limits.formats.is_some_and(|it| !it.contains(format));
        if !(is_large || is_foreign || is_heavy(&bytes)) {
            return Ok((bytes, format));
        }
        let Some(known) = known(format) else {
            return match self.side {
                // That it doesn't fit is said by whoever holds it to the limits.
                None => Ok((bytes, format)),
                Some(_) => {
                    let what = format!("is {}, which can't be made smaller", format.media_type());
                    Err(refused(title, &what).with_help("Convert it to JPEG or PNG."))
                }
            };
        };
        let picture = decoded(&bytes, known, title)?;
        let mut side = side.unwrap_or(u32::MAX);
        loop {
            let longer = picture.width().max(picture.height());
            let smaller = match longer > side {
                true => &picture.thumbnail(side, side),
                false => &picture,
            };
            let (made, format) = encoded(smaller, &limits, title)?;
            let longer = longer.min(side);
            if !is_heavy(&made) || longer <= LEAST_SIDE {
                return Ok((made, format));
            }
            side = longer / 4 * 3;
        }
    }
}

/// What can be decoded here.
fn known(format: MediaFormat) -> Option<ImageFormat> {
    Some(match format {
        MediaFormat::Png => ImageFormat::Png,
        MediaFormat::Jpeg => ImageFormat::Jpeg,
        MediaFormat::Gif => ImageFormat::Gif,
        MediaFormat::Webp => ImageFormat::WebP,
        MediaFormat::Bmp => ImageFormat::Bmp,
        _ => return None,
    })
}

/// The picture, the right way up; of an animated one the first frame.
fn decoded(bytes: &[u8], format: ImageFormat, title: &str) -> Result<DynamicImage> {
    let broken = |error: image::ImageError| {
        let what = format!("can't be read as a picture: {error}");
        refused(title, &what)
            .with_help("Check the file, or send it as it is.")
            .with_source(error)
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    if decoder.total_bytes() > MEMORY {
        let (width, height) = decoder.dimensions();
        let what = format!("has {width} x {height} pixels, too many to work on");
        return Err(refused(title, &what).with_help("Make it smaller by other means."));
    }
    // Wrong EXIF data turn nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// A PNG where something shows through or no JPEG is taken, else a JPEG.
fn encoded(
    picture: &DynamicImage,
    limits: &KindLimits,
    title: &str,
) -> Result<(Vec<u8>, MediaFormat)> {
    let takes = |format| limits.formats.is_none_or(|it| it.contains(format));
    let shows_through =
        picture.color().has_alpha() && picture.to_rgba8().pixels().any(|it| it.0[3] < u8::MAX);
    let mut bytes = Vec::new();
    let unwritten = |error: image::ImageError| -> Error {
        refused(title, &format!("can't be written: {error}")).with_source(error)
    };
    if (shows_through && takes(MediaFormat::Png)) || !takes(MediaFormat::Jpeg) {
        let written = picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
        written.map_err(unwritten)?;
        return Ok((bytes, MediaFormat::Png));
    }
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    let written = picture.to_rgb8().write_with_encoder(encoder);
    written.map_err(unwritten)?;
    Ok((bytes, MediaFormat::Jpeg))
}
