//! Callers that come, read, give up and meet failures at random, the same for the same seed.

use crate::MS;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// One caller, and how the model answers it. The request's text is its number.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) arrives: Duration,
    pub(crate) streamed: bool,
    /// Drops the call or the stream this long after it came.
    pub(crate) leaves: Option<Duration>,
    pub(crate) user: Option<&'static str>,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) opens_after: Duration,
    pub(crate) pace: Duration,
    pub(crate) words: u64,
    pub(crate) usage: Option<Usage>,
    pub(crate) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completes,
    Refuses,
    Breaks,
}

/// What became of a caller.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered(Box<ChatResponse>),
    Failed(Error),
    Left,
}

/// So many callers, in the order in which they come, no two at the same time.
pub(crate) fn crowd(rng: &mut fastrand::Rng, count: usize, within: Range<u64>) -> Vec<Caller> {
    let mut arrivals: Vec<u64> = (0..count).map(|_| rng.u64(within.clone())).collect();
    arrivals.sort_unstable();
    let callers = (0..).zip(arrivals).map(|(at, arrives)| {
        let mut usage = Usage::default();
        usage.input_tokens = Some(rng.u64(1..50));
        usage.output_tokens = Some(rng.u64(1..50));
        Caller {
            // Apart by thousandths, so that the order is the list's.
            arrives: MS * u32::try_from(arrives).unwrap() + Duration::from_micros(at),
            streamed: rng.bool(),
            leaves: (rng.u8(..3) == 0).then(|| MS * rng.u32(0..2000)),
            user: [None, Some("ann"), Some("bob")][rng.usize(..3)],
            max_output_tokens: rng.bool().then(|| rng.u64(1..100)),
            opens_after: MS * rng.u32(0..300),
            pace: MS * rng.u32(0..100),
            words: rng.u64(0..6),
            usage: rng.bool().then_some(usage),
            end: match rng.u8(..6) {
                0 => End::Refuses,
                1 => End::Breaks,
                _ => End::Completes,
            },
        }
    });
    callers.collect()
}

impl Caller {
    fn script(&self) -> Script {
        let broken = || Error::new(ErrorKind::Server, "broke");
        if self.end == End::Refuses {
            return Script::refuses(broken()).opens_after(self.opens_after);
        }
        let mut choice = Choice::new(0);
        let words = (0..self.words).map(|_| "word ").collect::<String>();
        choice.message.parts.push(Part::text(words));
        choice.finish_reason = Some(FinishKind::Stop.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        response.usage = self.usage.clone();
        let mut script = Script::response(response);
        if self.end == End::Breaks {
            script = script.cut(3).fails(broken());
        }
        script.paced(self.pace).opens_after(self.opens_after)
    }

    async fn call(&self, number: usize, model: &dyn ChatModel) -> Outcome {
        let mut request = ChatRequest::from(number.to_string());
        request.user = self.user.map(str::to_owned);
        request.max_output_tokens = self.max_output_tokens;
        let answer = async {
            match self.streamed {
                true => model.stream(&request).await?.response().await,
                false => model.chat(&request).await,
            }
        };
        let answer = match self.leaves {
            Some(leaves) => timeout(leaves, answer).await.ok(),
            None => Some(answer.await),
        };
        match answer {
            Some(Ok(response)) => Outcome::Answered(Box::new(response)),
            Some(Err(error)) => Outcome::Failed(error),
            None => Outcome::Left,
        }
    }
}

/// A model that answers each caller as planned, and tells `begun` of each
/// caller whose call comes through.
pub(crate) fn model(callers: &[Caller], mut begun: impl FnMut(usize) + Send + 'static) -> Scripted {
    let callers = callers.to_vec();
    Scripted::with(move |_, request| {
        let number = request.messages.first()?.text().parse().ok()?;
        begun(number);
        Some(callers.get(number)?.script())
    })
}

/// Lets the crowd in and waits until all are gone.
pub(crate) async fn run(model: &Arc<dyn ChatModel>, callers: &[Caller]) -> Vec<Outcome> {
    let calls = (0..).zip(callers).map(|(number, caller)| async move {
        sleep(caller.arrives).await;
        caller.call(number, &**model).await
    });
    join_all(calls).await
}
