//! What the rules can say in other languages.

/// What can be said in any of the languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phrase {
    Hello,
    Name,
    Welcome,
    Goodbye,
}

/// A language with its phrases; `{}` is a name.
struct Language {
    name: &'static str,
    hello: &'static str,
    you_are: &'static str,
    welcome: &'static str,
    goodbye: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "French",
        hello: "Bonjour !",
        you_are: "Tu t'appelles {}.",
        welcome: "De rien.",
        goodbye: "Au revoir !",
    },
    Language {
        name: "German",
        hello: "Hallo!",
        you_are: "Du heißt {}.",
        welcome: "Gern geschehen.",
        goodbye: "Auf Wiedersehen!",
    },
    Language {
        name: "Spanish",
        hello: "¡Hola!",
        you_are: "Te llamas {}.",
        welcome: "De nada.",
        goodbye: "¡Adiós!",
    },
    Language {
        name: "Italian",
        hello: "Ciao!",
        you_are: "Ti chiami {}.",
        welcome: "Prego.",
        goodbye: "Arrivederci!",
    },
    Language {
        name: "Chinese",
        hello: "你好！",
        you_are: "你叫{}。",
        welcome: "不客气。",
        goodbye: "再见！",
    },
];

/// Splits `hello in French` into what stands before and the language. The text is
/// in lower case.
pub(super) fn language(said: &str) -> Option<(&str, usize)> {
    let (before, last) = said.rsplit_once(' ').unwrap_or(("", said));
    let before = before
        .strip_suffix(" in")
        .or_else(|| (before == "in").then_some(""))?;
    let mut names = LANGUAGES.iter().map(|language| language.name);
    let index = names.position(|name| name.eq_ignore_ascii_case(last))?;
    Some((before, index))
}

/// The phrase in that language, to somebody of this name.
pub(super) fn say(phrase: Phrase, language: usize, name: Option<&str>) -> Option<String> {
    let language = LANGUAGES.get(language)?;
    Some(match phrase {
        Phrase::Hello => language.hello.to_owned(),
        Phrase::Name => language.you_are.replace("{}", name?),
        Phrase::Welcome => language.welcome.to_owned(),
        Phrase::Goodbye => language.goodbye.to_owned(),
    })
}

/// What the language is called.
pub(super) fn name(language: usize) -> &'static str {
    LANGUAGES.get(language).map_or("", |language| language.name)
}
