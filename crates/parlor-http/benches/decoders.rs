//! Time and allocations of each stream decoder, beside a floor that only cuts
//! frames and reads the one string: `cargo bench -p parlor-http`.

#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

mod streams;

use allocation_counter::measure;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parlor_dialect::Dialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use std::hint::black_box;
use streams::{ANTHROPIC_MESSAGES, DELTAS, GEMINI, OLLAMA, OPENAI_CHAT, Stream};

fn compare<D: Dialect>(criterion: &mut Criterion, stream: &Stream, dialect: &D) {
    let body = stream.body();
    assert_eq!(stream.decode(dialect, &body), stream.read_floor(&body));
    let count = |run: &dyn Fn() -> usize| {
        let counted = measure(|| {
            black_box(run());
        });
        counted.count_total as f64 / DELTAS as f64
    };
    println!(
        "{}: {:.4} allocations per event, floor {:.4}",
        dialect.name(),
        count(&|| stream.decode(dialect, &body)),
        count(&|| stream.read_floor(&body)),
    );
    let mut group = criterion.benchmark_group(dialect.name());
    group.throughput(Throughput::Elements(DELTAS as u64));
    group.bench_function("floor", |it| {
        it.iter(|| stream.read_floor(black_box(&body)))
    });
    group.bench_function("decode", |it| {
        it.iter(|| stream.decode(dialect, black_box(&body)))
    });
    group.finish();
}

fn decoders(criterion: &mut Criterion) {
    compare(criterion, &OPENAI_CHAT, &OpenAiChat::default());
    compare(
        criterion,
        &ANTHROPIC_MESSAGES,
        &AnthropicMessages::default(),
    );
    compare(criterion, &GEMINI, &Gemini::default());
    compare(criterion, &OLLAMA, &Ollama::default());
}

criterion_group!(benches, decoders);
criterion_main!(benches);
