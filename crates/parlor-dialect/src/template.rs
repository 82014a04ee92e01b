//! Reads a frame that differs from the one before it in a text only.
//!
//! A streamed answer is mostly one frame over and over with another text in
//! it. The first of these is read as JSON. Of those that follow only what
//! differs is read; the rest is the same, byte by byte, so it means the same.
//!
//! Some hosts write the fields of each frame in an order of its own. There the
//! fields are the same, each byte by byte.

mod fields;

use crate::dialect::Frame;
use crate::json;
use crate::scan::{MAX_DEPTH, offset, skip_number, skip_text, skip_value};
use compact_str::CompactString;
use fields::Fields;
use std::ops::Range;

/// The longest frame that is remembered, in bytes. Some hosts repeat all their
/// sources in every frame.
const MAX_FRAME: usize = 16 * 1024;

/// How many frames in turn are remembered in vain before only one of so many is.
const ENOUGH: u32 = 16;

/// The most room for a frame that is made when the stream begins: for one as
/// long as the first, and a little more.
const USUAL_FRAME: usize = 384;
const GROWTH: usize = 32;

/// What a frame says that says a single text, all of it borrowed from there.
///
/// A dialect may call a frame so only if the same frame with another text, and
/// its fields in any order, would tell that text at the same place and change
/// nothing else.
#[derive(Debug)]
pub(crate) struct Single<'a, P> {
    /// Where the text belongs.
    pub(crate) place: P,
    /// The text.
    pub(crate) text: &'a str,
    /// Texts and whole numbers that nobody reads and that may be others, such
    /// as padding, a time or a count of events; empty where there is none.
    pub(crate) idle: [&'a str; 2],
    /// The JSON of an object that may be another, such as usage; empty where
    /// there is none.
    pub(crate) object: &'a str,
}

impl<'a, P> Single<'a, P> {
    /// A frame in which nothing but the text may be another.
    pub(crate) fn new(place: P, text: &'a str) -> Self {
        Self {
            place,
            text,
            idle: [""; 2],
            object: "",
        }
    }
}

/// The last frame that said a single text.
#[derive(Debug)]
pub(crate) struct Template<P> {
    place: Option<P>,
    event: Option<CompactString>,
    /// Up to the end of the object: see [`split_end`].
    frame: Vec<u8>,
    /// In the order in which they stand in the frame.
    gaps: [Option<Gap>; 4],
    /// How many frames were to be remembered since one was like the last.
    misses: u32,
    /// The frame's fields, once frames turned out to be unlike as wholes.
    fields: Fields,
}

/// What in a frame may be another.
#[derive(Debug, Clone, Copy)]
struct Gap {
    kind: Kind,
    /// A frame that is remembered is short: see [`MAX_FRAME`].
    start: u16,
    end: u16,
}

impl Gap {
    fn range(self) -> Range<usize> {
        self.start.into()..self.end.into()
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    IdleText,
    IdleNumber,
    Object,
}

/// What was found in the gaps.
#[derive(Default)]
struct Filled<'a> {
    /// The data from the text on.
    data: &'a [u8],
    /// How long the text is there.
    length: usize,
    /// Whether the text stands there as it is.
    is_plain: bool,
    object: &'a str,
}

impl<'a> Filled<'a> {
    /// The text, which is never empty.
    fn text(&self, scratch: &'a mut String) -> Option<&'a str> {
        let text = match self.is_plain {
            true => std::str::from_utf8(self.data.get(..self.length)?).ok()?,
            false => json::string(self.data, scratch)?.0,
        };
        (!text.is_empty()).then_some(text)
    }
}

impl<P> Default for Template<P> {
    fn default() -> Self {
        Self {
            place: None,
            event: None,
            frame: Vec::new(),
            gaps: [None; 4],
            misses: 0,
            fields: Fields::default(),
        }
    }
}

impl<P: Copy> Template<P> {
    /// One with room for a frame of this length, for a dialect whose first frame is
    /// unlike the others.
    pub(crate) fn with_room(length: usize) -> Self {
        Self {
            frame: Vec::with_capacity(length),
            ..Self::default()
        }
    }

