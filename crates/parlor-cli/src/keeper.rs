//! Keeps what is said: the store is opened when the first request is under way.

mod growing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parlor::agent::{
    ConversationStore, History, Kept, KeptTurn, Summary, Turn, TurnId, TurnState, title_of,
};
use parlor::{Cost, Env, Error, ErrorKind, Message, Result, Role};
use parlor_store::Store;
use tokio::sync::OnceCell;

use crate::environment::env;
use crate::files::make_folder;
use crate::markdown::cells;
pub(crate) use growing::Growing;

/// Where things are kept, unless something else is said.
const FILE: &str = "parlor.db";

/// The store of this program's conversations, opened on first use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(Arc<OnceCell<Store>>);

impl Shelf {
    /// The store.
    pub(crate) async fn store(&self) -> Result<&Store> {
        self.0.get_or_try_init(open).await
    }
}

async fn open() -> Result<Store> {
    let path = place()?.ok_or_else(|| {
        Error::new(ErrorKind::Configuration, "no folder for data is known")
            .with_help("Set HOME, or PARLOR_STORE to a file.")
    })?;
    let opened = Store::sqlite(&path).await;
    opened.map_err(|error| {
        let message = format!("{}: {}", path.display(), error.message());
        Error::new(error.kind(), message)
            .with_help(error.help().to_owned())
            .with_source(error)
    })
}

/// Where the store is, in a folder that is there.
pub(crate) fn place() -> Result<Option<PathBuf>> {
    let path = path(&env());
    if let Some(folder) = path.as_deref().and_then(Path::parent) {
        make_folder(folder).map_err(|error| {
            let message = format!("cannot make the folder {}: {error}", folder.display());
            Error::new(ErrorKind::Configuration, message)
                .with_help("Change who may write there, or set PARLOR_STORE to a file elsewhere.")
        })?;
    }
    Ok(path)
}

/// The file of the store: `PARLOR_STORE`, else in the folder for data.
pub(crate) fn path(env: &Env) -> Option<PathBuf> {
    let file = env.get("PARLOR_STORE").filter(|path| !path.is_empty());
    let file = file.map(PathBuf::from);
    file.or_else(|| Some(parlor::data_folder(|name| env.get(name))?.join(FILE)))
}

/// One conversation and its place in the store. What can't be kept is said once,
/// and the conversation goes on.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    shelf: Shelf,
    /// Whether anything is kept.
    keeps: bool,
    id: Option<String>,
    /// The id that a person was told, which it is kept under.
    told: Option<String>,
    /// The turns of the history, in its order; `None` for one that couldn't be kept.
    turns: Vec<Option<TurnId>>,
    /// The turn whose answer is awaited, once its question is kept.
    awaited: Arc<OnceLock<TurnId>>,
    /// Whether its title says little, so that a later question may give a better one.
    may_be_renamed: bool,
}

impl Keeper {
    /// A new conversation; it gets its place with its first turn.
    pub(crate) fn new(shelf: Shelf, keeps: bool) -> Self {
        Self {
            shelf,
            keeps,
            id: None,
            told: None,
            turns: Vec::new(),
            awaited: Arc::default(),
            may_be_renamed: false,
        }
    }

    /// A conversation that is kept already; what follows isn't unless `keeps`.
    pub(crate) fn of(shelf: Shelf, kept: &Kept, keeps: bool) -> Self {
        if !keeps {
            return Self::new(shelf, false);
        }
        Self {
            shelf,
            keeps: true,
            id: Some(kept.info.id.clone()),
            told: None,
            turns: kept.turns.iter().copied().map(Some).collect(),
            awaited: Arc::default(),
            may_be_renamed: says_little(&kept.info.title) && is_of_first(kept),
        }
    }

    /// What the conversation is called by, once it is kept.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What it will be called by, once it is kept; `None` where it isn't going to be.
    pub(crate) fn name(&mut self) -> Option<&str> {
        if self.id.is_none() && self.keeps {
            self.told.get_or_insert_with(Store::new_id);
        }
        self.id.as_deref().or(self.told.as_deref())
    }

    /// What keeps the next turn as its answer comes, once [`begin`](Self::begin) has
    /// kept its question; without a question it is the last turn.
    pub(crate) fn growing(&mut self, provider: &str, has_question: bool) -> Growing {
        let last = self.turns.last().copied().flatten();
        let last = last.filter(|_| self.keeps && !has_question);
        self.awaited = Arc::new(last.map_or_else(OnceLock::new, OnceLock::from));
        Growing::new(self.shelf.clone(), Arc::clone(&self.awaited), provider)
    }

