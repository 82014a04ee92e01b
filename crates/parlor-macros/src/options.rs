//! What stands in the attribute's parentheses.

use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Path, Result, Token};

/// What stands in the attribute's parentheses.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) changes: bool,
    /// The path of the agent's crate.
    pub(crate) agent: Option<Path>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            if input.peek(Token![crate]) {
                input.parse::<Token![crate]>()?;
                input.parse::<Token![=]>()?;
                options.agent = Some(input.parse::<LitStr>()?.parse()?);
            } else {
                options.option(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl Options {
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key: Ident = input.parse()?;
        if key == "effect" && !input.peek(Token![=]) {
            self.changes = true;
            return Ok(());
        }
        let known = ["name", "description", "effect"];
        if !known.iter().any(|it| key == it) {
            let message =
                format!("unknown option `{key}`: there are name, description, effect and crate");
            return Err(Error::new(key.span(), message));
        }
        input.parse::<Token![=]>()?;
        let value: LitStr = input.parse()?;
        if key == "name" {
            self.name = Some(checked_name(value)?);
        } else if key == "description" {
            self.description = Some(value);
        } else {
            self.changes = match value.value().as_str() {
                "changes" => true,
                "none" => false,
                _ => {
                    let message = r#"an effect is "changes" or "none""#;
                    return Err(Error::new(value.span(), message));
                }
            };
        }
        Ok(())
    }
}

/// A name that every provider takes.
fn checked_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let suits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.is_empty() || text.len() > 64 || !text.chars().all(suits) {
        let message = "a tool's name is 1 to 64 ASCII letters, digits, `_` and `-`";
        return Err(Error::new(name.span(), message));
    }
    Ok(name)
}

/// The function's own name as the tool's.
pub(crate) fn name_of(function: &Ident) -> Result<LitStr> {
    use syn::ext::IdentExt;
    checked_name(LitStr::new(&function.unraw().to_string(), function.span()))
}
