//! The fault server serves every case of its table, and each case is what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod raw;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, stream};
use parlor_testkit::fault::{
    DropAt, Expect, FAULTS, Fault, FaultServer, Mode, Outcome, Partial, Wire,
};
use parlor_testkit::{Pace, SeenRequest};
use raw::{Client, End, Got, KEY};

const SOON: Duration = Duration::from_secs(5);

/// Quick enough to play every case, and long enough for a client to hang up first.
fn quick() -> Pace {
    let (unit, patience) = (Duration::from_micros(200), Duration::from_millis(50));
    Pace {
        unit,
        patience,
        flood: 1 << 20,
    }
}

async fn fetch(server: &FaultServer, case: &str, wire: Wire, mode: Mode) -> Got {
    let (url, body) = raw::call(&server.url(case), wire, mode);
    Client::connect(&url).await.ask(&url, &body).await
}

/// Every case that can occur, with where and what to expect.
fn scenes() -> impl Iterator<Item = (&'static Fault, Wire, Mode, Expect)> {
    FAULTS.iter().flat_map(|fault| {
        Wire::ALL.into_iter().flat_map(move |wire| {
            let expect = move |mode| Some((fault, wire, mode, fault.expect(wire, mode).ok()?));
            Mode::ALL.into_iter().filter_map(expect)
        })
    })
}

#[test]
fn the_table_covers_every_number_and_names_are_unique() {
    let numbers: HashSet<u8> = FAULTS.iter().map(|it| it.number).collect();
    assert_eq!(numbers, (1..=40).collect());
    assert!(FAULTS.is_sorted_by_key(|it| it.number));
    let names: HashSet<&str> = FAULTS.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), FAULTS.len());
    for name in names {
        let kebab = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        assert!(name.chars().all(kebab), "{name}");
        assert_eq!(Fault::named(name).unwrap().name, name);
    }
}

#[test]
fn a_case_occurs_somewhere_and_where_it_does_not_a_reason_is_given() {
    for fault in FAULTS {
        let mut occurs = 0;
        for (wire, mode) in Wire::ALL
            .into_iter()
            .flat_map(|wire| Mode::ALL.map(|mode| (wire, mode)))
        {
            match fault.applies(wire, mode) {
                Ok(()) => occurs += 1,
                Err(reason) => assert!(reason.len() > 10, "{} {wire:?}: {reason}", fault.name),
            }
        }
        assert!(occurs > 0, "{} occurs nowhere", fault.name);
    }
    for number in 1..=40 {
        let of_number = || FAULTS.iter().filter(|it| it.number == number);
        let streams = of_number().any(|it| it.applies(Wire::OpenAiChat, Mode::Stream).is_ok());
        assert!(streams, "nothing of {number} occurs in a stream of chunks");
    }
}

#[test]
fn an_expectation_says_something() {
    for (fault, wire, mode, expect) in scenes() {
        let name = fault.name;
        assert_eq!(
            expect.outcomes.is_empty(),
            expect.drop_at.is_some(),
            "{name}"
        );
        for outcome in &expect.outcomes {
            match outcome {
                Outcome::Answer(reading) => {
                    assert!(!reading.choices.is_empty(), "{name} {wire:?} {mode:?}");
                    assert!(
                        reading.choices.iter().all(|it| !it.finish.is_empty()),
                        "{name}"
                    );
                }
                Outcome::Failure(failure) => {
                    assert!(!failure.kinds.is_empty(), "{name} {wire:?} {mode:?}");
                    let whole = mode == Mode::Whole;
                    let partial = matches!(failure.partial, Partial::Exactly(_));
                    assert!(
                        !(whole && partial),
                        "{name}: a whole answer has no partial text"
                    );
                }
            }
        }
    }
}

/// Fetches many cases at once and hands each to `check`.
async fn fetch_all(check: impl Fn(&'static Fault, Wire, Mode, Expect, Got)) -> FaultServer {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let calls = scenes().map(async |(fault, wire, mode, expect)| {
        (
            fault,
            wire,
            mode,
            expect,
            fetch(&server, fault.name, wire, mode).await,
        )
    });
    let mut done = stream::iter(calls).buffered(16);
    while let Some((fault, wire, mode, expect, got)) = done.next().await {
        check(fault, wire, mode, expect, got);
    }
    drop(done);
    server
}

/// How the answer to a case ends for a client that hears it out.
fn ending(fault: &Fault, expect: &Expect) -> (bool, End) {
    let cut = [3, 21, 39].contains(&fault.number) || expect.hangs_up;
    match fault.name {
        "reset-before-headers" => (false, End::Reset),
        "stall-before-headers" | "drop-before-headers" => (false, End::Cut),
        "reset-after-headers" | "reset-halfway" | "reset-after-finish" => (true, End::Reset),
        "cut-after-finish" => (true, End::Cut),
        _ => (true, if cut { End::Cut } else { End::Proper }),
    }
}

