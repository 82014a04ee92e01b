//! The line editor for terminals: menus, several lines, history, an editor of one's own.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reedline::{
    ColumnarMenu, CompletionResult, EditCommand, FileBackedHistory, MenuBuilder, Prompt,
    PromptEditMode, PromptHistorySearch, Reedline, ReedlineMenu, Signal, Span, Suggestion,
    ValidationResult, Validator,
};

use super::bindings::edit_mode;
use super::keys::{Keys, Paint, Shared};
use super::memory::Memory;
use super::popup::Popup;
use super::{Completer, Entered, LineEditor, PROMPT};
use crate::edit;
use crate::terminal;

pub(super) const MENU: &str = "completion";
const HISTORY: usize = 10_000;

pub(crate) struct Rich {
    editor: Reedline,
    shared: Shared,
}

impl Rich {
    /// An editor that begins with what was typed already.
    pub(crate) fn new(
        completer: Box<Completer>,
        keys: terminal::Keys,
        colour: bool,
        ended: Arc<AtomicBool>,
        typed: &str,
    ) -> Self {
        let shared = Shared::default();
        let mut editor = Reedline::create()
            .with_ansi_colors(colour)
            .use_bracketed_paste(true)
            .use_kitty_keyboard_enhancement(true)
            .with_break_signal(ended)
            .with_completer(Box::new(Words(completer)))
            .with_partial_completions(true)
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(Popup::new(
                MENU, PROMPT,
            ))))
            .with_highlighter(Box::new(Paint(shared.clone())))
            .with_menu(ReedlineMenu::HistoryMenu(Box::new(
                ColumnarMenu::default().with_name("history"),
            )))
            .with_validator(Box::new(Backslash))
            .with_edit_mode(Box::new(Keys::new(edit_mode(keys), MENU, shared.clone())));
        let folder = parlor::data_folder(|name| std::env::var(name).ok());
        if let Some(folder) = folder.filter(|_| !crate::files::leaves_nothing()) {
            let file = folder.join("lines.txt");
            // Without the file there is the history of this run.
            if private(&file).is_ok()
                && let Ok(history) = FileBackedHistory::with_file(HISTORY, file)
            {
                editor = editor.with_history(Box::new(Memory::new(history, shared.clone())));
            }
        }
        let mut new = Self { editor, shared };
        let typed: String = typed.chars().filter(|it| !it.is_control()).collect();
        new.begin_with(&typed);
        new
    }
}

impl LineEditor for Rich {
    fn begin_with(&mut self, typed: &str) {
        if !typed.is_empty() {
            let typed = EditCommand::InsertString(typed.to_owned());
            self.editor.run_edit_commands(&[typed]);
        }
    }

    fn read(&mut self, prompt: &str) -> io::Result<Entered> {
        let read = self.editor.read_line(&Arrow(prompt.to_owned()));
        Ok(match read.map_err(io::Error::other)? {
            Signal::Success(text) => Entered::Text(self.shared.entered(&text)),
            // The editor's own line is cleared by now.
            Signal::CtrlC => Entered::Interrupted(self.shared.painted()),
            Signal::HostCommand(_) => Entered::Outside,
            _ => Entered::Ended,
        })
    }

    /// One that can't be run leaves the line as it is.
    fn edit(&mut self) {
        let line = self.editor.current_buffer_contents().to_owned();
        match edit::text(&self.shared.entered(&line)) {
            Ok(text) => {
                let text = text.trim_end().to_owned();
                self.shared.holds(&text);
                let commands = [EditCommand::Clear, EditCommand::InsertString(text)];
                self.editor.run_edit_commands(&commands);
            }
            Err(failure) => terminal::complain(&format!("\n{}", failure.text())),
        }
    }

    fn takes_keys(&self) -> bool {
        true
    }
}

/// Makes a file that only its owner may read, unless it is there.
fn private(file: &std::path::Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        crate::files::make_folder(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

struct Arrow(String);

impl Prompt for Arrow {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}

/// A line that ends in a backslash goes on.
struct Backslash;

impl Validator for Backslash {
    fn validate(&self, line: &str) -> ValidationResult {
        match line.ends_with('\\') {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Complete,
        }
    }
}

struct Words(Box<Completer>);

impl reedline::Completer for Words {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let before = line.get(..pos).unwrap_or(line);
        let (from, words) = (self.0)(before);
        let suggestions = words.into_iter().map(|word| Suggestion {
            value: word.text,
            display_override: Some(word.label),
            description: Some(word.about).filter(|about| !about.is_empty()),
            span: Span::new(from.min(pos), pos),
            append_whitespace: word.goes_on,
            ..Suggestion::default()
        });
        CompletionResult::fresh(suggestions.collect::<Vec<_>>())
    }
}

/// Whether the terminal says where its cursor is, and what was typed meanwhile. It
/// is asked once; an answer that comes late is read away with the first line.
pub(crate) fn answers() -> (bool, String) {
    if crossterm::terminal::enable_raw_mode().is_err() {
        return (false, String::new());
    }
    let mut read = Vec::new();
    let answered = asked(&mut read).unwrap_or(false);
    let restored = crossterm::terminal::disable_raw_mode();
    if answered {
        let answer = read.iter().rposition(|byte| *byte == 0x1b);
        read.truncate(answer.unwrap_or(read.len()));
    }
    let typed = String::from_utf8_lossy(&read).replace('\r', "\n");
    (answered && restored.is_ok(), typed)
}

#[cfg(unix)]
fn asked(read: &mut Vec<u8>) -> io::Result<bool> {
    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// How long a terminal has; one that doesn't say would stall each prompt.
    const PROBE: Duration = Duration::from_millis(300);
    let mut out = io::stdout().lock();
    out.write_all(b"\x1b[6n")?;
    out.flush()?;
    let stdin = io::stdin();
    let end = Instant::now() + PROBE;
    while !read.ends_with(b"R") {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut waited = [PollFd::new(&stdin, PollFlags::IN)];
        if poll(&mut waited, Some(&left))? == 0 {
            return Ok(false);
        }
        // A byte at a time, past the buffer, which would take what is typed ahead.
        let mut byte = [0];
        if rustix::io::read(&stdin, &mut byte)? == 0 {
            return Ok(false);
        }
        read.extend(byte);
    }
    Ok(true)
}

#[cfg(not(unix))]
fn asked(_: &mut Vec<u8>) -> io::Result<bool> {
    Ok(true)
}
