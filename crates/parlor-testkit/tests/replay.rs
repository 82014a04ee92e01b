//! Recordings are played back as they were; skipped where the folder is absent.
#![allow(clippy::unwrap_used, reason = "tests")]

mod raw;

use parlor_testkit::{Cassette, Cuts, ReplayServer};
use raw::{Client, End};

const ALL: [Cuts; 3] = [Cuts::Whole, Cuts::Bytes, Cuts::Seeded(7)];

#[test]
fn cuts_keep_every_byte() {
    let body: Vec<u8> = (0..=255).cycle().take(5000).collect();
    for cuts in ALL {
        assert_eq!(cuts.cut(&body).concat(), body, "{cuts:?}");
        assert!(cuts.cut(&body).iter().all(|it| !it.is_empty()), "{cuts:?}");
    }
    assert_eq!(Cuts::Bytes.cut(&body).len(), 5000);
    assert_eq!(Cuts::Seeded(7).cut(&body), Cuts::Seeded(7).cut(&body));
    assert_ne!(Cuts::Seeded(7).cut(&body), Cuts::Seeded(8).cut(&body));
}

#[tokio::test]
async fn every_recording_of_a_dialect_is_played_back() {
    let Some(cassettes) = Cassette::load_all("anthropic-messages") else {
        return;
    };
    for cuts in ALL {
        let server = ReplayServer::start(cassettes.clone(), cuts).await.unwrap();
        // A body byte by byte takes its time; the cuts are proved by a few.
        let few = if cuts == Cuts::Whole {
            cassettes.len()
        } else {
            16
        };
        for cassette in &cassettes[..few] {
            let recorded = &cassette.response;
            let url = format!("{}{}", server.url(cassette), cassette.request.path);
            let mut client = Client::connect(&url).await;
            // Twice, since a connection is kept.
            for _ in 0..2 {
                let got = client.ask(&url, "{}").await;
                assert_eq!((got.status, got.end), (recorded.status, End::Proper));
                assert!(got.body() == recorded.body, "{} {cuts:?}", cassette.id());
                let kind = recorded.headers.get("content-type").map(String::as_str);
                assert_eq!(got.header("content-type"), kind);
                assert_eq!(got.header("content-encoding"), None);
            }
            let seen = server.requests_of(cassette);
            assert_eq!(seen.len(), 2, "{}", cassette.id());
            assert!(seen[0].path.ends_with(&cassette.request.path) && seen[1].reused());
        }
    }
}

#[tokio::test]
async fn an_unknown_recording_is_told_so() {
    let server = ReplayServer::start([], Cuts::Whole).await.unwrap();
    let Some(cassettes) = Cassette::load_all("gemini") else {
        return;
    };
    let url = server.url(&cassettes[0]);
    let got = Client::connect(&url).await.ask(&url, "").await;
    assert_eq!(got.status, 404);
}
