//! What a terminal would obey is taken out of what a model says.

/// So many columns are between the places that a tab leads to.
/// <https://spec.commonmark.org/0.31.2/#tabs>
const TAB: usize = 4;

/// Takes out control characters, and turns every kind of line end into one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cleaner {
    /// Whether the text so far ends in a carriage return, already told as a line end.
    after_return: bool,
    /// Where the line ends for now.
    column: usize,
}

impl Cleaner {
    /// The same text, harmless. Tabs become spaces up to the next place that Markdown
    /// knows: those of terminals are further apart.
    pub(crate) fn clean(&mut self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        for letter in text.chars() {
            let after_return = std::mem::replace(&mut self.after_return, letter == '\r');
            match letter {
                '\n' if after_return => {}
                '\n' | '\r' => {
                    clean.push('\n');
                    self.column = 0;
                }
                '\t' => {
                    let blanks = TAB - self.column % TAB;
                    clean.extend(std::iter::repeat_n(' ', blanks));
                    self.column += blanks;
                }
                letter if is_obeyed(letter) => {}
                letter => {
                    clean.push(letter);
                    self.column += 1;
                }
            }
        }
        clean
    }
}

/// Whether a terminal does something at this character, or shows what follows
/// in another order: C0, DEL, C1, and what changes the direction of writing.
pub(crate) fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
