//! Somebody who asks a stack, in some way and for as long as they like.

use crate::common::{Ended, Manner, Seen, consume_like, joined, millis, whole, words};
use crate::rig::Rig;
use fastrand::Rng;
use parlor_core::*;
use parlor_layers::cache::CacheMode;
use parlor_layers::coalesce::CoalesceLayer;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Whether an event says that what follows goes on with an answer that broke off.
pub(crate) fn is_seam(event: &Event) -> bool {
    matches!(event, Event::Warning { warning } if warning.setting == "resume")
}

pub(crate) struct Caller {
    comes: Duration,
    streamed: bool,
    /// Who the letter is to: left out of what is sent, and so no reason for an
    /// answer of one's own.
    to: &'static str,
    request: ChatRequest,
    manner: Manner,
}

impl Caller {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let to = ["ann@example.org", "bob@example.com"][rng.usize(..2)];
        let about = rng.u8(0..2);
        let mut letter = Message::user(format!("Write to {to} about {about}"));
        if about == 1 {
            letter = letter.with(Media::url(MediaKind::Image, "https://a.example/cat"));
        }
        let request = ChatRequest::from(letter);
        let request = match rng.u8(0..6) {
            0 => CacheMode::Refresh.on(request),
            1 => CoalesceLayer::alone(request),
            _ => request,
        };
        Self {
            comes: millis(rng, 10_000),
            streamed: rng.u8(0..4) > 0,
            to,
            request,
            manner: Manner::random(rng),
        }
    }

    /// One who comes at once, stays, and wants an answer of its own.
    pub(crate) fn patient(rng: &mut Rng) -> Self {
        let caller = Self::new(rng);
        Self {
            comes: Duration::ZERO,
            streamed: true,
            manner: Manner::PROMPT,
            request: CoalesceLayer::alone(CacheMode::Off.on(caller.request)),
            ..caller
        }
    }

    pub(crate) async fn call(&self, rig: &Rig) -> Seen {
        sleep(self.comes).await;
        if self.streamed {
            let check = || rig.check_running();
            return consume_like(&*rig.model, &self.request, self.manner, check).await;
        }
        let answer = timeout(self.manner.patience, rig.model.chat(&self.request)).await;
        let (events, ended) = match answer {
            Err(_) => (Vec::new(), Ended::Dropped),
            Ok(Err(error)) => (Vec::new(), Ended::Failed(error)),
            Ok(Ok(response)) => (response.into_events(), Ended::Whole),
        };
        Seen {
            events,
            info: None,
            ended,
        }
    }

    /// Holds what was seen to one of the answers that there were: nothing twice,
    /// nothing of another, nothing lost.
    pub(crate) fn check(&self, seen: &Seen, rig: &Rig) {
        let (rest, text) = joined(&seen.events);
        let to = |label: String| label.replace("[EMAIL_1]", self.to);
        let mut answers = rig.answers().map(to);
        if seen.events.is_empty() {
            if let Ended::Failed(error) = &seen.ended
                && let Some(partial) = error.partial()
            {
                let said = partial.text();
                assert!(answers.any(|it| words(it).starts_with(&said)), "{error:?}");
            }
            return;
        }
        let is_of = |answer: &String| words(answer).starts_with(&text);
        let answer = answers.find(is_of).expect("the text is of one answer");
        let (whole_rest, whole_text) = joined(&whole(answer));
        // What was gone on with may stand in more parts than one.
        let is_in_one = !rest.iter().any(is_seam);
        assert!(!is_in_one || whole_rest.starts_with(&rest), "{rest:?}");
        match &seen.ended {
            Ended::Dropped => {}
            Ended::Whole => {
                assert_eq!(text, whole_text);
                assert_eq!(rest.last(), whole_rest.last());
                assert!(!is_in_one || rest == whole_rest, "{rest:?}");
            }
            Ended::Failed(error) => {
                let partial = error.partial().expect("what was said is in the error");
                assert!(partial.interrupted);
                assert_eq!(partial.text(), text, "{error:?}");
            }
        }
    }
}
