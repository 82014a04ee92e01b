//! The list itself: what keys do to it, and its rows. It touches no terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use parlor::agent::{Kept, KeptInfo};

use crate::commands::history::age;
use crate::converse::{first_line, money, turns};
use crate::markdown::{cells, cut};
use crate::terminal::printable;

/// The rows of one conversation, and those that its preview adds.
const ROWS: usize = 2;
const PREVIEW: usize = 2;
/// The rows above and below the conversations.
const AROUND: usize = 2;
/// Below so many columns model and cost are left out.
const NARROW: usize = 50;
/// Below so many, the age too.
const NARROWER: usize = 30;

const DIM: &str = "\u{1b}[2m";
const CHOSEN: &str = "\u{1b}[7m";
const RESET: &str = "\u{1b}[0m";

/// One conversation.
pub(super) struct Item {
    info: KeptInfo,
    /// The place where the words of the filter stand, or the last turn.
    preview: Option<String>,
}

impl Item {
    pub(super) fn new(info: KeptInfo, snippet: Option<String>) -> Self {
        Self {
            info,
            preview: snippet,
        }
    }
}

/// What a key asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// Conversations by the filter as it is now.
    Search,
    Delete(String),
    Take(String),
    Leave,
}

/// Conversations, one of which is chosen.
pub(super) struct List {
    filter: String,
    /// Whether letters are the filter's, `d` too.
    filtering: bool,
    items: Vec<Item>,
    at: usize,
    /// Whether it was asked if the chosen one is to be deleted.
    deleting: bool,
    colour: bool,
}