#[tokio::test]
async fn every_case_is_served() {
    let server = fetch_all(|fault, wire, mode, expect, got| {
        let name = format!("{} {} {mode:?}", fault.name, wire.name());
        assert_eq!((got.status != 0, got.end), ending(fault, &expect), "{name}");
        assert_ne!(got.status, 501, "{name}: {}", got.text());
        match fault.sent(wire, mode).unwrap() {
            Some(sent) => {
                let ends = got.end == End::Proper;
                assert_eq!((got.status, ends), (sent.status, sent.ends), "{name}");
                assert!(!ends || got.body() == sent.pieces.concat(), "{name}");
            }
            None => assert_eq!(got.status, 0, "{name}"),
        }
        for outcome in &expect.outcomes {
            let Outcome::Failure(failure) = outcome else {
                continue;
            };
            assert_eq!(got.status, failure.status.unwrap_or(got.status), "{name}");
            let body = raw::said(wire, mode, &got.text());
            assert!(body.contains(failure.message), "{name}: {body}");
            assert!(
                body.contains(failure.code.unwrap_or_default()),
                "{name}: {body}"
            );
        }
    });
    assert_eq!(server.await.requests().len(), scenes().count());
}

#[tokio::test]
async fn the_plainest_reading_finds_the_expected_text() {
    // Where the bytes are coded, no JSON, or hold more than the answer.
    const OTHERWISE: &[&str] = &[
        "gzip",
        "brotli",
        "zstd",
        "invalid-utf8",
        "lone-surrogate",
        "after-terminal",
        "redirect-307",
        "redirect-302",
        "two-choices",
    ];
    fetch_all(|fault, wire, mode, expect, got| {
        let want = match expect.outcomes.first() {
            _ if OTHERWISE.contains(&fault.name) => return,
            Some(Outcome::Answer(reading)) => reading.first().text,
            Some(Outcome::Failure(failure)) => match &failure.partial {
                Partial::Exactly(text) => text.clone(),
                _ => return,
            },
            None => return,
        };
        let read = raw::text(wire, &raw::values(wire, mode, &got.text()));
        // An 8 MiB text is no message for a person.
        let shown = if want.len() < 100 { read.as_str() } else { "" };
        assert!(
            read == want,
            "{} {} {mode:?}: {shown:?}",
            fault.name,
            wire.name()
        );
    })
    .await;
}

#[tokio::test]
async fn crlf_is_split_between_chunks() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let got = fetch(&server, "crlf-split", Wire::OpenAiChat, Mode::Stream).await;
    let starts = got
        .chunks
        .iter()
        .skip(1)
        .filter(|it| it.first() == Some(&b'\n'))
        .count();
    assert_eq!(starts, got.chunks.len() - 1);
    assert!(got.chunks.len() > 10);
}

#[tokio::test]
async fn every_byte_is_a_chunk() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    for wire in Wire::ALL {
        let got = fetch(&server, "byte-by-byte", wire, Mode::Stream).await;
        assert!(got.chunks.iter().all(|it| it.len() == 1));
        assert!(got.chunks.len() > 500);
    }
}

#[tokio::test]
async fn a_big_event_comes_whole_in_small_chunks() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let got = fetch(&server, "big-event", Wire::AnthropicMessages, Mode::Stream).await;
    assert!(got.chunks.iter().all(|it| it.len() <= 1024));
    assert!(got.body().len() > 8 << 20);
}

#[tokio::test]
async fn framing_oddities_are_on_the_wire() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let got = fetch(&server, "trailers", Wire::Gemini, Mode::Whole).await;
    assert_eq!(got.trailers, ["x-checksum: 0", "x-late: yes"]);
    let got = fetch(&server, "interim", Wire::Ollama, Mode::Stream).await;
    assert_eq!((got.interim, got.status), (vec![100, 102, 103], 200));
}

#[tokio::test]
async fn a_date_to_wait_for_lies_ahead() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let got = fetch(&server, "retry-after-date", Wire::OpenAiChat, Mode::Whole).await;
    let date = httpdate::parse_http_date(got.header("retry-after").unwrap()).unwrap();
    let wait = date.duration_since(SystemTime::now()).unwrap();
    let fault = Fault::named("retry-after-date").unwrap();
    let expect = fault.expect(Wire::OpenAiChat, Mode::Whole).unwrap();
    let Outcome::Failure(failure) = &expect.outcomes[0] else {
        panic!("a failure")
    };
    assert!(
        failure.retry_after.as_ref().unwrap().contains(&wait),
        "{wait:?}"
    );
}

