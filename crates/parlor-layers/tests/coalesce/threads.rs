//! Readers on threads of their own, where every race may happen.

use parlor_core::*;
use parlor_layers::coalesce::CoalesceLayer;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A model whose events come from another thread.
#[derive(Debug)]
struct Fed {
    info: Arc<ModelInfo>,
    begun: AtomicUsize,
    /// Where the streams that are open are fed.
    open: Mutex<Vec<(usize, UnboundedSender<Event>)>>,
}

#[async_trait::async_trait]
impl ChatModel for Fed {
    fn info(&self) -> &ModelInfo {
        &self.info
    }
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }
    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let (feed, fed): (_, UnboundedReceiver<Event>) = unbounded_channel();
        self.open.lock().unwrap().push((number, feed));
        let events = futures_util::stream::unfold(fed, |mut fed| async {
            Some((Ok(fed.recv().await?), fed))
        });
        Ok(ChatStream::new(self.info.clone(), events))
    }
}

const WORDS: usize = 20;

fn events(number: usize) -> Vec<Event> {
    let mut events = vec![
        Event::started(Some(number.to_string()), None, None),
        Event::part_started(0, 0, PartKind::Text),
    ];
    events.extend((0..WORDS).map(|word| Event::TextDelta {
        choice: 0,
        part: 0,
        text: format!("{number}.{word} ").into(),
    }));
    events.push(Event::part_finished(0, 0));
    events.push(Event::finished(0, FinishKind::Stop.into()));
    events.push(Event::completed(None));
    events
}

fn reader(model: &Arc<dyn ChatModel>, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for round in 0..100 {
        let leaves_at = match rng.bool() {
            true => rng.usize(..WORDS),
            false => usize::MAX,
        };
        let visit = async {
            let mut stream = model.ask_stream("Hi").await.unwrap();
            let mut read = Vec::new();
            while read.len() < leaves_at {
                match stream.next().await {
                    Some(item) => read.push(item.unwrap()),
                    None => break,
                }
            }
            read
        };
        let visit = async { tokio::time::timeout(Duration::from_secs(60), visit).await };
        let read = runtime.block_on(visit);
        let read = read.unwrap_or_else(|_| panic!("reader {seed} hangs in round {round}"));
        if let Some(Event::Started { id: Some(id), .. }) = read.first() {
            let mut expected = events(id.parse().unwrap());
            expected.truncate(leaves_at);
            assert_eq!(read, expected, "reader {seed}, round {round}");
        }
    }
}

#[test]
fn every_reader_on_its_thread_gets_every_event() {
    let fed = Arc::new(Fed {
        info: Arc::new(ModelInfo::new("house", "fed")),
        begun: AtomicUsize::new(0),
        open: Mutex::default(),
    });
    let model = fed.clone().layer(CoalesceLayer::default());
    let going_on = AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (model, going_on) = (&model, &going_on);
            scope.spawn(move || {
                let outcome =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader(model, seed)));
                going_on.fetch_sub(1, Ordering::Relaxed);
                outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            });
        }
        while going_on.load(Ordering::Relaxed) > 0 {
            let open = std::mem::take(&mut *fed.open.lock().unwrap());
            for (number, feed) in open {
                for event in events(number) {
                    // Everybody may have left.
                    if feed.send(event).is_err() {
                        break;
                    }
                    std::thread::yield_now();
                }
            }
            std::thread::yield_now();
        }
    });
    assert!(fed.begun.load(Ordering::Relaxed) > 0);
}
