//! Code in colours, a line at a time.

use super::Looks;
use super::layout::OPTIONS;
use super::rows::{Colour, Span, Style, write};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::sync::LazyLock;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Read when the first code comes: a millisecond or two.
static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_no_newlines);

/// What is shown how, by the beginning of a scope's name. The innermost scope
/// that is named here counts; of several names the longest.
/// <https://www.sublimetext.com/docs/scope_naming.html>
const LOOKS: &[(&str, Style)] = &[
    ("comment", Style { dim: true, ..NONE }),
    ("string", coloured(Colour::Green)),
    ("constant.numeric", coloured(Colour::Cyan)),
    ("constant.language", coloured(Colour::Cyan)),
    ("constant.character.escape", coloured(Colour::Cyan)),
    ("keyword", coloured(Colour::Magenta)),
    ("keyword.operator", NONE),
    ("storage", coloured(Colour::Magenta)),
    ("entity.name.function", coloured(Colour::Blue)),
    ("support.function", coloured(Colour::Blue)),
    ("variable.function", coloured(Colour::Blue)),
    ("entity.name.type", coloured(Colour::Yellow)),
    ("entity.name.class", coloured(Colour::Yellow)),
    ("entity.name.struct", coloured(Colour::Yellow)),
    ("entity.name.enum", coloured(Colour::Yellow)),
    ("support.type", coloured(Colour::Yellow)),
    ("support.class", coloured(Colour::Yellow)),
    ("entity.name.tag", coloured(Colour::Blue)),
    ("entity.other.attribute-name", coloured(Colour::Cyan)),
    ("markup.inserted", coloured(Colour::Green)),
    ("markup.deleted", coloured(Colour::Red)),
    ("meta.diff.header", coloured(Colour::Blue)),
];

const NONE: Style = Style {
    bold: false,
    italic: false,
    struck: false,
    underlined: false,
    dim: false,
    colour: None,
};

const fn coloured(colour: Colour) -> Style {
    Style {
        colour: Some(colour),
        ..NONE
    }
}

static SCOPES: LazyLock<Vec<(Scope, Style)>> = LazyLock::new(|| {
    let scopes = LOOKS
        .iter()
        .filter_map(|(name, style)| Some((Scope::new(name).ok()?, *style)));
    let mut scopes: Vec<_> = scopes.collect();
    scopes.sort_by_key(|(scope, _)| std::cmp::Reverse(scope.len()));
    scopes
});

/// Lines longer than this are shown as they are: colouring one costs more than it
/// is worth.
const LONGEST: usize = 2_000;

/// Colours one piece of code.
#[derive(Debug, Clone)]
pub(crate) struct Highlighter {
    looks: Looks,
    state: Option<(ParseState, ScopeStack)>,
}

impl Highlighter {
    /// A highlighter for a language by its name or its files' ending; one that
    /// isn't known has no colours.
    pub(crate) fn new(language: &str, looks: Looks) -> Self {
        let wanted = looks.colours && !language.is_empty();
        let syntax = wanted.then(|| syntax(language)).flatten();
        Self {
            looks,
            state: syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new())),
        }
    }

    /// The next line as a row, which may be wider than the terminal: a line of code
    /// that was broken couldn't be copied.
    pub(crate) fn line(&mut self, line: &str) -> String {
        let Some((state, stack)) = self.state.as_mut().filter(|_| line.len() <= LONGEST) else {
            return line.to_owned();
        };
        let Ok(changes) = state.parse_line(line, &SYNTAXES) else {
            self.state = None;
            return line.to_owned();
        };
        let mut spans = Vec::new();
        let mut from = 0;
        for (at, change) in changes {
            if let Some(text) = line.get(from..at) {
                spans.push(Span {
                    text: text.to_owned(),
                    style: style(stack),
                    link: None,
                });
                from = at;
            }
            if stack.apply(&change).is_err() {
                break;
            }
        }
        let text = line.get(from..).unwrap_or_default().to_owned();
        spans.push(Span {
            text,
            style: style(stack),
            link: None,
        });
        let mut row = String::with_capacity(line.len() * 2);
        write(&joined(spans), self.looks, &mut row);
        row
    }
}

/// The pieces of code between fences within other blocks, such as items of a list.
pub(super) fn within(source: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new_ext(source, OPTIONS) {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))), _) => {
                open = Some(String::new());
            }
            (Event::Text(text), Some(piece)) => piece.push_str(&text),
            (Event::End(TagEnd::CodeBlock), _) => pieces.extend(open.take()),
            _ => {}
        }
    }
    pieces
}

/// Reads what colouring needs, so that the first code doesn't wait for it.
pub(crate) fn warm_up() {
    let mut highlighter = Highlighter::new(
        "rust",
        Looks {
            colours: true,
            links: false,
        },
    );
    highlighter.line("fn main() { let x: u32 = 1; println!(\"{x}\"); } // so");
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let name = match language.to_ascii_lowercase().as_str() {
        "shell" | "console" | "zsh" | "shell-session" => "sh".to_owned(),
        "jsonc" | "json5" => "json".to_owned(),
        "c++" => "cpp".to_owned(),
        "c#" | "csharp" => "cs".to_owned(),
        other => other.to_owned(),
    };
    SYNTAXES.find_syntax_by_token(&name)
}

fn style(stack: &ScopeStack) -> Style {
    let inner = stack.as_slice().iter().rev();
    let mut known = inner.filter_map(|scope| {
        SCOPES
            .iter()
            .find(|(wanted, _)| wanted.is_prefix_of(*scope))
    });
    known.next().map(|(_, style)| *style).unwrap_or_default()
}

/// Neighbours that look alike as one.
fn joined(spans: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.style == span.style => last.text.push_str(&span.text),
            _ => joined.push(span),
        }
    }
    joined
}
