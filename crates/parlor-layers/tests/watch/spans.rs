//! A subscriber that keeps what it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Event, Level, Metadata, Subscriber};

/// A span as it was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) events: Vec<String>,
    pub(crate) handles: usize,
    pub(crate) closed: bool,
    pub(crate) within: usize,
}

impl Told {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Keeps every span in the order of their beginnings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    spans: Vec<Told>,
    entered: Vec<usize>,
}

impl Spans {
    /// Listens on this thread until the guard is dropped.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let spans = Self::default();
        let guard = tracing::subscriber::set_default(spans.clone());
        (spans, guard)
    }

    pub(crate) fn all(&self) -> Vec<Told> {
        self.state().spans.clone()
    }

    /// How many spans this thread is within.
    pub(crate) fn depth(&self) -> usize {
        self.state().entered.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Told)) {
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        change(&mut self.state().spans[at]);
    }
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Spans {
    // Other threads have no subscriber, so each must be asked.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("parlor_layers") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut told = Told {
            handles: 1,
            ..Told::default()
        };
        span.record(&mut Fields(&mut told.fields));
        let mut state = self.state();
        state.spans.push(told);
        Id::from_u64(state.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.change(span, |told| values.record(&mut Fields(&mut told.fields)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let message = fields.remove("message").unwrap_or_default();
        let parent = event.parent().expect("an event says whose it is");
        self.change(parent, |told| told.events.push(message));
    }

    fn enter(&self, span: &Id) {
        let mut state = self.state();
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        state.entered.push(at);
        state.spans[at].within += 1;
    }

    fn exit(&self, _: &Id) {
        self.state().entered.pop().expect("a span that was entered");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.change(id, |told| told.handles += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut closed = false;
        self.change(&id, |told| {
            told.handles -= 1;
            told.closed = told.handles == 0;
            closed = told.closed;
        });
        closed
    }
}