    /// Reads a frame that is like the last one; the text is never empty.
    ///
    /// Any other frame is to be read as JSON and the template is forgotten,
    /// since that frame may change what the next one means. `scratch` takes a
    /// text that has escapes.
    pub(crate) fn fill<'a>(
        &mut self,
        frame: &Frame<'a>,
        scratch: &'a mut String,
    ) -> Option<Single<'a, P>> {
        let Some(place) = self.place.take() else {
            if self.frame.capacity() == 0 {
                let room = frame.data.len().saturating_add(GROWTH);
                self.frame.reserve_exact(room.min(USUAL_FRAME));
            }
            return None;
        };
        if frame.event != self.event.as_deref() || frame.exception.is_some() {
            return None;
        }
        let data = split_end(frame.data)?;
        let filled = match self.filled(data) {
            Some(filled) => {
                self.misses = 0;
                filled
            }
            None => self.filled_by_field(data)?,
        };
        let mut single = Single::new(place, filled.text(scratch)?);
        single.object = filled.object;
        self.place = Some(place);
        Some(single)
    }

    /// What stands in the gaps, where all else is the same.
    fn filled<'a>(&self, data: &'a [u8]) -> Option<Filled<'a>> {
        let mut filled = Filled::default();
        let rest = self.fill_piece(0..self.frame.len(), data, &mut filled)?;
        rest.is_empty().then_some(filled)
    }

    /// The same, where the fields stand in another order.
    fn filled_by_field<'a>(&mut self, data: &'a [u8]) -> Option<Filled<'a>> {
        if self.misses > 1 {
            self.fields.split(&self.frame);
        }
        let mut filled = Filled::default();
        self.fields.each(&self.frame, data, |field, rest| {
            self.fill_piece(field, rest, &mut filled)
        })?;
        Some(filled)
    }

    /// Reads what is like a piece of the frame and gives what follows.
    fn fill_piece<'a>(
        &self,
        piece: Range<usize>,
        mut rest: &'a [u8],
        filled: &mut Filled<'a>,
    ) -> Option<&'a [u8]> {
        let mut known = piece.start;
        for gap in self.gaps.iter().flatten() {
            let Range { start, end } = gap.range();
            if start < piece.start || start >= piece.end {
                continue;
            }
            rest = after(rest, self.frame.get(known..start)?)?;
            known = end;
            match gap.kind {
                Kind::Text => {
                    filled.data = rest;
                    (filled.length, filled.is_plain) = json::pass_string(rest)?;
                    rest = rest.get(filled.length..)?;
                }
                Kind::IdleText => rest = skip_text(rest)?,
                Kind::IdleNumber => rest = skip_number(rest)?,
                Kind::Object => {
                    let last = self.frame.get(start..end)?;
                    (filled.object, rest) = object(rest, last)?;
                }
            }
        }
        after(rest, self.frame.get(known..piece.end)?)
    }

    /// Remembers a frame that was read; where no frame is like the one before
    /// it, seldom, since that takes time and saves none.
    pub(crate) fn learn(&mut self, frame: &Frame<'_>, single: &Single<'_, P>) {
        self.place = None;
        self.fields.forget();
        self.misses = self.misses.wrapping_add(1);
        if self.misses > ENOUGH && !self.misses.is_multiple_of(ENOUGH) {
            return;
        }
        let Some(data) = split_end(frame.data).filter(|it| it.len() <= MAX_FRAME) else {
            return;
        };
        self.gaps = [
            gap(data, single.text, Some(Kind::Text)),
            gap(data, single.idle[0], None),
            gap(data, single.idle[1], None),
            gap(data, single.object, Some(Kind::Object)),
        ];
        // A text that was repaired doesn't stand in the frame.
        if self.gaps[0].is_none() || frame.exception.is_some() {
            return;
        }
        let place = |gap: &Option<Gap>| gap.map_or(u16::MAX, |it| it.start);
        self.gaps.sort_unstable_by_key(place);
        if frame.event != self.event.as_deref() {
            self.event = frame.event.map(CompactString::from);
        }
        self.frame.clear();
        self.frame.extend_from_slice(data);
        self.place = Some(single.place);
    }
}

