//! What keys and pastes do beside what the line editor makes of them.

use std::sync::{Arc, Mutex, PoisonError};

use reedline::{
    Color, EditCommand, EditMode, Highlighter, PromptEditMode, ReedlineEvent, ReedlineRawEvent,
    StyledText,
};

use super::chips::Chips;

/// The line as it was painted last, or what was typed into an empty one since, and the
/// pastes that it stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Line>>);

#[derive(Debug, Default)]
struct Line {
    text: String,
    cursor: usize,
    chips: Chips,
    /// Whether the menu was sent away for this line.
    dismissed: bool,
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Line) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The line as it was painted last.
    pub(super) fn painted(&self) -> String {
        self.with(|line| line.text.clone())
    }

    /// What was entered, with what was pasted in place of its chips.
    pub(super) fn entered(&self, text: &str) -> String {
        self.with(|line| line.chips.whole(&line.chips.joined(text)))
    }

    /// This text was written elsewhere, and stands for itself.
    pub(super) fn holds(&self, exact: &str) {
        self.with(|line| line.chips.holds(exact));
    }
}

/// Opens a menu by itself where a line begins with a slash, and shows large
/// pastes as chips, which are erased whole.
pub(super) struct Keys {
    own: Box<dyn EditMode>,
    menu: &'static str,
    shared: Shared,
}

impl Keys {
    pub(super) fn new(own: Box<dyn EditMode>, menu: &'static str, shared: Shared) -> Self {
        Self { own, menu, shared }
    }
}

impl EditMode for Keys {
    fn parse_event(&mut self, event: ReedlineRawEvent) -> ReedlineEvent {
        let event = self.own.parse_event(event);
        self.shared.with(|line| {
            let mut commands = match event {
                ReedlineEvent::Esc => {
                    line.dismissed = true;
                    return event;
                }
                ReedlineEvent::Edit(commands) => commands,
                event => return event,
            };
            match commands.as_mut_slice() {
                [EditCommand::InsertString(pasted)] => match line.chips.chip(pasted) {
                    Some(chip) => *pasted = chip,
                    None => line.chips.holds(pasted),
                },
                [EditCommand::Backspace] => {
                    let before = line.text.get(..line.cursor).unwrap_or_default();
                    let letters = line.chips.length_at_end(before);
                    commands.resize(letters.max(1), EditCommand::Backspace);
                    // What is painted next tells; until then it is erased one by one.
                    line.cursor = 0;
                }
                _ => {}
            }
            let begins = line.text.is_empty()
                && matches!(commands.as_slice(), [EditCommand::InsertChar('/')]);
            let goes_on = line.text.starts_with('/') && !line.text.contains('\n');
            // It isn't empty from here on, whether it is painted or not.
            if line.text.is_empty() {
                match commands.as_slice() {
                    [EditCommand::InsertChar(typed)] => line.text.push(*typed),
                    [EditCommand::InsertString(pasted)] => line.text.push_str(pasted),
                    _ => {}
                }
            }
            if begins {
                line.dismissed = false;
            } else if !goes_on || line.dismissed {
                return ReedlineEvent::Edit(commands);
            }
            let menu = ReedlineEvent::Menu(self.menu.to_owned());
            ReedlineEvent::Multiple(vec![ReedlineEvent::Edit(commands), menu])
        })
    }

    fn edit_mode(&self) -> PromptEditMode {
        self.own.edit_mode()
    }
}

/// Paints the line, its chips apart, and remembers it for the keys.
pub(super) struct Paint(pub(super) Shared);

impl Highlighter for Paint {
    fn highlight(&self, text: &str, cursor: usize) -> StyledText {
        self.0.with(|line| {
            text.clone_into(&mut line.text);
            line.cursor = cursor;
            line.dismissed &= !text.is_empty();
            let mut styled = StyledText::new();
            for (piece, is_chip) in line.chips.pieces(text) {
                let style = match is_chip {
                    true => Color::Cyan.reverse(),
                    false => Default::default(),
                };
                styled.push((style, piece.to_owned()));
            }
            styled
        })
    }
}
