//! Picking one of the conversations that are kept: a list below the cursor, in the primary screen.

mod list;

use std::io::{self, Stderr, Write as _};

use crossterm::event::{self, Event, KeyEventKind};
use parlor::agent::{ConversationStore, Found, Kept};
use parlor::{Error, ErrorKind};
use tokio::runtime::Runtime;

use crate::args::{self, ChatArgs};
use crate::failure::Failure;
use crate::keeper::{self, Shelf};
use crate::prompt::Raw;
use crate::screen::{self, Screen};
use crate::terminal::Terminal;
use list::{Item, List, Wanted};

/// The most conversations that are listed at once.
const MOST: u32 = 200;

/// How one asks on the command line to be shown the list: neither is an id.
pub(crate) const WORDS: &[&str] = &["?", "pick"];

/// Whether a person can pick here.
pub(crate) fn can(terminal: &Terminal) -> bool {
    terminal.stdin && terminal.stderr && !terminal.dumb
}

/// The conversation that the command line means, if it means one: by its id, the last
/// one, or the one that a person picks.
pub(crate) fn meant(
    shelf: &Shelf,
    runtime: &Runtime,
    args: &ChatArgs,
    terminal: &Terminal,
) -> Result<Option<Kept>, Failure> {
    let Some(named) = args.going.named() else {
        return Ok(None);
    };
    if !WORDS.contains(&named) {
        if let (true, [word, ..]) = (named.is_empty(), args.prompt.as_slice()) {
            let found = runtime.block_on(async { shelf.store().await?.resolve(word).await });
            // Asked in the last conversation it would be of no use.
            if found.is_ok_and(|id| id == *word) {
                return Err(args::joined("-c", word));
            }
        }
        return Ok(Some(runtime.block_on(keeper::find(shelf, named))?));
    }
    match pick(shelf, runtime, "", terminal)? {
        Some(id) => Ok(Some(runtime.block_on(keeper::find(shelf, &id))?)),
        None => Err(Error::new(ErrorKind::Cancelled, "nothing was picked").into()),
    }
}

/// Lets a person pick a conversation, from those with some words at first. It
/// gives the id; `None` when the person would rather not.
pub(crate) fn pick(
    shelf: &Shelf,
    runtime: &Runtime,
    words: &str,
    terminal: &Terminal,
) -> Result<Option<String>, Failure> {
    if !can(terminal) {
        return Err(
            Failure::usage("nothing can be picked where there is no terminal")
                .help("parlor history lists conversations; parlor -c=ID goes on with one"),
        );
    }
    let mut list = List::new(words, terminal.colour);
    list.show(runtime.block_on(found(shelf, words))?);
    let mut page = Page::begin()?;
    let picked = picked(shelf, runtime, &mut list, &mut page);
    page.end()?;
    picked
}

fn picked(
    shelf: &Shelf,
    runtime: &Runtime,
    list: &mut List,
    page: &mut Page,
) -> Result<Option<String>, Failure> {
    loop {
        if let Some(id) = list.unread() {
            // A conversation that was deleted meanwhile has no preview.
            let kept = runtime.block_on(keeper::find(shelf, &id)).ok();
            list.preview(&id, kept.as_ref());
        }
        page.paint(list)?;
        let key = match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => key,
            _ => continue,
        };
        match list.key(key) {
            Wanted::Nothing => {}
            Wanted::Search => list.show(runtime.block_on(found(shelf, list.filter()))?),
            Wanted::Delete(id) => {
                runtime.block_on(async { shelf.store().await?.delete(&id).await })?;
                list.show(runtime.block_on(found(shelf, list.filter()))?);
            }
            Wanted::Take(id) => return Ok(Some(id)),
            Wanted::Leave => return Ok(None),
        }
    }
}

/// The newest conversations, or those where the words are said.
async fn found(shelf: &Shelf, words: &str) -> parlor::Result<Vec<Item>> {
    let store = shelf.store().await?;
    if words.trim().is_empty() {
        let infos = store.list(MOST, 0).await?;
        return Ok(infos
            .into_iter()
            .map(|info| Item::new(info, None))
            .collect());
    }
    let found = store.search(words, MOST).await?;
    let found = found.into_iter().map(|found| {
        let snippet = found.snippet.replace([Found::BEGIN, Found::END], "");
        Item::new(found.info, Some(snippet))
    });
    Ok(found.collect())
}

/// The list on the terminal, which hands over every key meanwhile.
struct Page {
    screen: Screen<Stderr>,
    _raw: Raw,
}

impl Page {
    fn begin() -> io::Result<Self> {
        let raw = Raw::enter()?;
        let mut out = io::stderr();
        out.write_all(b"\x1b[?25l")?;
        Ok(Self {
            screen: Screen::new(out),
            _raw: raw,
        })
    }

    fn paint(&mut self, list: &List) -> io::Result<()> {
        let (columns, lines) = screen::size();
        let rows = list.rows(columns, lines.saturating_sub(2));
        self.screen.paint(&[], rows, (columns, lines))
    }

    /// Leaves nothing of the list.
    fn end(mut self) -> io::Result<()> {
        self.screen.paint(&[], Vec::new(), screen::size())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // A terminal that is gone needs no cursor.
        let _ = io::stderr().write_all(b"\x1b[?25h");
    }
}
