//! Takes thoughts between `<think>` and `</think>`, and marks of boxes, out of a streamed text.

use crate::profile::Profile;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What some families put around the essence of an answer.
const BOX: [&str; 2] = ["<|begin_of_box|>", "<|end_of_box|>"];

/// The most white space that is held back while it may stand before a tag.
const MAX_LEADING: usize = 256;

/// Splits a streamed text into thoughts and answer.
///
/// Models without a reasoning channel write their thoughts into the text,
/// between `<think>` and `</think>`. Only a tag at the very start of the text
/// counts (white space may stand before it), since an answer may speak of the
/// tag; and only the first closing tag ends the thoughts. White space after
/// either tag is dropped. A tag may be cut anywhere between deltas: what may
/// yet become one is held back until it is known, at most a few bytes.
///
/// Some families also put marks around the essence of an answer,
/// `<|begin_of_box|>` and `<|end_of_box|>`; they are dropped wherever they
/// stand in it, by the splitter [of](Self::of) such a family's profile.
#[derive(Debug, Clone, Default)]
pub struct ThinkSplitter {
    state: State,
    /// Whether marks of boxes are taken out of the answer.
    boxes: bool,
    /// What may yet become a tag, with the white space before it.
    held: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space and the beginning of a tag has come.
    #[default]
    Start,
    /// Inside the thoughts; nothing but white space has come of them.
    ThoughtsBegin,
    /// Inside the thoughts.
    Thoughts,
    /// After the thoughts; nothing but white space has come of the answer.
    AnswerBegins,
    /// In the answer: everything passes.
    Answer,
}