    /// Keeps turns that were there before the first one that is asked here.
    pub(crate) async fn bring(&mut self, system: Option<&str>, turns: &[Turn]) -> Result<()> {
        let mut brought = Ok(());
        let turns = if self.keeps { turns } else { &[] };
        for turn in turns {
            self.turns.push(None);
            if brought.is_ok() {
                let kept = turn.clone().into();
                brought = self.append(system, &turn.messages, &kept).await.map(drop);
            }
        }
        brought
    }

    /// Keeps the question of a turn whose answer is awaited.
    pub(crate) async fn begin(&mut self, system: Option<&str>, question: &[Message]) -> Result<()> {
        if !self.keeps {
            return Ok(());
        }
        let mut turn = Turn::new(question.to_vec());
        turn.state = TurnState::Interrupted;
        self.turns.push(None);
        let kept = self.append(system, question, &turn.into()).await?;
        self.awaited.get_or_init(|| kept);
        Ok(())
    }

    /// Keeps the turn as it is now, whether its question was kept or not.
    pub(crate) async fn write(&mut self, system: Option<&str>, turn: &KeptTurn) -> Result<()> {
        match self.turns.last() {
            Some(Some(at)) if self.keeps => self.shelf.store().await?.update(*at, turn).await,
            Some(None) if self.keeps => {
                let kept = self.append(system, &turn.turn.messages, turn).await?;
                self.awaited.get_or_init(|| kept);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Keeps the last turn of the history, which isn't kept yet and began with this.
    async fn append(
        &mut self,
        system: Option<&str>,
        said: &[Message],
        turn: &KeptTurn,
    ) -> Result<TurnId> {
        let store = self.shelf.store().await?;
        let title = said
            .iter()
            .filter(|message| message.role == Role::User)
            .map(title_of)
            // What stands before the question are worked examples.
            .rfind(|title| !title.is_empty());
        let says_little = title.as_deref().is_none_or(says_little);
        let id = match &self.id {
            Some(id) => {
                if let Some(title) = title.filter(|_| self.may_be_renamed && !says_little) {
                    store.set_title(id, &title).await?;
                    self.may_be_renamed = false;
                }
                id.clone()
            }
            None => {
                let title = title.unwrap_or_else(|| "(no text)".to_owned());
                let id = match &self.told {
                    Some(told) => store.create_as(told, &title, system).await?,
                    None => store.create(&title, system).await?,
                };
                self.may_be_renamed = says_little;
                self.id.insert(id).clone()
            }
        };
        let kept = store.append(&id, self.head(), turn).await?;
        if let Some(last) = self.turns.last_mut() {
            *last = Some(kept);
        }
        Ok(kept)
    }

    /// The last turn that is kept.
    fn head(&self) -> Option<TurnId> {
        self.turns.iter().rev().find_map(|turn| *turn)
    }

    /// Goes back to so many turns, and keeps the summary unless it is of more.
    pub(crate) async fn rewind(&mut self, turns: usize, summary: Option<&Summary>) -> Result<()> {
        if turns >= self.turns.len() {
            return Ok(());
        }
        self.turns.truncate(turns);
        let Some(id) = &self.id else { return Ok(()) };
        let store = self.shelf.store().await?;
        store.set_head(id, self.head()).await?;
        let summary = summary.filter(|summary| summary.turns <= turns);
        store.set_summary(id, summary).await
    }

    /// Keeps other instructions for the model.
    pub(crate) async fn set_system(&self, system: Option<&str>) -> Result<()> {
        match &self.id {
            Some(id) => self.shelf.store().await?.set_system(id, system).await,
            None => Ok(()),
        }
    }

    /// Calls the conversation by another title, for good.
    pub(crate) async fn set_title(&mut self, title: &str) -> Result<()> {
        self.may_be_renamed = false;
        match &self.id {
            Some(id) => self.shelf.store().await?.set_title(id, title).await,
            None => Ok(()),
        }
    }

    /// Keeps a summary of the first turns, or none.
    pub(crate) async fn set_summary(&self, summary: Option<&Summary>) -> Result<()> {
        match &self.id {
            Some(id) => self.shelf.store().await?.set_summary(id, summary).await,
            None => Ok(()),
        }
    }

    /// Another conversation with the same turns, which is gone on with from here.
    pub(crate) async fn fork(&mut self) -> Result<Option<&str>> {
        let Some(id) = &self.id else { return Ok(None) };
        let store = self.shelf.store().await?;
        let fork = store.fork(id, self.head()).await?;
        let kept = store.load(&fork).await?;
        let mut forked = kept.turns.into_iter();
        for turn in self.turns.iter_mut().filter(|turn| turn.is_some()) {
            *turn = forked.next();
        }
        self.id = Some(fork);
        Ok(self.id())
    }
}

/// Whether a title tells nothing of what is talked about, as a greeting does.
fn says_little(title: &str) -> bool {
    title.split_whitespace().count() < 3 && cells(title) < 12
}

/// Whether the title is still the first question's, and not a person's.
fn is_of_first(kept: &Kept) -> bool {
    let first = kept.history.turns().first();
    let said = first.into_iter().flat_map(|turn| &turn.messages);
    said.map(title_of).any(|title| title == kept.info.title)
}

/// A kept conversation: the one that is named, or the one that changed last.
pub(crate) async fn find(shelf: &Shelf, named: &str) -> Result<Kept> {
    let store = shelf.store().await?;
    let id = match named {
        "" => store
            .list(1, 0)
            .await?
            .into_iter()
            .next()
            .map(|info| info.id),
        named => Some(store.resolve(named).await?),
    };
    let id = id.ok_or_else(|| {
        Error::new(ErrorKind::Validation, "no conversation is kept yet")
            .with_help("Begin one: parlor")
    })?;
    store.load(&id).await
}

/// What a turn began with: worked examples too, where it has them.
pub(crate) fn question(turn: &Turn) -> Vec<Message> {
    let asked = |message: &Message| message.role == Role::User;
    let said = turn.messages.iter().rposition(asked);
    let said = said.and_then(|last| turn.messages.get(..=last));
    said.unwrap_or_default().to_vec()
}

/// Takes out of a request's messages what comes before its last turn.
pub(crate) fn earlier(said: &mut Vec<Message>) -> Vec<Turn> {
    let asked = |message: &Message| message.role == Role::User;
    let Some(last) = said.iter().rposition(asked) else {
        return Vec::new();
    };
    let mut history = History::new();
    said.drain(..last).for_each(|message| history.add(message));
    history.turns().to_vec()
}

/// Tells a person that a conversation isn't kept.
pub(crate) fn unkept(error: &Error) -> String {
    format!(
        "warning: this conversation isn't kept: {error}. {}",
        error.help()
    )
}

/// A turn as it is kept, with what its answer tells.
pub(crate) fn kept(turn: &Turn, provider: &str, cost: Option<Cost>) -> KeptTurn {
    let mut kept = KeptTurn::from(turn.clone());
    kept.provider = Some(provider.to_owned());
    kept.cost = cost;
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(text: &str) -> KeptTurn {
        Turn::new(vec![Message::user(text)]).into()
    }

    /// What is kept of the conversation.
    async fn texts(keeper: &Keeper) -> Vec<String> {
        let store = keeper.shelf.store().await.unwrap();
        let kept = store.load(keeper.id().unwrap()).await.unwrap();
        let turns = kept.history.turns().iter();
        turns.map(|turn| turn.messages[0].text()).collect()
    }

    #[tokio::test]
    async fn a_question_that_could_not_be_kept_overwrites_no_other() {
        let store = Store::memory().await.unwrap();
        let shelf = Shelf(Arc::new(OnceCell::from(store)));
        let mut keeper = Keeper::new(shelf, true);
        for text in ["first", "second", "third"] {
            let _ = keeper.growing("acme", true);
            let id = keeper.id.clone();
            if text == "second" {
                keeper.id = Some("gone".to_owned());
            }
            let begun = keeper.begin(None, &[Message::user(text)]).await;
            assert_eq!(begun.is_err(), text == "second");
            if text == "second" {
                keeper.id = id;
            }
            keeper.write(None, &turn(text)).await.unwrap();
        }
        assert_eq!(texts(&keeper).await, ["first", "second", "third"]);
        keeper.fork().await.unwrap();
        keeper.rewind(2, None).await.unwrap();
        assert_eq!(texts(&keeper).await, ["first", "second"]);
    }
}
