//! Time and allocations of each stream decoder, beside a floor that only cuts
//! frames and reads the one string: `cargo bench -p parlor-http`. Streams are
//! as their providers send them, and once more `odd`: no delta of the shape of
//! the one before.

#![allow(missing_docs, clippy::expect_used, clippy::print_stdout)]

mod streams;

use allocation_counter::measure;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parlor_dialect::Dialect;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use std::hint::black_box;
use streams::{
    ANTHROPIC_MESSAGES, BEDROCK_CONVERSE, COHERE, DELTAS, GEMINI, OLLAMA, OPENAI_CHAT,
    OPENAI_RESPONSES, Stream,
};

fn compare<D: Dialect>(criterion: &mut Criterion, stream: &Stream, dialect: &D) {
    let name = dialect.name();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(DELTAS as u64));
    for (odd, floor, decode) in [
        (false, "floor", "decode"),
        (true, "odd floor", "odd decode"),
    ] {
        let body = stream.body(odd);
        assert_eq!(stream.decode(dialect, &body), stream.read_floor(&body));
        let count = |run: &dyn Fn() -> usize| {
            let counted = measure(|| {
                black_box(run());
            });
            counted.count_total as f64 / DELTAS as f64
        };
        println!(
            "{name}: {decode} {:.4} allocations per event, {floor} {:.4}",
            count(&|| stream.decode(dialect, &body)),
            count(&|| stream.read_floor(&body)),
        );
        group.bench_function(floor, |it| it.iter(|| stream.read_floor(black_box(&body))));
        group.bench_function(decode, |it| {
            it.iter(|| stream.decode(dialect, black_box(&body)))
        });
    }
    group.finish();
}

fn decoders(criterion: &mut Criterion) {
    compare(criterion, &OPENAI_CHAT, &OpenAiChat::default());
    compare(criterion, &OPENAI_RESPONSES, &OpenAiResponses::default());
    compare(
        criterion,
        &ANTHROPIC_MESSAGES,
        &AnthropicMessages::default(),
    );
    compare(criterion, &GEMINI, &Gemini::default());
    compare(criterion, &OLLAMA, &Ollama::default());
    compare(criterion, &COHERE, &Cohere::default());
    compare(criterion, &BEDROCK_CONVERSE, &BedrockConverse::default());
}

criterion_group!(benches, decoders);
criterion_main!(benches);
