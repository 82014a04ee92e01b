//! Which keys do what.

use crossterm::event::KeyEvent;
use reedline::{
    EditCommand, EditMode, Emacs, KeyCode, KeyModifiers, Keybindings, ReedlineEvent, Vi,
    default_emacs_keybindings, default_vi_insert_keybindings, default_vi_normal_keybindings,
    default_vi_visual_keybindings,
};

use super::rich::MENU;
use crate::terminal::Keys;

/// What the line editor hands back when the person wants another editor.
const EDIT: &str = "edit";

/// Names of keys, and what they do.
type Binding = (&'static [&'static str], &'static str);

/// What keys do in both kinds, by the names that [`name`] gives them.
const BINDINGS: &[Binding] = &[
    (&["Enter"], "sends, or takes what is chosen in a menu"),
    (&["Shift-Enter", "Alt-Enter", "Ctrl-J"], "begins a new line"),
    (&["Tab", "Down"], "opens a menu, or goes on in it"),
    (&["Shift-Tab", "Up"], "goes back in a menu"),
    (&["Ctrl-O"], "opens your editor"),
    (&["Ctrl-R"], "looks in what you entered before"),
    (&["Ctrl-A", "Home"], "goes to the beginning of the line"),
    (&["Ctrl-E", "End"], "goes to the end of the line"),
    (&["Ctrl-W"], "removes the word before"),
    (&["Ctrl-L"], "clears the screen"),
    (&["Ctrl-C"], "stops an answer, or clears the line"),
    (&["Ctrl-D"], "quits"),
];

/// What emacs' keys do beside.
const OF_EMACS: &[Binding] = &[
    (&["Alt-B", "Alt-Left"], "goes a word back"),
    (&["Alt-F", "Alt-Right"], "goes a word on"),
    (&["Ctrl-K"], "removes the rest of the line"),
    (&["Ctrl-U"], "removes what stands before"),
    (&["Ctrl-Y"], "puts back what was removed"),
    (&["Ctrl-Z"], "takes a change back"),
];

/// What keys do, in the order in which people are told.
pub(crate) fn bindings(keys: Keys) -> impl Iterator<Item = &'static Binding> {
    let more = match keys {
        Keys::Emacs => OF_EMACS,
        Keys::Vi => &[],
    };
    BINDINGS.iter().chain(more)
}

/// How people call a key.
pub(crate) fn name(key: &KeyEvent) -> String {
    let (mut modifiers, mut code) = (key.modifiers, key.code);
    if code == KeyCode::BackTab {
        (modifiers, code) = (modifiers | KeyModifiers::SHIFT, KeyCode::Tab);
    }
    let code = match code {
        KeyCode::Char(' ') => "Space".to_owned(),
        // A letter alone is what it says; with others it is a key's name.
        KeyCode::Char(c) if modifiers.is_empty() || modifiers == KeyModifiers::SHIFT => {
            modifiers = KeyModifiers::NONE;
            c.to_string()
        }
        KeyCode::Char(c) => c.to_uppercase().to_string(),
        KeyCode::F(number) => format!("F{number}"),
        code => format!("{code:?}"),
    };
    let held = [
        (KeyModifiers::CONTROL, "Ctrl-"),
        (KeyModifiers::ALT, "Alt-"),
        (KeyModifiers::SHIFT, "Shift-"),
        (KeyModifiers::SUPER, "Super-"),
    ];
    let held = held.iter().filter(|(it, _)| modifiers.contains(*it));
    let held: String = held.map(|(_, name)| *name).collect();
    held + &code
}

/// What the line editor makes of keys: emacs' or vi's, and ours beside them.
pub(super) fn edit_mode(keys: Keys) -> Box<dyn EditMode> {
    match keys {
        Keys::Emacs => Box::new(Emacs::new(ours(default_emacs_keybindings()))),
        Keys::Vi => Box::new(Vi::new(
            ours(default_vi_insert_keybindings()),
            default_vi_normal_keybindings(),
            default_vi_visual_keybindings(),
        )),
    }
}

fn ours(mut keys: Keybindings) -> Keybindings {
    let new_line = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    for (modifier, key) in [
        (KeyModifiers::SHIFT, KeyCode::Enter),
        (KeyModifiers::ALT, KeyCode::Enter),
        (KeyModifiers::CONTROL, KeyCode::Char('j')),
    ] {
        keys.add_binding(modifier, key, new_line.clone());
    }
    keys.add_binding(
        KeyModifiers::CONTROL,
        KeyCode::Char('o'),
        ReedlineEvent::ExecuteHostCommand(EDIT.to_owned()),
    );
    let open = [
        ReedlineEvent::Menu(MENU.to_owned()),
        ReedlineEvent::MenuNext,
    ];
    let open = ReedlineEvent::UntilFound(open.to_vec());
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, open);
    // They move in the line, whether a menu is shown or not.
    for (key, event) in [
        (KeyCode::Left, ReedlineEvent::Left),
        (KeyCode::Right, ReedlineEvent::Right),
    ] {
        keys.add_binding(KeyModifiers::NONE, key, event);
    }
    keys.add_binding(
        KeyModifiers::SHIFT,
        KeyCode::BackTab,
        ReedlineEvent::MenuPrevious,
    );
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_told_are_bound() {
        for (keys, bound) in [
            (Keys::Emacs, ours(default_emacs_keybindings())),
            (Keys::Vi, ours(default_vi_insert_keybindings())),
        ] {
            let names = bound.get_keybindings().keys();
            let names: Vec<String> = names
                .map(|it| name(&KeyEvent::new(it.key_code, it.modifier)))
                .collect();
            for told in bindings(keys).flat_map(|(names, _)| *names) {
                let is_bound = names.iter().any(|name| name == told);
                // The editor of vi knows Enter by itself.
                assert!(is_bound || *told == "Enter", "{keys:?}: {told}");
            }
        }
    }

    #[test]
    fn keys_are_called_as_people_call_them() {
        let of = |code, modifiers| name(&KeyEvent::new(code, modifiers));
        let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        assert_eq!(of(KeyCode::Enter, shift), "Shift-Enter");
        assert_eq!(of(KeyCode::Char('j'), KeyModifiers::CONTROL), "Ctrl-J");
        assert_eq!(of(KeyCode::BackTab, shift), "Shift-Tab");
        assert_eq!(of(KeyCode::Char('A'), shift), "A");
        assert_eq!(of(KeyCode::F(5), none), "F5");
        let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
        assert_eq!(of(KeyCode::Left, both), "Ctrl-Alt-Left");
    }
}
