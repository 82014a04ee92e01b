//! The one wake-up that is easy to lose, step by step.

use parlor_core::*;
use parlor_layers::coalesce::CoalesceLayer;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn look(stream: &mut ChatStream, count: &Arc<Count>) -> Poll<Option<Result<Event>>> {
    let waker = Waker::from(count.clone());
    pin!(stream.next()).poll(&mut Context::from_waker(&waker))
}

/// A reader who comes while the source is being asked, and after it has woken.
type Visitor = Arc<Mutex<Option<(ChatStream, Arc<Count>)>>>;

/// A model whose first poll wakes, lets the visitor look, and has nothing yet.
#[derive(Debug)]
struct Model(Arc<ModelInfo>, Visitor);

#[async_trait::async_trait]
impl ChatModel for Model {
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }
    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        let visitor = self.1.clone();
        let mut polls = 0;
        let events = futures_util::stream::poll_fn(move |cx| {
            polls += 1;
            if polls > 1 {
                return Poll::Ready(Some(Ok(Event::started(None, None, None))));
            }
            cx.waker().wake_by_ref();
            let mut visitor = visitor.lock().unwrap();
            let (stream, count) = visitor.as_mut().unwrap();
            assert!(look(stream, count).is_pending());
            Poll::Pending
        });
        Ok(ChatStream::new(self.0.clone(), events))
    }
}

#[tokio::test]
async fn who_comes_between_the_wake_and_the_end_of_a_poll_is_woken() {
    let visitor = Visitor::default();
    let info = Arc::new(ModelInfo::new("house", "model"));
    let model = Model(info, visitor.clone()).layer(CoalesceLayer::default());
    let mut asks = model.ask_stream("Hi").await.unwrap();
    let stream = model.ask_stream("Hi").await.unwrap();
    let count = Arc::new(Count::default());
    *visitor.lock().unwrap() = Some((stream, count.clone()));

    assert!(look(&mut asks, &Arc::default()).is_pending());
    // It was woken, but goes instead of looking again.
    drop(asks);
    assert!(count.0.load(Ordering::Relaxed) > 0);
    let (mut stream, count) = visitor.lock().unwrap().take().unwrap();
    assert!(look(&mut stream, &count).is_ready());
}
