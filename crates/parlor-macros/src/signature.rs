//! The function's signature, taken apart.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericArgument, Ident, ItemFn, Lit, Meta, Pat,
    PatType, PathArguments, Result, Token, Type,
};

/// What the function is given, in its order.
pub(crate) enum Given {
    /// Something that the model says.
    Argument(Argument),
    /// A value of this type that the conversation holds.
    Value(Type),
    /// A value of this type, if the conversation holds one.
    OptionalValue(Type),
    /// The context of the call itself.
    Context,
}

/// Something that the model says.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) kind: Type,
    /// Its documentation, and what serde and schemars are told of it.
    pub(crate) attributes: Vec<Attribute>,
}

/// Takes the attributes of its arguments from a function, and says what each
/// argument is.
pub(crate) fn given(function: &mut ItemFn) -> Result<Vec<Given>> {
    let signature = &mut function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new_spanned(
            signature.fn_token,
            "a tool is an `async fn`",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a tool has no type or lifetime parameters: its schema must be known",
        ));
    }
    let mut all = Vec::new();
    let mut problems: Option<Error> = None;
    for input in &mut signature.inputs {
        match one(input) {
            Ok(given) => all.push(given),
            Err(error) => match &mut problems {
                Some(problems) => problems.combine(error),
                None => problems = Some(error),
            },
        }
    }
    match problems {
        Some(problems) => Err(problems),
        None => Ok(all),
    }
}

fn one(input: &mut FnArg) -> Result<Given> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new_spanned(
            input,
            "a tool is a function of its own, without `self`: mark what it works on `#[context]`",
        ));
    };
    let attributes = std::mem::take(&mut input.attrs);
    let (context, attributes): (Vec<_>, Vec<_>) = attributes
        .into_iter()
        .partition(|it| it.path().is_ident("context"));
    if let Some(mark) = context.first() {
        mark.meta.require_path_only()?;
        return from_context(input);
    }
    let known = ["doc", "serde", "schemars"];
    let (of_schema, rest) = attributes
        .into_iter()
        .partition(|it| known.iter().any(|known| it.path().is_ident(known)));
    input.attrs = rest;
    let name = match &*input.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            pattern.ident.clone()
        }
        pattern => {
            let message = "an argument has a name that the model is told: `name: Type`";
            return Err(Error::new_spanned(pattern, message));
        }
    };
    if let Type::Reference(borrowed) = &*input.ty {
        let owned = match borrowed.elem.to_token_stream().to_string().as_str() {
            "str" => "`String`".to_owned(),
            other => format!("`{other}`"),
        };
        let message = format!(
            "what the model says is owned: take {owned}. A value that the conversation holds is marked `#[context]`"
        );
        return Err(Error::new_spanned(&input.ty, message));
    }
    Ok(Given::Argument(Argument {
        name,
        kind: (*input.ty).clone(),
        attributes: of_schema,
    }))
}

fn from_context(input: &PatType) -> Result<Given> {
    if let Some(held) = borrowed(&input.ty) {
        return Ok(match last_name(held) {
            Some(name) if name == "ToolContext" => Given::Context,
            _ => Given::Value(held.clone()),
        });
    }
    if let Some(held) = inside_option(&input.ty).and_then(borrowed) {
        return Ok(Given::OptionalValue(held.clone()));
    }
    Err(Error::new_spanned(
        &input.ty,
        "what the conversation holds is borrowed: `&Type`, or `Option<&Type>` if it may be missing",
    ))
}

fn borrowed(kind: &Type) -> Option<&Type> {
    match kind {
        Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

fn last_name(kind: &Type) -> Option<&Ident> {
    match kind {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

fn inside_option(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(inside) = &segment.arguments else {
        return None;
    };
    match inside.args.first() {
        Some(GenericArgument::Type(inside)) if segment.ident == "Option" => Some(inside),
        _ => None,
    }
}

/// The text of doc comments: its lines without the space before each, blank ones
/// at the ends left out.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        });
    let lines: Vec<String> = lines
        .flat_map(|text| text.split('\n').map(str::to_owned).collect::<Vec<_>>())
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The arguments that the model gives.
pub(crate) fn arguments(given: &[Given]) -> Punctuated<&Argument, Token![,]> {
    let arguments = given.iter().filter_map(|given| match given {
        Given::Argument(argument) => Some(argument),
        _ => None,
    });
    arguments.collect()
}
