//! The menu under a line that can be completed: it shows, and takes no key until something in it is chosen.

use reedline::menu_functions::{replace_in_buffer, resolve_completer_input};
use reedline::{Completer, Editor, Menu, MenuEvent, MenuSettings, Painter, Suggestion};

use crate::markdown::{cells, cut};

/// The most rows.
const ROWS: usize = 10;

const CHOSEN: &str = "\u{1b}[7m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// A list of how the line may go on. As long as nothing in it is chosen, Enter
/// is the line's.
pub(super) struct Popup {
    settings: MenuSettings,
    input: Option<String>,
    active: bool,
    /// Whether it was opened by the key that is handled now.
    opened: bool,
    /// Whether the line changed since the suggestions were made.
    stale: bool,
    /// Whether the only suggestion was taken, so that none is chosen next.
    taken: bool,
    suggestions: Vec<Suggestion>,
    chosen: Option<usize>,
    columns: usize,
}

impl Popup {
    pub(super) fn new(name: &str, prompt: &str) -> Self {
        Self {
            settings: MenuSettings::default().with_name(name).with_marker(prompt),
            input: None,
            active: false,
            opened: false,
            stale: false,
            taken: false,
            suggestions: Vec::new(),
            chosen: None,
            columns: 0,
        }
    }

    /// Chooses so many further, around the end.
    fn choose(&mut self, by: isize) {
        let count = self.suggestions.len();
        self.chosen = match (count, self.chosen) {
            (0, _) => None,
            (_, None) if by < 0 => Some(count - 1),
            (_, None) => Some(0),
            (_, Some(at)) => Some((at + count).saturating_add_signed(by) % count),
        };
    }

    /// The suggestions that are in view: from which on, and how many.
    fn view(&self, lines: usize) -> (usize, usize) {
        let rows = ROWS.min(lines).max(1);
        let from = self.chosen.map_or(0, |at| (at + 1).saturating_sub(rows));
        (from, rows.min(self.suggestions.len() - from))
    }
}

impl Menu for Popup {
    fn settings(&self) -> &MenuSettings {
        &self.settings
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn set_active(&mut self, active: bool) {
        self.active = active;
    }

    fn clear_input(&mut self) {
        self.input = None;
    }

    fn menu_event(&mut self, event: MenuEvent) {
        self.handle_menu_event(&event);
        match event {
            MenuEvent::Activate(_) => {
                (self.opened, self.stale, self.chosen) = (true, true, None);
            }
            MenuEvent::Deactivate => {
                self.suggestions.clear();
                self.chosen = None;
            }
            MenuEvent::Edit(_) => (self.stale, self.chosen) = (true, None),
            _ if std::mem::take(&mut self.taken) => {}
            MenuEvent::NextElement | MenuEvent::MoveDown | MenuEvent::MoveRight => self.choose(1),
            MenuEvent::PreviousElement | MenuEvent::MoveUp | MenuEvent::MoveLeft => {
                self.choose(-1);
            }
            MenuEvent::NextPage => self.choose(ROWS as isize),
            MenuEvent::PreviousPage => self.choose(-(ROWS as isize)),
        }
    }

    fn can_quick_complete(&self) -> bool {
        false
    }

    /// Tab takes the only suggestion at once. Opening takes nothing.
    fn can_partially_complete(
        &mut self,
        _: bool,
        editor: &mut Editor,
        completer: &mut dyn Completer,
    ) -> bool {
        if std::mem::take(&mut self.opened) {
            return false;
        }
        self.update_values(editor, completer);
        self.taken = self.suggestions.len() == 1;
        if self.taken {
            replace_in_buffer(self.suggestions.pop(), editor, None);
            (self.stale, self.chosen) = (true, None);
        }
        self.taken
    }

    fn update_values(&mut self, editor: &mut Editor, completer: &mut dyn Completer) {
        let (line, at) = resolve_completer_input(editor, &mut self.input, &self.settings);
        self.suggestions = completer.complete(&line, at).suggestions().to_vec();
        self.stale = false;
    }

    fn reset_position(&mut self) {
        self.chosen = None;
    }

    fn update_working_details(
        &mut self,
        editor: &mut Editor,
        completer: &mut dyn Completer,
        painter: &Painter,
    ) {
        self.opened = false;
        self.columns = painter.screen_width().into();
        if self.stale {
            self.update_values(editor, completer);
        }
        // What has nothing to show is no menu: the arrows are the line's again.
        self.active = !self.suggestions.is_empty();
    }

    fn replace_in_buffer(&self, editor: &mut Editor) {
        let chosen = self.chosen.and_then(|at| self.suggestions.get(at));
        replace_in_buffer(chosen.cloned(), editor, None);
    }

    fn menu_required_lines(&self, _: u16) -> u16 {
        self.min_rows()
    }

    fn menu_string(&self, available_lines: u16, colour: bool) -> String {
        let (from, count) = self.view(available_lines.into());
        let shown = self.suggestions.iter().enumerate().skip(from).take(count);
        let widest = shown.clone().map(|(_, it)| cells(it.display_value()));
        let widest = widest.max().unwrap_or(0).min(self.columns / 2);
        let more = self.suggestions.len() - from - count;
        let rows = shown.map(|(at, suggestion)| {
            let room = self.columns.saturating_sub(3);
            let name = cut(suggestion.display_value(), room);
            let blank = widest.saturating_sub(cells(&name));
            let is_last = at + 1 == from + count;
            let about = suggestion.description.as_deref().unwrap_or_default();
            let others = match is_last && more > 0 {
                true => format!("  (and {more} more)"),
                false => String::new(),
            };
            let left = room.saturating_sub(cells(&name) + blank + 2 + cells(&others));
            let about = cut(
                &(cut(about, left) + &others),
                room.saturating_sub(cells(&name) + blank + 2),
            );
            let is_chosen = self.chosen == Some(at);
            let name = match (colour, is_chosen) {
                (true, true) => format!("  {CHOSEN}{name}{RESET}"),
                (false, true) => format!("> {name}"),
                (_, false) => format!("  {name}"),
            };
            match about.is_empty() {
                true => name,
                false if colour && !is_chosen => {
                    format!("{name}{:blank$}  {DIM}{about}{RESET}", "")
                }
                false => format!("{name}{:blank$}  {about}", ""),
            }
        });
        rows.collect::<Vec<_>>().join("\r\n")
    }

    fn min_rows(&self) -> u16 {
        self.suggestions.len().min(ROWS) as u16
    }

    /// What Enter may take: nothing unless something is chosen.
    fn get_values(&self) -> &[Suggestion] {
        match self.chosen {
            Some(_) => &self.suggestions,
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_any_terminal() {
        let mut popup = Popup::new("menu", "› ");
        let words = ["/model [MODEL]", "/think [on|off|EFFORT]", "/鯨"]
            .into_iter()
            .cycle();
        let suggestions = words.take(12).map(|word| Suggestion {
            display_override: Some(word.to_owned()),
            description: Some("what it does, in several words".to_owned()),
            ..Suggestion::default()
        });
        popup.suggestions = suggestions.collect();
        for (columns, chosen) in (8..60).flat_map(|it| [(it, None), (it, Some(1))]) {
            (popup.columns, popup.chosen) = (columns, chosen);
            for colour in [true, false] {
                let rows = popup.menu_string(20, colour);
                let widest = rows.lines().map(cells).max();
                assert!(widest < Some(columns), "{columns}: {rows}");
            }
        }
    }
}