#[tokio::test]
async fn a_connection_is_reset_only_when_used_before() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let (url, body) = raw::call(&server.url("reset-reused"), Wire::Ollama, Mode::Whole);
    let mut client = Client::connect(&url).await;
    assert_eq!(client.ask(&url, &body).await.end, End::Proper);
    let second = client.ask(&url, &body).await;
    assert_eq!((second.status, second.end), (0, End::Reset));
    assert_eq!(
        Client::connect(&url).await.ask(&url, &body).await.end,
        End::Proper
    );
    let seen: Vec<_> = server
        .requests()
        .iter()
        .map(|it| (it.connection, it.reused()))
        .collect();
    assert_eq!(seen, [(0, false), (0, true), (1, false)]);
}

#[tokio::test]
async fn requests_are_recorded_whole() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let url = format!("{}/v1/messages?beta=true", server.url("plain"));
    let got = Client::connect(&url)
        .await
        .ask(&url, r#"{"stream":true}"#)
        .await;
    assert_eq!(got.header("content-type"), Some("text/event-stream"));
    let [seen] = &server.requests_of("plain")[..] else {
        panic!("one request")
    };
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/fault/plain/v1/messages?beta=true")
    );
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(seen.json().unwrap()["stream"], true);
    let done = server
        .wait_until(SOON, |seen| seen.iter().all(|it| it.finished))
        .await;
    assert!(done && !server.requests()[0].dropped);
    assert!(server.requests_of("crlf").is_empty());
}

#[tokio::test]
async fn a_client_that_hangs_up_is_seen() {
    let pace = Pace {
        patience: Duration::from_secs(60),
        ..quick()
    };
    let server = FaultServer::start_at(pace).await.unwrap();
    for (fault, wire, mode, expect) in scenes().filter(|(_, _, _, it)| it.drop_at.is_some()) {
        let (url, body) = raw::call(&server.url(fault.name), wire, mode);
        let mut client = Client::connect(&url).await;
        client.send(&url, &body).await;
        let before = server
            .requests_of(fault.name)
            .iter()
            .filter(|it| it.dropped)
            .count();
        if expect.drop_at == Some(DropAt::BeforeHeaders) {
            // Nothing comes, so the request itself has to be in before the client goes.
            let here = |path: &str| path.ends_with(url.rsplit("/fault/").next().unwrap());
            let arrived = server.wait_until(SOON, |seen| seen.iter().any(|it| here(&it.path)));
            assert!(arrived.await, "{}", fault.name);
        }
        drop(client);
        let gone = |seen: &[SeenRequest]| {
            let mine = seen
                .iter()
                .filter(|it| it.path.contains(&format!("/{}/", fault.name)));
            mine.filter(|it| it.dropped).count() > before
        };
        assert!(
            server.wait_until(SOON, gone).await,
            "{} {wire:?} {mode:?}",
            fault.name
        );
    }
    assert!(server.wait_for_drop("drop-after-text", SOON).await);
    assert!(!server.wait_for_drop("plain", Duration::ZERO).await);
}

#[tokio::test]
async fn a_flood_ends_when_the_client_hangs_up() {
    let pace = Pace {
        flood: usize::MAX >> 12,
        ..quick()
    };
    let server = FaultServer::start_at(pace).await.unwrap();
    let (url, body) = raw::call(&server.url("endless-body"), Wire::Gemini, Mode::Whole);
    let mut client = Client::connect(&url).await;
    client.send(&url, &body).await;
    drop(client);
    assert!(server.wait_for_drop("endless-body", SOON).await);
}

#[tokio::test]
async fn a_redirect_leads_to_a_host_that_answers_and_remembers() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    for wire in Wire::ALL {
        let got = fetch(&server, "redirect-307", wire, Mode::Stream).await;
        assert_eq!(got.status, 307);
        let to = got.header("location").unwrap().to_owned();
        assert!(to.starts_with("http://localhost:"), "{to}");
        let body = raw::call("", wire, Mode::Stream).1;
        let there = Client::connect(&to).await.ask(&to, &body).await;
        assert_eq!(there.status, 200);
        let values = raw::values(wire, Mode::Stream, &there.text());
        assert_eq!(raw::text(wire, &values), "Hello, wörld 🌍!");
    }
    assert_eq!(server.elsewhere().len(), Wire::ALL.len());
    assert!(
        server
            .elsewhere()
            .iter()
            .all(|it| it.header("authorization").is_some())
    );
}

#[tokio::test]
async fn a_mistaken_test_is_told_so() {
    let server = FaultServer::start_at(quick()).await.unwrap();
    let got = fetch(&server, "two-data-lines", Wire::Ollama, Mode::Stream).await;
    assert_eq!(got.status, 501);
    assert!(got.text().contains("JSON lines"));
    let url = server.url("plain").replace("plain", "plane") + "/api/chat";
    let got = Client::connect(&url).await.ask(&url, "{}").await;
    assert_eq!(got.status, 404);
    assert!(got.text().contains("drop-in-drip"));
}
