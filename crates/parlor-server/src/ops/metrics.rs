//! Figures of a service, in series whose number has a bound.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor_store::{Outcome, UsageEvent};

use crate::service::Site;

/// The most models that have series of their own; the others share one.
const MODELS: usize = 200;

/// Upper bounds of the times that are counted together, in seconds.
const BOUNDS: [f64; 12] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// What a service counts of its requests.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// By dialect and outcome.
    requests: BTreeMap<(&'static str, &'static str), u64>,
    /// By why it wasn't let in.
    refused: BTreeMap<&'static str, u64>,
    models: BTreeMap<(String, String), OfModel>,
    first_event: Times,
    total: Times,
}

#[derive(Debug, Default)]
struct OfModel {
    requests: u64,
    input: u64,
    cached_input: u64,
    output: u64,
    reasoning: u64,
    /// By currency.
    cost: BTreeMap<String, f64>,
}

#[derive(Debug, Default)]
struct Times {
    counts: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Times {
    fn add(&mut self, micros: u64) {
        let seconds = micros as f64 / 1e6;
        self.count += 1;
        self.sum += seconds;
        for (bound, count) in BOUNDS.iter().zip(&mut self.counts) {
            *count += u64::from(seconds <= *bound);
        }
    }

    fn write(&self, name: &str, help: &str, text: &mut Text) {
        text.about(name, "histogram", help);
        for (bound, count) in BOUNDS.iter().zip(self.counts) {
            text.line(
                &format!("{name}_bucket"),
                &[("le", &bound.to_string())],
                count as f64,
            );
        }
        text.line(
            &format!("{name}_bucket"),
            &[("le", "+Inf")],
            self.count as f64,
        );
        text.line(&format!("{name}_sum"), &[], self.sum);
        text.line(&format!("{name}_count"), &[], self.count as f64);
    }
}

impl Metrics {
    /// Counts a request that has ended.
    pub(crate) fn count(&self, event: &UsageEvent) {
        let mut counted = self.counted();
        let outcome = event.outcome.as_str();
        *counted
            .requests
            .entry((event.dialect, outcome))
            .or_default() += 1;
        counted.total.add(event.total_us);
        if let Some(first) = event.first_event_us {
            counted.first_event.add(first);
        }
        let used_nothing = event.usage.is_empty() && event.outcome != Outcome::Completed;
        let (Some(provider), Some(model), false) = (&event.provider, &event.model, used_nothing)
        else {
            return;
        };
        let mut name = (provider.clone(), model.clone());
        // A name that clients make up gets no series: only one that has answered.
        if !counted.models.contains_key(&name) && counted.models.len() >= MODELS {
            name = ("other".to_owned(), "other".to_owned());
        }
        let sums = counted.models.entry(name).or_default();
        let usage = &event.usage;
        sums.requests += 1;
        sums.input += usage.input_tokens.unwrap_or(0);
        sums.cached_input += usage.cached_input_tokens.unwrap_or(0);
        sums.output += usage.output_tokens.unwrap_or(0);
        sums.reasoning += usage.reasoning_tokens.unwrap_or(0);
        if let Some(cost) = &event.cost {
            *sums.cost.entry(cost.currency.to_string()).or_default() += cost.amount;
        }
    }

    /// Counts a request that wasn't let in.
    pub(crate) fn refused(&self, why: &'static str) {
        *self.counted().refused.entry(why).or_default() += 1;
    }

    /// How many weren't let in so far, by why.
    pub(crate) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.counted().refused.clone()
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Nothing panics while it is held.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// All figures as text.
    pub(super) fn figures(&self) -> String {
        let mut text = Text::default();
        let counted = self.account.metrics.counted();
        text.about(
            "parlor_requests_total",
            "counter",
            "Requests that have ended.",
        );
        for ((dialect, outcome), count) in &counted.requests {
            let labels = [("dialect", *dialect), ("outcome", *outcome)];
            text.line("parlor_requests_total", &labels, *count as f64);
        }
        text.about(
            "parlor_refused_total",
            "counter",
            "Requests that weren't let in.",
        );
        for (reason, count) in &counted.refused {
            text.line(
                "parlor_refused_total",
                &[("reason", *reason)],
                *count as f64,
            );
        }
        let name = "parlor_model_requests_total";
        text.about(name, "counter", "Requests that a model answered.");
        for ((provider, model), sums) in &counted.models {
            let labels = [("provider", provider.as_str()), ("model", model.as_str())];
            text.line(name, &labels, sums.requests as f64);
        }
        let name = "parlor_tokens_total";
        text.about(
            name,
            "counter",
            "Tokens; cached ones are input, reasoning is output.",
        );
        for ((provider, model), sums) in &counted.models {
            let kinds = [
                ("input", sums.input),
                ("cached_input", sums.cached_input),
                ("output", sums.output),
                ("reasoning", sums.reasoning),
            ];
            for (kind, count) in kinds {
                let labels = [
                    ("provider", provider.as_str()),
                    ("model", model.as_str()),
                    ("kind", kind),
                ];
                text.line(name, &labels, count as f64);
            }
        }
        let name = "parlor_cost_total";
        text.about(name, "counter", "What they cost, where the price is known.");
        for ((provider, model), sums) in &counted.models {
            for (currency, amount) in &sums.cost {
                let labels = [
                    ("provider", provider.as_str()),
                    ("model", model.as_str()),
                    ("currency", currency.as_str()),
                ];
                text.line(name, &labels, *amount);
            }
        }
        let first = "From a request to the first event of its answer.";
        let times = &counted.first_event;
        times.write("parlor_first_event_seconds", first, &mut text);
        let total = "From a request to its end.";
        counted
            .total
            .write("parlor_request_seconds", total, &mut text);
        drop(counted);
        text.about("parlor_in_flight", "gauge", "Requests on their way.");
        text.line("parlor_in_flight", &[], self.in_flight() as f64);
        if let Some(writer) = &self.config.usage_writer {
            let name = "parlor_usage_events_dropped_total";
            text.about(
                name,
                "counter",
                "Usage events that were dropped for want of room, or refused by the store.",
            );
            text.line(name, &[], writer.dropped() as f64);
            let name = "parlor_usage_events_waiting";
            text.about(name, "gauge", "Usage events that wait for the store.");
            text.line(name, &[], writer.waiting() as f64);
        }
        if let Some(spans) = &self.config.spans {
            let name = "parlor_spans_dropped_total";
            let what = "Spans that were dropped for want of room, or refused by the collector.";
            text.about(name, "counter", what);
            text.line(name, &[], spans.dropped() as f64);
        }
        if let Some(keyring) = &self.account.keyring {
            let name = "parlor_store_up";
            text.about(
                name,
                "gauge",
                "Whether the store of keys and usage answered last.",
            );
            text.line(name, &[], f64::from(u8::from(!keyring.is_away())));
        }
        text.0
    }
}

/// Lines of the text form.
#[derive(Default)]
struct Text(String);

impl Text {
    // Writing to a string never fails.
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let begin = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{begin}{label}=\"");
            for char in text.chars() {
                match char {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    char => self.0.push(char),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}
