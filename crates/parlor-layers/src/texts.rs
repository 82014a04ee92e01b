//! The texts of a part, to be read or edited.

use parlor_core::Part;
#[cfg(feature = "redact")]
use parlor_core::{Arguments, Citation};

/// Tells the texts of a part, those within a tool's result too: what a message
/// says, not its names and ids.
pub(crate) fn read(part: &Part, tell: &mut dyn FnMut(&str)) {
    match part {
        Part::Text(text) => tell(&text.text),
        Part::Refusal(refusal) => tell(&refusal.text),
        Part::Reasoning(reasoning) => tell(&reasoning.text),
        Part::ToolCall(call) => tell(&call.arguments.text),
        Part::ToolResult(result) => result.parts.iter().for_each(|part| read(part, tell)),
        _ => {}
    }
}

/// Edits texts; each says whether it changed anything.
#[cfg(feature = "redact")]
pub(crate) trait Edit {
    /// What is said.
    fn text(&mut self, text: &mut String) -> bool;

    /// What is thought, quoted or told by a tool: it has no form to keep to.
    fn words(&mut self, text: &mut String) -> bool;

    fn arguments(&mut self, arguments: &mut Arguments) -> bool;
}

/// Edits the texts of a part, and those of its citations. A native item that
/// was valid before stays so: it is the provider's own form of what the edit
/// makes or undoes.
#[cfg(feature = "redact")]
pub(crate) fn edit(part: &mut Part, edit: &mut dyn Edit) -> bool {
    let native = part.native().cloned();
    let native = native.filter(|native| part.native_for(&native.origin).is_some());
    let changed = match part {
        Part::Text(text) => {
            let citations = text.citations.iter_mut().map(|it| citation(it, edit));
            let cited = citations.fold(false, |any, one| any | one);
            edit.text(&mut text.text) | cited
        }
        Part::Refusal(refusal) => edit.text(&mut refusal.text),
        Part::Reasoning(reasoning) => edit.words(&mut reasoning.text),
        Part::ToolCall(call) => edit.arguments(&mut call.arguments),
        Part::ToolResult(result) => {
            let parts = result.parts.iter_mut().map(|part| match part {
                Part::Text(text) => edit.words(&mut text.text),
                part => self::edit(part, edit),
            });
            parts.fold(false, |any, one| any | one)
        }
        _ => false,
    };
    if let Some(native) = native.filter(|_| changed) {
        part.set_native(native);
    }
    changed
}

/// Edits what a citation quotes.
#[cfg(feature = "redact")]
pub(crate) fn citation(citation: &mut Citation, edit: &mut dyn Edit) -> bool {
    let texts = [&mut citation.title, &mut citation.quote];
    let texts = texts.into_iter().flatten();
    texts.fold(false, |any, text| any | edit.words(text))
}