/// A frame without the brace that ends its object and the blanks before it,
/// with which some hosts pad.
fn split_end(data: &[u8]) -> Option<&[u8]> {
    let mut rest = data.strip_suffix(b"}")?;
    while let Some(shorter) = rest.strip_suffix(b" ") {
        rest = shorter;
    }
    Some(rest)
}

/// The gap where a text stands that is borrowed from the data; `None` if it is
/// empty, isn't from there or isn't what its kind wants.
fn gap(data: &[u8], text: &str, kind: Option<Kind>) -> Option<Gap> {
    let start = offset(data, text)?;
    let end = start.checked_add(text.len())?;
    let byte = |at: usize| data.get(at).copied();
    let is_quoted = byte(start.checked_sub(1)?)? == b'"' && byte(end) == Some(b'"');
    let is_number = || skip_number(text.as_bytes()).is_some_and(<[u8]>::is_empty);
    let kind = match kind {
        Some(Kind::Object) => Kind::Object,
        Some(kind) if is_quoted => kind,
        None if is_quoted => Kind::IdleText,
        None if is_number() => Kind::IdleNumber,
        _ => return None,
    };
    Some(Gap {
        kind,
        start: start.try_into().ok()?,
        end: end.try_into().ok()?,
    })
}

/// What follows these bytes, if they are the first. They are compared sixteen at a time, since
/// musl's own comparison takes them one by one.
fn after<'a>(data: &'a [u8], first: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = data.split_at_checked(first.len())?;
    let (many, few) = head.as_chunks::<16>();
    let (theirs, last) = first.as_chunks::<16>();
    let is_same = |(one, other): (&[u8; 16], &[u8; 16])| {
        u128::from_ne_bytes(*one) == u128::from_ne_bytes(*other)
    };
    let is_same = many.iter().zip(theirs).all(is_same) && few.iter().eq(last);
    is_same.then_some(rest)
}

