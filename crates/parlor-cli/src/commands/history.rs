//! `parlor history`: the conversations that are kept.

use parlor::Result;
use parlor::agent::{ConversationStore, Found, KeptInfo};

use tokio::runtime::Runtime;

use crate::args::{self, Command, HistoryArgs, ListForm, Parsed};
use crate::converse::turns;
use crate::failure::Failure;
use crate::keeper::Shelf;
use crate::output::escaped;
use crate::terminal::{self, Terminal};
use crate::{pick, setup};

/// Lists conversations, or finds words in them.
pub(crate) fn history(args: &HistoryArgs) -> std::result::Result<(), Failure> {
    let shelf = Shelf::default();
    let runtime = setup::runtime()?;
    let words = args.words.join(" ");
    if let Some(id) = &args.delete {
        return runtime.block_on(async {
            let store = shelf.store().await?;
            let id = store.resolve(id).await?;
            store.delete(&id).await?;
            terminal::say(&format!("{id} is deleted.\n"))?;
            Ok(())
        });
    }
    if let Some(id) = &args.show {
        let kept = runtime.block_on(crate::keeper::find(&shelf, id))?;
        return Ok(terminal::say(&terminal::printable(
            &crate::export::markdown(&kept.history),
        ))?);
    }
    match args.listing.form() {
        ListForm::Json => {
            let found = runtime.block_on(found(&shelf, &words, args.limit))?;
            let infos: Vec<KeptInfo> = found.into_iter().map(|(info, _)| info).collect();
            let json = serde_json::to_string(&infos).map_err(std::io::Error::other)?;
            terminal::say(&format!("{}\n", escaped(json)))?;
        }
        ListForm::Text if !args.list && can_pick(args) => {
            pick_and_go_on(args, &shelf, &runtime, &words)?
        }
        ListForm::Text => {
            let lines = runtime.block_on(listed(&shelf, &words, args.limit))?;
            if lines.is_empty() {
                terminal::complain("Nothing like this is kept.\n");
            }
            for line in lines {
                terminal::say(&format!("{}\n", terminal::printable(&line)))?;
            }
        }
    }
    Ok(())
}

fn can_pick(args: &HistoryArgs) -> bool {
    let terminal = Terminal::find(args.common.plain, args.common.quiet);
    terminal.stdout && pick::can(&terminal)
}

/// Goes on with what a person picks.
fn pick_and_go_on(
    args: &HistoryArgs,
    shelf: &Shelf,
    runtime: &Runtime,
    words: &str,
) -> std::result::Result<(), Failure> {
    let terminal = Terminal::find(args.common.plain, args.common.quiet);
    let Some(id) = pick::pick(shelf, runtime, words, &terminal)? else {
        return Ok(());
    };
    let mut line = vec!["parlor".into(), "chat".into(), format!("-c={id}").into()];
    if let Some(config) = &args.common.config {
        line.extend(["--config".into(), config.clone().into_os_string()]);
    }
    if let Some(profile) = &args.common.profile {
        line.extend(["--profile".into(), profile.into()]);
    }
    match args::parse(line)? {
        Parsed::Command(Command::Chat(chat)) => super::chat(&chat),
        _ => Ok(()),
    }
}

/// Conversations as lines: the newest, or those where the words are said.
pub(crate) async fn listed(shelf: &Shelf, words: &str, limit: u32) -> Result<Vec<String>> {
    let found = found(shelf, words, limit).await?;
    let lines = found.into_iter().map(|(info, snippet)| {
        let age = age(info.updated_ms);
        let turns = turns(info.turns as usize);
        let mut line = format!("{:<5} {:<60} {turns:>9}  {age}", info.id, info.title);
        if let Some(snippet) = snippet {
            let snippet: Vec<&str> = snippet.split_whitespace().collect();
            line.push_str(&format!("\n      {}", snippet.join(" ")));
        }
        line
    });
    Ok(lines.collect())
}

async fn found(shelf: &Shelf, words: &str, limit: u32) -> Result<Vec<(KeptInfo, Option<String>)>> {
    let store = shelf.store().await?;
    if words.trim().is_empty() {
        let infos = store.list(limit, 0).await?;
        return Ok(infos.into_iter().map(|info| (info, None)).collect());
    }
    let found = store.search(words, limit).await?;
    let found = found.into_iter().map(|found| {
        let snippet = found.snippet.replace([Found::BEGIN, Found::END], "");
        (found.info, Some(snippet))
    });
    Ok(found.collect())
}

/// How long ago, in the largest unit that tells something.
pub(crate) fn age(ms: i64) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    let passed = i64::try_from(now.as_millis())
        .unwrap_or(i64::MAX)
        .saturating_sub(ms);
    let minutes = passed / 60_000;
    match minutes {
        ..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}
