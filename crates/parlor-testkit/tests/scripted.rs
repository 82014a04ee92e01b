//! The scripted model fails a test whose script panics, and doesn't hold it up.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use parlor_core::ChatModelExt;
use parlor_testkit::{Script, Scripted};

/// How long a test that is held up is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_script_that_panics_ends_the_call_and_leaves_the_model_usable() {
    let model = Scripted::with(|call, _| match call {
        0 => panic!("the script says so"),
        _ => Some(Script::text("Hello")),
    });
    let (sender, receiver) = mpsc::channel();
    let asked = model.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        let mut ask = || runtime.block_on(asked.ask("Hi"));
        let panicked = catch_unwind(AssertUnwindSafe(&mut ask)).is_err();
        let answer = ask().map(|it| it.text());
        sender.send((panicked, answer)).unwrap();
    });
    let (panicked, answer) = receiver.recv_timeout(PATIENCE).unwrap();
    assert!(panicked, "the panic reaches whoever asked");
    assert_eq!(answer.unwrap(), "Hello");
    let exchanges = model.exchanges();
    assert_eq!((exchanges.begun, exchanges.open), (2, 0));
    assert_eq!(exchanges.abandoned, 1);
}
