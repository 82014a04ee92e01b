//! A store in a file: several programs, a killed one, a full disk, a file that isn't one.
#![cfg(all(unix, feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_agent::{ConversationStore, History, KeptTurn};
use parlor_core::{ErrorKind, Message};
use parlor_store::Store;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TASK: &str = "PARLOR_STORE_TASK";
const FILE: &str = "PARLOR_STORE_FILE";

fn turn(text: &str) -> KeptTurn {
    let mut history = History::new();
    history.add(Message::user(text));
    history.turns()[0].clone().into()
}

/// Another program at the same file, which says `ready` for each turn it kept.
fn program(task: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "another_program", "--nocapture"]);
    command.env(TASK, task).env(FILE, file);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until the program has kept so many turns.
fn wait(child: &mut Child, turns: usize) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).filter(|line| line == "ready");
    assert_eq!(ready.take(turns).count(), turns);
}

/// Not a test by itself: what [`program`] runs.
#[tokio::test]
async fn another_program() {
    let (Ok(task), Ok(file)) = (std::env::var(TASK), std::env::var(FILE)) else {
        return;
    };
    let store = Store::sqlite(file).await.unwrap();
    let id = store.create(&task, None).await.unwrap();
    let mut last = None;
    let (turns, size) = match task.as_str() {
        "many" => (40, 10),
        "endless" => (usize::MAX, 1_000),
        _ => (1_000, 100_000),
    };
    for _ in 0..turns {
        match store.append(&id, last, &turn(&"word ".repeat(size))).await {
            Ok(kept) => last = Some(kept),
            Err(error) => {
                let kept = store.load(&id).await.unwrap();
                assert_eq!(kept.turns.last().copied(), last);
                println!("failed: {error} help: {}", error.help());
                return;
            }
        }
        println!("ready");
    }
}

#[tokio::test]
async fn several_programs_use_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a store? 100%#.db");
    let programs: Vec<Child> = (0..3)
        .map(|_| program("many", &file).spawn().unwrap())
        .collect();
    for program in programs {
        let ended = program.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    let store = Store::sqlite(&file).await.unwrap();
    let kept = store.list(10, 0).await.unwrap();
    assert_eq!(
        kept.iter().map(|info| info.turns).collect::<Vec<_>>(),
        [40, 40, 40]
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_killed_program_has_kept_what_it_said_it_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let mut child = program("endless", &file).spawn().unwrap();
    wait(&mut child, 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let store = Store::sqlite(&file).await.unwrap();
    let kept = store.list(1, 0).await.unwrap();
    assert!(kept[0].turns >= 5);
    let whole = store.load(&kept[0].id).await.unwrap();
    assert_eq!(whole.turns.len(), kept[0].turns as usize);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    // A file may grow to 4 MiB; to be told so instead of killed, the signal is ignored.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""]);
    let inner = program("full", &file);
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.env(TASK, "full").env(FILE, &file);
    let ended = shell.output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{told}");
    assert!(told.contains("failed: "), "{told}");
    let store = Store::sqlite(&file).await.unwrap();
    let info = &store.list(1, 0).await.unwrap()[0];
    assert_eq!(info.turns as usize, told.matches("ready").count());
    let last = store.load(&info.id).await.unwrap().turns.last().copied();
    store
        .append(&info.id, last, &turn("there is room again"))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "these are my notes, and they are long enough to be read",
    )
    .unwrap();
    let error = Store::sqlite(&text).await.unwrap_err();
    assert!(
        error.help().contains("isn't a database"),
        "{error}: {}",
        error.help()
    );
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("these are")
    );

    let missing = folder.path().join("no/folder/store.db");
    let error = Store::sqlite(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("no/folder"), "{error}");
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = Store::sqlite(&file).await.unwrap();
    let id = store.create("kept", None).await.unwrap();
    store.close().await;
    let newer = format!("sqlite://{}", file.display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&newer).await.unwrap();
    sqlx::query("UPDATE parlor_schema SET version = version + 1000")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let error = Store::sqlite(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("newer parlor"), "{error}");
    let pool = sqlx::AnyPool::connect(&newer).await.unwrap();
    sqlx::query("UPDATE parlor_schema SET version = version - 1000")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let store = Store::sqlite(&file).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap().info.title, "kept");
}