/// A JSON object, most likely the same as the last one, and what follows it;
/// `None` unless it is plain: see [`skip_value`].
fn object<'a>(data: &'a [u8], last: &[u8]) -> Option<(&'a str, &'a [u8])> {
    let rest = match after(data, last) {
        Some(rest) => rest,
        None if data.first() == Some(&b'{') => skip_value(data, MAX_DEPTH)?,
        None => return None,
    };
    let object = data.get(..data.len().checked_sub(rest.len())?)?;
    Some((std::str::from_utf8(object).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns the frame, whose text, padding and object stand for themselves,
    /// and reads another one.
    fn fill(learnt: &str, then: &str) -> Option<(String, String)> {
        let at = |text: &str| {
            learnt
                .find(text)
                .map_or("", |at| &learnt[at..at + text.len()])
        };
        let mut single = Single::new((), at("TEXT"));
        single.idle = [at("PAD"), at("77")];
        single.object = at(r#"{"n":1}"#);
        let mut template = Template::default();
        template.learn(&Frame::data(learnt.as_bytes()), &single);
        let mut scratch = String::new();
        let filled = template.fill(&Frame::data(then.as_bytes()), &mut scratch)?;
        Some((filled.text.to_owned(), filled.object.to_owned()))
    }

    const FRAME: &str = r#"{"n":77,"usage":{"n":1},"text":"TEXT","p":"PAD"}"#;

    #[test]
    fn what_may_differ_is_read() {
        let said = |text: &str, object: &str| Some((text.to_owned(), object.to_owned()));
        for (then, text, object) in [
            (FRAME, "TEXT", r#"{"n":1}"#),
            (
                r#"{"n":0,"usage":{"n":1},"text":"\u00e9\n ü","p":"abc def"   }"#,
                "é\n ü",
                r#"{"n":1}"#,
            ),
            (
                r#"{"n":77,"usage":{"n":12,"m":["}"]},"text":"a","p":"PAD"}"#,
                "a",
                r#"{"n":12,"m":["}"]}"#,
            ),
        ] {
            assert_eq!(fill(FRAME, then), said(text, object), "{then}");
        }
    }

    #[test]
    fn anything_else_is_no_match() {
        for then in [
            "",
            r#"{"n":77,"usage":{"n":1},"text":"","p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":1},"text":"a","p":"PAD"} "#,
            r#"{"n":77,"usage":{"n":1},"text":"a","p":"PAD""#,
            r#"{"n":77,"usage":{"n":1},"text":"a","p":"\u0050"}"#,
            r#"{"n":07,"usage":{"n":1},"text":"a","p":"PAD"}"#,
            r#"{"n":-7,"usage":{"n":1},"text":"a","p":"PAD"}"#,
            r#"{"n":7.5,"usage":{"n":1},"text":"a","p":"PAD"}"#,
            r#"{"n":7000000000000000000,"usage":{"n":1},"text":"a","p":"PAD"}"#,
            r#"{"n":,"usage":{"n":1},"text":"a","p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":1},"text":"a","p":"é"}"#,
            "{\"n\":77,\"usage\":{\"n\":1},\"text\":\"a\",\"p\":\"PAD\"\x0c}",
            r#"{"n":77,"usage":null,"text":"a","p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":},"text":"a","p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":1},"text":null,"p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":1},"text":"\ud83d","p":"PAD"}"#,
            r#"{"n":77,"usage":{"n":1},"text":"a","q":"PAD"}"#,
        ] {
            assert_eq!(fill(FRAME, then), None, "{then}");
        }
    }

    #[test]
    fn a_frame_that_differs_is_forgotten() {
        let mut template = Template::default();
        let mut scratch = String::new();
        let frame = Frame::data(br#"{"text":"a"}"#);
        let text = std::str::from_utf8(&frame.data[9..10]).unwrap();
        template.learn(&frame, &Single::new(7, text));
        assert_eq!(template.fill(&frame, &mut scratch).unwrap().place, 7);
        let (mut named, mut failed) = (frame, frame);
        named.event = Some("error");
        failed.exception = Some("error");
        for other in [named, failed] {
            assert!(template.fill(&other, &mut scratch).is_none());
            assert!(template.fill(&frame, &mut scratch).is_none());
            template.learn(&frame, &Single::new(7, text));
        }
        template.learn(&failed, &Single::new(7, text));
        assert!(template.fill(&frame, &mut scratch).is_none());
    }

    /// The texts that are read by a template once two frames were learnt, whose
    /// fields stand in another order.
    fn fill_turned(frames: &[&str]) -> Vec<Option<String>> {
        let mut template = Template::default();
        for frame in [r#"{"text":"a","n":{"b":["}",1]}}"#, frames[0]] {
            let at = frame.find("\"a\"").unwrap() + 1;
            assert!(
                template
                    .fill(&Frame::data(frame.as_bytes()), &mut String::new())
                    .is_none()
            );
            let single = Single::new((), &frame[at..at + 1]);
            template.learn(&Frame::data(frame.as_bytes()), &single);
        }
        let mut texts = Vec::new();
        for frame in &frames[1..] {
            let mut scratch = String::new();
            let filled = template.fill(&Frame::data(frame.as_bytes()), &mut scratch);
            texts.push(filled.map(|it| it.text.to_owned()));
        }
        texts
    }

    #[test]
    fn fields_in_another_order_are_the_same() {
        let learnt = r#"{"i":1, "n":{"b":["}",1]}, "text":"a","m":"é\""  }"#;
        for (then, text) in [
            (
                r#"{"text":"b","i":1,"n":{"b":["}",1]},"m":"é\""}"#,
                Some("b"),
            ),
            (
                r#"{"m":"é\"","n":{"b":["}",1]}, "text":"\u00e9 c","i":1  }"#,
                Some("é c"),
            ),
            (r#"{"text":"b","i":1,"n":{"b":["}",1]}}"#, None),
            (r#"{"text":"b","i":12,"n":{"b":["}",1]},"m":"é\""}"#, None),
            (
                r#"{"text":"b","i":1,"n":{"b":["}",1]},"m":"é\"","m":"é\""}"#,
                None,
            ),
            (r#"{"text":"b","i":1,"n":{"b":["}",1]},"m":"é\"",}"#, None),
            (
                r#"{"text":"b","text":"b","n":{"b":["}",1]},"m":"é\""}"#,
                None,
            ),
            (r#"{"text":"b","i":1,"n":{"b":["}",1]} "m":"é\""}"#, None),
            (r#" {"text":"b","i":1,"n":{"b":["}",1]},"m":"é\""}"#, None),
            (r#"{"text":"","i":1,"n":{"b":["}",1]},"m":"é\""}"#, None),
            (r#"{"text":"b\"","i":1,"n":{"b":["}",2]},"m":"é\""}"#, None),
            (r#"{"text":"b","i":1,"n":{"b":["}",1]},"M":"é\""}"#, None),
        ] {
            let found = fill_turned(&[learnt, then, then]);
            let wanted = text.map(str::to_owned);
            assert_eq!(found, [wanted.clone(), wanted], "{then}");
        }
    }

    #[test]
    fn fields_that_may_be_one_stay_in_their_order() {
        for (learnt, then) in [
            (
                r#"{"u_v":1,"uV":2,"text":"a"}"#,
                r#"{"uV":2,"u_v":1,"text":"a"}"#,
            ),
            (r#"{"u":1,"u":2,"text":"a"}"#, r#"{"u":2,"u":1,"text":"a"}"#),
            (
                r#"{"\u0075":1,"u":2,"text":"a"}"#,
                r#"{"u":2,"\u0075":1,"text":"a"}"#,
            ),
        ] {
            assert_eq!(fill_turned(&[learnt, then]), [None], "{then}");
        }
    }

    #[test]
    fn frames_that_are_never_alike_are_seldom_learnt() {
        let frame = Frame::data(br#"{"text":"a"}"#);
        let other = Frame::data(br#"{"said":"a"}"#);
        let single = || Single::new((), std::str::from_utf8(&frame.data[9..10]).unwrap());
        let mut template = Template::default();
        let mut scratch = String::new();
        for _ in 0..ENOUGH {
            template.learn(&frame, &single());
            assert!(template.place.is_some());
            assert!(template.fill(&other, &mut scratch).is_none());
        }
        for _ in 1..ENOUGH {
            template.learn(&frame, &single());
            assert!(template.fill(&frame, &mut scratch).is_none());
        }
        // Once it fits again it is as it was in the beginning.
        template.learn(&frame, &single());
        for _ in 0..ENOUGH {
            assert!(template.fill(&frame, &mut scratch).is_some());
            assert!(template.fill(&other, &mut scratch).is_none());
            template.learn(&frame, &single());
        }
    }

    #[test]
    fn only_what_stands_in_the_frame_is_learnt() {
        let mut template = Template::default();
        let frame = Frame::data(br#"{"text":"a"}"#);
        let (key, cut) = (&frame.data[2..5], &frame.data[10..11]);
        for text in ["a".as_bytes().to_vec().as_slice(), key, cut] {
            template.learn(&frame, &Single::new((), std::str::from_utf8(text).unwrap()));
            assert!(template.fill(&frame, &mut String::new()).is_none());
        }
        let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(MAX_FRAME));
        let frame = Frame::data(long.as_bytes());
        template.learn(&frame, &Single::new((), &long[9..10]));
        assert!(template.fill(&frame, &mut String::new()).is_none());
    }
}