/// A piece of a split text; never empty. A text is split into these two, so
/// there will be no third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkPiece<'a> {
    /// More of the thoughts.
    Thought(&'a str),
    /// More of the answer.
    Answer(&'a str),
}

impl ThinkSplitter {
    /// A splitter at the start of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// The splitter that a family's texts want, if they want one.
    pub fn of(profile: &Profile) -> Option<Self> {
        let splitter = Self {
            // Without thoughts in the text all of it is the answer.
            state: match profile.think_tags {
                true => State::Start,
                false => State::Answer,
            },
            boxes: profile.box_marks,
            ..Self::default()
        };
        (profile.think_tags || profile.box_marks).then_some(splitter)
    }

    /// Takes more of the text and gives what is certain to `each`, in order.
    /// In the answer it passes text on without copying, but for the beginning of
    /// a mark.
    ///
    /// # Errors
    /// The first error of `each`; the rest of the text is then lost.
    pub fn push<E>(
        &mut self,
        text: &str,
        mut each: impl FnMut(ThinkPiece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.held.is_empty() {
            let rest = self.step(text, &mut each)?;
            self.held.push_str(rest);
            return Ok(());
        }
        let mut joined = std::mem::take(&mut self.held);
        joined.push_str(text);
        let kept = self.step(&joined, &mut each)?.len();
        joined.drain(..joined.len() - kept);
        self.held = joined;
        Ok(())
    }

    /// Takes note that the text ended: what was held back is no tag.
    ///
    /// # Errors
    /// The first error of `each`.
    pub fn finish<E>(
        &mut self,
        mut each: impl FnMut(ThinkPiece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        match (held.as_str(), self.state) {
            ("", _) => Ok(()),
            (held, State::Start | State::AnswerBegins | State::Answer) => {
                self.state = State::Answer;
                each(ThinkPiece::Answer(held))
            }
            (held, State::ThoughtsBegin | State::Thoughts) => each(ThinkPiece::Thought(held)),
        }
    }

    /// Gives out what is certain in `text` and returns the rest.
    fn step<'a, E>(
        &mut self,
        mut text: &'a str,
        each: &mut impl FnMut(ThinkPiece<'_>) -> Result<(), E>,
    ) -> Result<&'a str, E> {
        loop {
            match self.state {
                State::Start => {
                    let bare = text.trim_start();
                    if let Some(rest) = bare.strip_prefix(OPEN) {
                        self.state = State::ThoughtsBegin;
                        text = rest;
                    } else if OPEN.starts_with(bare) && text.len() < MAX_LEADING {
                        return Ok(text);
                    } else {
                        self.state = State::Answer;
                    }
                }
                State::ThoughtsBegin => {
                    text = text.trim_start();
                    if text.is_empty() {
                        return Ok(text);
                    }
                    self.state = State::Thoughts;
                }
                State::Thoughts => match text.find(CLOSE) {
                    Some(at) => {
                        let (thought, rest) = text.split_at(at);
                        if !thought.is_empty() {
                            each(ThinkPiece::Thought(thought))?;
                        }
                        self.state = State::AnswerBegins;
                        text = rest.strip_prefix(CLOSE).unwrap_or(rest);
                    }
                    None => {
                        let (thought, rest) = text.split_at(text.len() - partial(text, CLOSE));
                        if !thought.is_empty() {
                            each(ThinkPiece::Thought(thought))?;
                        }
                        return Ok(rest);
                    }
                },
                State::AnswerBegins => {
                    text = text.trim_start();
                    if text.is_empty() {
                        return Ok(text);
                    }
                    self.state = State::Answer;
                }
                State::Answer => {
                    let (answer, rest) = match self.boxes {
                        true => unboxed(text),
                        false => (text, Unboxed::Held("")),
                    };
                    if !answer.is_empty() {
                        each(ThinkPiece::Answer(answer))?;
                    }
                    match rest {
                        Unboxed::More(more) => text = more,
                        Unboxed::Held(held) => return Ok(held),
                    }
                }
            }
        }
    }
}

/// What follows a piece of an answer.
enum Unboxed<'a> {
    /// More of it, after a mark.
    More(&'a str),
    /// What may yet become a mark.
    Held(&'a str),
}

/// The text up to the first mark of a box.
fn unboxed(text: &str) -> (&str, Unboxed<'_>) {
    let found = BOX.iter().filter_map(|mark| {
        let (before, after) = text.split_once(mark)?;
        Some((before, after))
    });
    if let Some((before, after)) = found.min_by_key(|(before, _)| before.len()) {
        return (before, Unboxed::More(after));
    }
    let held = BOX.map(|mark| partial(text, mark));
    let held = held.into_iter().max().unwrap_or_default();
    let (answer, held) = text.split_at(text.len() - held);
    (answer, Unboxed::Held(held))
}

/// How many bytes at the end of `text` may be the beginning of `tag`.
fn partial(text: &str, tag: &str) -> usize {
    (1..tag.len())
        .rev()
        .find(|&n| text.as_bytes().ends_with(&tag.as_bytes()[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// Thoughts and answer of a text that comes in these deltas.
    fn split<'a>(deltas: impl IntoIterator<Item = &'a str>) -> (String, String) {
        split_by(ThinkSplitter::new(), deltas)
    }

    fn split_by<'a>(
        mut splitter: ThinkSplitter,
        deltas: impl IntoIterator<Item = &'a str>,
    ) -> (String, String) {
        let (mut thoughts, mut answer) = (String::new(), String::new());
        let mut each = |piece: ThinkPiece<'_>| -> Result<(), Infallible> {
            match piece {
                ThinkPiece::Thought("") | ThinkPiece::Answer("") => panic!("an empty piece"),
                ThinkPiece::Thought(text) => thoughts.push_str(text),
                ThinkPiece::Answer(text) => answer.push_str(text),
            }
            Ok(())
        };
        for delta in deltas {
            let Ok(()) = splitter.push(delta, &mut each);
        }
        let Ok(()) = splitter.finish(&mut each);
        (thoughts, answer)
    }

    fn pair(thoughts: &str, answer: &str) -> (String, String) {
        (thoughts.to_owned(), answer.to_owned())
    }

    #[test]
    fn thoughts_are_taken_out() {
        assert_eq!(split(["<think>\nhm\n</think>\n\nHi"]), pair("hm\n", "Hi"));
        assert_eq!(split(["\n <think>hm</think>Hi "]), pair("hm", "Hi "));
        assert_eq!(split(["<think></think>Hi"]), pair("", "Hi"));
        assert_eq!(split(["<think>\n\n</think>\n\nHi"]), pair("", "Hi"));
    }

    #[test]
    fn only_the_start_counts() {
        let speaks_of_it = " Write <think>x</think>.";
        assert_eq!(split([speaks_of_it]), pair("", speaks_of_it));
        assert_eq!(
            split(["<think>a</think>b<think>c</think>"]),
            pair("a", "b<think>c</think>")
        );
        assert_eq!(split(["<thinking>a"]), pair("", "<thinking>a"));
    }

    #[test]
    fn what_never_became_a_tag_is_given_out_at_the_end() {
        assert_eq!(split(["  <thi"]), pair("", "  <thi"));
        assert_eq!(split(["<think>a</thi"]), pair("a</thi", ""));
        assert_eq!(split(["<think>never closed"]), pair("never closed", ""));
        assert_eq!(split(["  "]), pair("", "  "));
    }

    #[test]
    fn endless_white_space_is_not_held_for_ever() {
        let spaces = " ".repeat(MAX_LEADING);
        let mut splitter = ThinkSplitter::new();
        let mut out = 0;
        let Ok(()) = splitter.push(&spaces, |piece| -> Result<(), Infallible> {
            out += matches!(piece, ThinkPiece::Answer(_)) as usize;
            Ok(())
        });
        assert_eq!(out, 1);
    }

    #[test]
    fn the_answer_comes_at_once() {
        let mut splitter = ThinkSplitter::new();
        let mut seen = Vec::new();
        for delta in ["<think>a</th", "ink> ", "b", "</think", "c"] {
            let Ok(()) = splitter.push(delta, |piece| -> Result<(), Infallible> {
                seen.push(format!("{piece:?}"));
                Ok(())
            });
        }
        assert_eq!(
            seen,
            [
                "Thought(\"a\")",
                "Answer(\"b\")",
                "Answer(\"</think\")",
                "Answer(\"c\")"
            ]
        );
    }

    /// The answer of a text with boxes that comes in these deltas.
    fn without_boxes<'a>(
        tags: bool,
        deltas: impl IntoIterator<Item = &'a str>,
    ) -> (String, String) {
        let mut profile = Profile::default();
        (profile.think_tags, profile.box_marks) = (tags, true);
        split_by(ThinkSplitter::of(&profile).unwrap(), deltas)
    }

    #[test]
    fn marks_of_boxes_are_taken_out() {
        let text = "It is <|begin_of_box|>42<|end_of_box|>.";
        assert_eq!(without_boxes(false, [text]), pair("", "It is 42."));
        let each = text.split_inclusive("");
        assert_eq!(without_boxes(false, each), pair("", "It is 42."));
        let thinks = "<think>hm</think>\n<|begin_of_box|>42<|end_of_box|>";
        assert_eq!(without_boxes(true, [thinks]), pair("hm", "42"));
        for like in [
            "a <| b <|begin_of",
            "<|end_of_box|",
            "<|begin_of_boxes|>",
            "<think>a",
        ] {
            assert_eq!(without_boxes(false, [like]), pair("", like));
        }
        assert_eq!(split([text]), pair("", text));
        assert!(ThinkSplitter::of(&Profile::default()).is_none());
    }

    proptest! {
        #[test]
        fn any_cut_of_boxes_gives_the_same(
            text in r"(<think>a</think>)?([a<|>é ]{0,3}(<\|begin_of_box\|>|<\|end_of_box\|>|<\|be)?){0,4}",
        ) {
            let whole = without_boxes(true, [text.as_str()]);
            let each: Vec<String> = text.chars().map(String::from).collect();
            prop_assert_eq!(without_boxes(true, each.iter().map(String::as_str)), whole);
        }

        #[test]
        fn any_cut_gives_the_same(
            text in r"[ \n]{0,3}(<think>)?[a<>/é \n]{0,12}(</think>)?[ \n]{0,2}[b<>/thinké]{0,12}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let whole = split([text.as_str()]);
            let each: Vec<String> = text.chars().map(String::from).collect();
            prop_assert_eq!(&split(each.iter().map(String::as_str)), &whole);
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if !ends.is_empty() {
                let mut at: Vec<usize> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect();
                at.extend([0, text.len()]);
                at.sort_unstable();
                let pieces = at.windows(2).map(|pair| &text[pair[0]..pair[1]]);
                prop_assert_eq!(&split(pieces), &whole);
            }
        }
    }
}
