//! What stands in place of the function.

use crate::options::{Options, name_of};
use crate::signature::{Given, arguments, documentation, given};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, ItemFn, LitStr, Path, Result, Visibility};

/// What stands in place of the function; where it can't be a tool, the errors.
pub(crate) fn tool(options: TokenStream, function: TokenStream, agent: &str) -> TokenStream {
    let original = function.clone();
    expanded(options, function, agent).unwrap_or_else(|error| {
        let errors = error.to_compile_error();
        let stand_in = stand_in(original, agent).unwrap_or_default();
        quote!(#errors #stand_in)
    })
}

/// A tool of the function's name, so that its uses aren't errors too.
fn stand_in(function: TokenStream, agent: &str) -> Result<TokenStream> {
    let function: ItemFn = syn::parse2(function)?;
    let (visibility, name) = (function.vis, function.sig.ident);
    let agent: Path = syn::parse_str(agent)?;
    let private = quote!(#agent::__private);
    Ok(quote! {
        #[allow(missing_docs)]
        #visibility fn #name() -> impl #agent::Tool {
            struct __Tool;

            #[#private::async_trait]
            impl #agent::Tool for __Tool {
                fn definition(&self) -> #private::ToolDefinition {
                    ::core::unimplemented!()
                }

                async fn call(
                    &self,
                    _: #private::Value,
                    _: &#agent::ToolContext,
                ) -> #private::Result<#agent::ToolOutput> {
                    ::core::unimplemented!()
                }
            }

            __Tool
        }
    })
}

fn expanded(options: TokenStream, function: TokenStream, agent: &str) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let mut function: ItemFn = syn::parse2(function)?;
    let given = given(&mut function)?;
    let name = function.sig.ident.clone();
    let agent: Path = match options.agent {
        Some(path) => path,
        None => syn::parse_str(agent)?,
    };
    let called = match options.name {
        Some(called) => called,
        None => name_of(&name)?,
    };
    let description = match &options.description {
        Some(description) => description.value(),
        None => documentation(&function.attrs),
    };
    if description.is_empty() {
        let message = "a tool needs a description, by which the model knows when to call it: write a doc comment";
        return Err(Error::new(name.span(), message));
    }
    let effect = match options.changes {
        true => format_ident!("Changes"),
        false => format_ident!("None"),
    };

    let is = |name: &'static str| move |it: &&syn::Attribute| it.path().is_ident(name);
    let docs: Vec<_> = function.attrs.iter().filter(is("doc")).cloned().collect();
    let conditions: Vec<_> = function.attrs.iter().filter(is("cfg")).cloned().collect();
    function
        .attrs
        .retain(|it| !it.path().is_ident("doc") && !it.path().is_ident("cfg"));
    let visibility = std::mem::replace(&mut function.vis, Visibility::Inherited);

    let private = quote!(#agent::__private);
    let serde = path_text(&agent, "serde");
    let schemars = path_text(&agent, "schemars");
    let fields = arguments(&given);
    let fields = fields.iter().map(|argument| {
        let (name, kind, attributes) = (&argument.name, &argument.kind, &argument.attributes);
        quote!(#(#attributes)* #name: #kind)
    });
    let passed = given.iter().map(|given| match given {
        Given::Argument(argument) => {
            let name = &argument.name;
            quote!(__arguments.#name)
        }
        Given::Value(held) => quote!(__context.require::<#held>()?),
        Given::OptionalValue(held) => quote!(__context.get::<#held>()),
        Given::Context => quote!(__context),
    });

    Ok(quote! {
        #(#docs)*
        #(#conditions)*
        #visibility fn #name() -> impl #agent::Tool + ::core::marker::Copy + ::core::fmt::Debug {
            #function

            #[derive(#private::serde::Deserialize, #private::schemars::JsonSchema)]
            #[serde(crate = #serde, expecting = "an object of arguments")]
            #[schemars(crate = #schemars)]
            struct __ToolArguments {
                #(#fields,)*
            }

            #[derive(Debug, Clone, Copy)]
            struct __Tool;

            #[#private::async_trait]
            impl #agent::Tool for __Tool {
                fn definition(&self) -> #private::ToolDefinition {
                    static DEFINITION: #private::LazyDefinition =
                        #private::LazyDefinition::new(|| {
                            #private::definition::<__ToolArguments>(#called, #description)
                        });
                    DEFINITION.clone()
                }

                fn effect(&self) -> #agent::Effect {
                    #agent::Effect::#effect
                }

                async fn call(
                    &self,
                    __arguments: #private::Value,
                    __context: &#agent::ToolContext,
                ) -> #private::Result<#agent::ToolOutput> {
                    let __arguments: __ToolArguments = #private::arguments(__arguments)?;
                    let __output = #name(#(#passed),*).await;
                    #agent::IntoToolOutput::into_tool_output(__output)
                }
            }

            __Tool
        }
    })
}

/// The path of a crate that the agent's passes on, as derives want it.
fn path_text(agent: &Path, passed_on: &str) -> LitStr {
    let agent = quote!(#agent).to_string().replace(' ', "");
    LitStr::new(
        &format!("{agent}::__private::{passed_on}"),
        Span::call_site(),
    )
}
