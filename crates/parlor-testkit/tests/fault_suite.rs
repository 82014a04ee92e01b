//! The suite plays the table against a client and says what the client does otherwise.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use parlor_core::{Echo, Error, ErrorKind};
use parlor_testkit::fault::{FAULTS, FaultOutcome, FaultSuite, Mode, Wire};
use parlor_testkit::{Pace, Script, Scripted};

#[tokio::test]
async fn every_case_has_a_row_in_each_mode_and_a_deaf_client_fails() {
    let names = ["plain", "unauthorized", "drop-before-headers", "cr"];
    let suite = FaultSuite::new(Wire::Ollama, |_| Arc::new(Echo::new())).only(names);
    let report = suite.run().await.unwrap();
    let rows: Vec<(&str, Mode, bool, bool)> = (report.rows.iter())
        .map(|row| {
            let failed = matches!(row.outcome, FaultOutcome::Failed(_));
            let absent = matches!(row.outcome, FaultOutcome::Absent(_));
            (row.fault.name, row.mode, failed, absent)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("plain", Mode::Whole, true, false),
            ("plain", Mode::Stream, true, false),
            ("cr", Mode::Whole, false, true),
            ("cr", Mode::Stream, false, true),
            ("unauthorized", Mode::Whole, true, false),
            ("unauthorized", Mode::Stream, true, false),
            ("drop-before-headers", Mode::Whole, true, false),
            ("drop-before-headers", Mode::Stream, true, false),
        ]
    );
    assert_eq!(
        report.counts(),
        [(1, 0, 2), (6, 0, 0), (15, 0, 2), (39, 0, 2)]
    );
    let shown = report.to_string();
    assert!(
        shown.contains("text: expected \"Hello, wörld 🌍!\", got \"Hello there\""),
        "{shown}"
    );
    assert!(
        shown.contains("it didn't fail, but gave \"Hello there\""),
        "{shown}"
    );
    let asserted = std::panic::catch_unwind(|| report.assert());
    assert!(asserted.is_err());
}

#[tokio::test]
async fn a_client_that_does_what_is_right_passes() {
    let model = |_: &str| -> Arc<dyn parlor_core::ChatModel> {
        Arc::new(Scripted::with(|_, _| {
            let error = Error::new(ErrorKind::Authentication, "the key is not valid");
            Some(Script::refuses(error.with_status(401)))
        }))
    };
    let suite = FaultSuite::new(Wire::Gemini, model);
    let report = suite.only(["unauthorized"]).run().await.unwrap();
    report.assert();
    assert_eq!(report.counts(), [(15, 2, 0)]);
}

#[tokio::test]
async fn whole_tables_are_played() {
    let pace = Pace {
        patience: Duration::from_millis(50),
        ..Pace::default()
    };
    let suite = FaultSuite::new(Wire::OpenAiChat, |_| Arc::new(Echo::new()));
    let report = suite.pace(pace).run().await.unwrap();
    assert_eq!(report.rows.len(), 2 * FAULTS.len());
    let numbers: Vec<u8> = report.counts().iter().map(|it| it.0).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<u8>>());
}
