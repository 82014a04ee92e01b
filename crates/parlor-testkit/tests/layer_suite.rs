//! The layer suite finds each way in which a layer can be wrong.

#![allow(clippy::expect_used)]

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use parlor_core::*;
use parlor_testkit::layer_suite;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Sound,
    OwnInfo,
    EditsTheRequest,
    AsksTwice,
    DoublesAnEvent,
    LosesAnEvent,
    CallsByAnotherRoad,
    LosesFacts,
    RewritesErrors,
    TriesAgainAfterContent,
    LosesThePartial,
    KeepsTheStream,
    AnswersFromMemory,
}

use Fault::*;

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    inner: Arc<dyn ChatModel>,
    info: ModelInfo,
    kept: Mutex<Vec<Arc<Mutex<ChatStream>>>>,
    memory: Mutex<Option<ChatResponse>>,
}

fn rewritten(error: Error) -> Error {
    Error::new(error.kind(), "it failed")
}

#[async_trait]
impl ChatModel for Faulty {
    fn info(&self) -> &ModelInfo {
        match self.fault {
            OwnInfo => &self.info,
            _ => self.inner.info(),
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let request = request.clone();
        let request = match self.fault {
            EditsTheRequest => request.with_temperature(1.0),
            _ => request,
        };
        let remembered = self.memory.lock().expect("not poisoned").clone();
        if let (AnswersFromMemory, Some(response)) = (self.fault, remembered) {
            return Ok(response);
        }
        let mut outcome = self.inner.chat(&request).await;
        match (self.fault, &mut outcome) {
            (CallsByAnotherRoad, Ok(response)) => response.id = None,
            (LosesFacts, Ok(response)) => response.metadata = ResponseMetadata::default(),
            (LosesThePartial, Err(error)) => drop(error.take_partial()),
            (AnswersFromMemory, Ok(response)) => {
                let mut memory = self.memory.lock().expect("not poisoned");
                *memory = Some(response.clone());
            }
            (RewritesErrors, Err(_)) => return outcome.map_err(rewritten),
            _ => {}
        }
        outcome
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        if self.fault == AsksTwice {
            drop(self.inner.stream(request).await);
        }
        let opened = self.inner.stream(request).await?;
        Ok(match self.fault {
            LosesFacts => ChatStream::new(Arc::new(self.info.clone()), opened.into_events()),
            DoublesAnEvent => opened.map_events(|events| {
                events.flat_map(|item| {
                    let again = match &item {
                        Ok(event @ Event::TextDelta { .. }) => Some(Ok(event.clone())),
                        _ => None,
                    };
                    stream::iter([item]).chain(stream::iter(again))
                })
            }),
            LosesAnEvent => opened.map_events(|events| {
                events.filter(|item| {
                    let keep = !matches!(item, Ok(Event::Unknown { .. }));
                    async move { keep }
                })
            }),
            RewritesErrors => {
                opened.map_events(|events| events.map(|item| item.map_err(rewritten)))
            }
            TriesAgainAfterContent => {
                let (inner, request) = (self.inner.clone(), request.clone());
                opened.map_events(|events| {
                    let ok = events.take_while(|item| {
                        let go_on = item.is_ok();
                        async move { go_on }
                    });
                    let again = async move { inner.stream(&request).await };
                    let again = again.map(|opened| match opened {
                        Ok(stream) => stream.into_events(),
                        Err(error) => stream::iter([Err(error)]).boxed(),
                    });
                    ok.chain(again.flatten_stream())
                })
            }
            KeepsTheStream => {
                let metadata = opened.metadata().clone();
                let kept = Arc::new(Mutex::new(opened));
                self.kept.lock().expect("not poisoned").push(kept.clone());
                let events = stream::poll_fn(move |cx| {
                    kept.lock().expect("not poisoned").poll_next_unpin(cx)
                });
                ChatStream::new(Arc::new(self.info.clone()), events).with_metadata(metadata)
            }
            _ => opened,
        })
    }
}

/// What the suite says of a layer with this fault.
async fn verdict(fault: Fault) -> String {
    let wrap = move |inner| -> Arc<dyn ChatModel> {
        Arc::new(Faulty {
            fault,
            inner,
            info: ModelInfo::new("own", "own"),
            kept: Mutex::default(),
            memory: Mutex::default(),
        })
    };
    match AssertUnwindSafe(layer_suite(wrap)).catch_unwind().await {
        Ok(()) => String::new(),
        Err(panic) => *panic.downcast::<String>().expect("a message"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_without_fault_passes() {
    assert_eq!(verdict(Sound).await, "");
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_by_its_case() {
    for (fault, case) in [
        (OwnInfo, "keeps the info"),
        (EditsTheRequest, "the request passes unchanged"),
        (AsksTwice, "the request passes unchanged"),
        (DoublesAnEvent, "every event passes once"),
        (LosesAnEvent, "every event passes once"),
        (CallsByAnotherRoad, "a call equals its collected stream"),
        (LosesFacts, "facts about the exchange pass"),
        (RewritesErrors, "a failed opening keeps its error"),
        (RewritesErrors, "a broken stream keeps its error"),
        (TriesAgainAfterContent, "a broken stream keeps its error"),
        (LosesThePartial, "a broken call keeps its error"),
        (KeepsTheStream, "dropping a stream cancels it"),
        (AnswersFromMemory, "don't mix"),
    ] {
        let verdict = verdict(fault).await;
        assert!(verdict.contains(case), "{fault:?}: {verdict}");
    }
}
