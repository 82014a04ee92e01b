//! Templates in a conversation: `/template NAME key=value… text`.

use std::sync::Arc;

use parlor::Role;

use super::{Flow, Session};
use crate::commands::templates::listed;
use crate::failure::Failure;
use crate::template::{self, Template};

/// Asks by a template, or lists them.
pub(super) fn template(session: &mut Session, line: &str) -> Result<Flow, Failure> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if name.is_empty() {
        for name in template::names() {
            match template::load(&name) {
                Ok(template) => session.say(listed(&template).trim_end()),
                Err(failure) => session.say(failure.text().trim_end()),
            }
        }
        return Ok(Flow::Go);
    }
    let template = template::load(name)?;
    let (given, input) = values(rest);
    let (read, words) = match template.reads {
        true => template.read(input.split_whitespace().collect())?,
        false => (Vec::new(), vec![input]),
    };
    let input = Some(words.join(" ")).filter(|input| !input.is_empty());
    let mut said = template.fill(&given, input.as_deref())?;
    if let Some(model) = &template.model {
        session.choose(model, false)?;
    }
    if let Some(at) = said.iter().position(|it| it.role == Role::System) {
        let system = said.remove(at).text();
        session.set_system(Some(system));
    }
    match said.iter().any(|message| message.role == Role::User) {
        true => {
            if let Some(last) = said.last_mut().filter(|it| it.role == Role::User) {
                let attached = session.attached.iter().cloned();
                last.parts.splice(..0, attached.chain(read));
            }
            session.ask_by(&template, |session| {
                session.ask_for(said, template.schema.as_ref())
            })?;
            session.attached.clear();
        }
        false => {
            session.say("Its instructions hold from now on.");
            session.shape(template.schema);
        }
    }
    Ok(Flow::Go)
}

impl Session {
    /// Asks by a template: one that is thought through has its thoughts shown.
    pub(super) fn ask_by(
        &mut self,
        template: &Template,
        ask: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !template.thinks {
            return ask(self);
        }
        let model = Arc::clone(self.chat.model());
        let thinking = template.model(Arc::clone(&model));
        self.chat.set_model(Arc::clone(&thinking));
        self.thinks = true;
        let asked = ask(self);
        self.thinks = false;
        // Another one may have been chosen while it answered.
        if Arc::ptr_eq(self.chat.model(), &thinking) {
            self.chat.set_model(model);
        }
        asked
    }
}

/// The values at the beginning of a line, and the text after them. A value with
/// blanks stands in quotes.
fn values(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut values = Vec::new();
    loop {
        rest = rest.trim();
        let Some((name, after)) = rest.split_once('=') else {
            break;
        };
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            break;
        }
        let quoted = after.strip_prefix('"').and_then(|it| it.split_once('"'));
        let (value, left) = match quoted {
            Some(quoted) => quoted,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        values.push((name.to_owned(), value.to_owned()));
        rest = left;
    }
    (values, rest)
}

#[cfg(test)]
mod tests {
    use super::values;

    #[test]
    fn values_stand_before_the_text_and_may_be_quoted() {
        let (given, text) = values(" lang=rust  tone=\"a bit dry\" a=1 + 2");
        let given: Vec<_> = given.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(given, [("lang", "rust"), ("tone", "a bit dry"), ("a", "1")]);
        assert_eq!(text, "+ 2");
        assert_eq!(values("is a = b?"), (Vec::new(), "is a = b?"));
    }
}