impl List {
    pub(super) fn new(filter: &str, colour: bool) -> Self {
        Self {
            filtering: !filter.is_empty(),
            filter: filter.to_owned(),
            items: Vec::new(),
            at: 0,
            deleting: false,
            colour,
        }
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// Lists these from now on.
    pub(super) fn show(&mut self, items: Vec<Item>) {
        self.items = items;
        self.at = self.at.min(self.items.len().saturating_sub(1));
    }

    /// The chosen conversation, where nothing of it is known but its title.
    pub(super) fn unread(&self) -> Option<String> {
        let chosen = self.items.get(self.at)?;
        chosen.preview.is_none().then(|| chosen.info.id.clone())
    }

    /// Shows the end of a conversation with it.
    pub(super) fn preview(&mut self, id: &str, kept: Option<&Kept>) {
        let last = kept.and_then(|kept| kept.history.turns().last());
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = last.map(|turn| format!("› {}\n{}", first_line(turn), words(&turn.text())));
        if let Some(item) = self.items.iter_mut().find(|item| item.info.id == id) {
            item.preview = Some(told.unwrap_or_default());
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Wanted {
        let chosen = self.items.get(self.at).map(|item| item.info.id.clone());
        if std::mem::take(&mut self.deleting) {
            return match (key.code, chosen) {
                (KeyCode::Char('y' | 'Y'), Some(id)) => Wanted::Delete(id),
                _ => Wanted::Nothing,
            };
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc if !self.filter.is_empty() => {
                self.filter.clear();
                self.filtering = false;
                return self.search();
            }
            KeyCode::Esc => return Wanted::Leave,
            KeyCode::Char('c' | 'd') if is_control => return Wanted::Leave,
            KeyCode::Char('j' | 'm') if is_control => return taken(chosen),
            KeyCode::Char('n') if is_control => self.move_by(1),
            KeyCode::Char('p') if is_control => self.move_by(-1),
            KeyCode::Char('u') if is_control => {
                self.filter.clear();
                return self.search();
            }
            KeyCode::Char(_) if is_control => {}
            KeyCode::Enter => return taken(chosen),
            KeyCode::Up | KeyCode::BackTab => self.move_by(-1),
            KeyCode::Down | KeyCode::Tab => self.move_by(1),
            KeyCode::PageUp => self.move_by(-5),
            KeyCode::PageDown => self.move_by(5),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.items.len().saturating_sub(1),
            KeyCode::Delete => self.deleting = chosen.is_some(),
            KeyCode::Char('d') if !self.filtering => self.deleting = chosen.is_some(),
            KeyCode::Char('/') if !self.filtering => self.filtering = true,
            KeyCode::Backspace => {
                self.filtering &= self.filter.pop().is_some();
                return self.search();
            }
            KeyCode::Char(letter) => {
                self.filtering = true;
                self.filter.push(letter);
                return self.search();
            }
            _ => {}
        }
        Wanted::Nothing
    }

    fn search(&mut self) -> Wanted {
        self.at = 0;
        Wanted::Search
    }

    fn move_by(&mut self, by: isize) {
        let last = self.items.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    /// The rows for so much room.
    pub(super) fn rows(&self, columns: usize, lines: usize) -> Vec<String> {
        let width = columns.saturating_sub(1).max(8);
        let mut rows = vec![self.head(width)];
        let room = lines.saturating_sub(AROUND + PREVIEW) / ROWS;
        let from = (self.at + 1).saturating_sub(room.max(1));
        let shown = self.items.iter().enumerate().skip(from).take(room.max(1));
        for (at, item) in shown {
            rows.extend(self.item(item, at == self.at, width));
        }
        if self.items.is_empty() {
            rows.push("  Nothing like this is kept.".to_owned());
        }
        rows.push(self.dim(&cut(self.foot(), width)));
        rows
    }

    fn head(&self, width: usize) -> String {
        let told = match (self.filtering, self.items.len()) {
            (true, count) => format!("/{}▏ {count}", self.filter),
            (false, 1) => "1 conversation".to_owned(),
            (false, count) => format!("{count} conversations"),
        };
        cut(&printable(&told), width)
    }

    fn foot(&self) -> &'static str {
        match (self.deleting, self.filtering) {
            (true, _) => "Delete it with all that was said? y deletes, any other key doesn't.",
            (_, true) => "Enter goes on with it · arrows choose · Delete deletes · Esc shows all",
            _ => "Enter goes on with it · letters search · d deletes · Esc leaves",
        }
    }

    fn item(&self, item: &Item, is_chosen: bool, width: usize) -> Vec<String> {
        let info = &item.info;
        let mark = if is_chosen { "›" } else { " " };
        let age = match width {
            ..NARROWER => String::new(),
            _ => age(info.updated_ms),
        };
        let room = width.saturating_sub(4 + info.id.len() + age.len());
        let title = cut(&printable(&info.title), room);
        let blank = room.saturating_sub(cells(&title));
        let title = match is_chosen && self.colour {
            true => format!("{CHOSEN}{title}{RESET}"),
            false => title,
        };
        let first = format!("{mark} {} {title}{:blank$} {}", info.id, "", self.dim(&age));
        let mut told = vec![turns(info.turns as usize)];
        if width >= NARROW {
            told.extend(info.model.clone());
            told.extend(info.cost.as_ref().map(money));
        }
        let indent = " ".repeat(3 + info.id.len());
        let under = |text: &str| {
            let room = width.saturating_sub(indent.len());
            format!("{indent}{}", self.dim(&cut(&printable(text), room)))
        };
        let mut rows = vec![first, under(&told.join(" · "))];
        if is_chosen {
            let preview = item.preview.as_deref().unwrap_or_default();
            let lines = preview.lines().filter(|line| !line.trim().is_empty());
            rows.extend(lines.take(PREVIEW).map(under));
        }
        rows
    }

    fn dim(&self, text: &str) -> String {
        match self.colour {
            true => format!("{DIM}{text}{RESET}"),
            false => text.to_owned(),
        }
    }
}

fn taken(chosen: Option<String>) -> Wanted {
    chosen.map_or(Wanted::Nothing, Wanted::Take)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        let mut list = List::new("", false);
        let items = [("ab2c", "Der Wal, 鯨, und sonst nichts"), ("de3f", "x")];
        let items = items.map(|(id, title)| {
            let mut info = KeptInfo::default();
            info.id = id.to_owned();
            info.title = title.to_owned();
            info.turns = 2;
            info.model = Some("acme/quick-1".to_owned());
            Item::new(info, Some("one\ntwo\nthree".to_owned()))
        });
        list.show(items.into());
        list
    }

    fn press(list: &mut List, code: KeyCode) -> Wanted {
        list.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_choose_filter_delete_and_leave() {
        let mut list = list();
        press(&mut list, KeyCode::Down);
        assert_eq!(
            press(&mut list, KeyCode::Enter),
            Wanted::Take("de3f".to_owned())
        );
        press(&mut list, KeyCode::Char('d'));
        assert!(list.rows(80, 20).last().unwrap().contains("y deletes"));
        assert_eq!(press(&mut list, KeyCode::Enter), Wanted::Nothing);
        press(&mut list, KeyCode::Char('d'));
        let deleted = press(&mut list, KeyCode::Char('y'));
        assert_eq!(deleted, Wanted::Delete("de3f".to_owned()));
        assert_eq!(press(&mut list, KeyCode::Char('w')), Wanted::Search);
        assert_eq!(press(&mut list, KeyCode::Char('d')), Wanted::Search);
        assert_eq!(list.filter(), "wd");
        assert_eq!(press(&mut list, KeyCode::Esc), Wanted::Search);
        assert_eq!(press(&mut list, KeyCode::Esc), Wanted::Leave);
        list.show(Vec::new());
        assert_eq!(press(&mut list, KeyCode::Enter), Wanted::Nothing);
    }

    #[test]
    fn rows_fit_any_terminal() {
        for columns in [12, 24, 40, 80, 200] {
            for lines in [1, 3, 8, 30] {
                let rows = list().rows(columns, lines);
                assert!(
                    rows.iter().all(|row| cells(row) < columns),
                    "{columns}: {rows:#?}"
                );
                assert!(
                    rows.len() <= lines.max(AROUND + ROWS + PREVIEW),
                    "{lines}: {rows:#?}"
                );
            }
        }
        let rows = list().rows(80, 30);
        assert!(rows[1].starts_with("› ab2c Der Wal"), "{rows:#?}");
        assert!(rows[2].contains("2 turns · acme/quick-1"), "{rows:#?}");
        assert_eq!(rows[3].trim(), "one");
    }
}
