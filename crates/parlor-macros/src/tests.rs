use crate::expand::tool;
use proc_macro2::TokenStream;
use quote::quote;

fn expanded(options: TokenStream, function: TokenStream) -> String {
    tool(options, function, "::parlor_agent").to_string()
}

/// What the compiler is made to say.
fn errors(options: TokenStream, function: TokenStream) -> Vec<String> {
    let expanded = expanded(options, function);
    let said = expanded.split("compile_error").skip(1);
    said.map(|rest| rest.split('"').nth(1).unwrap_or_default().to_owned())
        .collect()
}

fn error_in(arguments: TokenStream) -> String {
    let errors = errors(quote!(), quote!(/** It does. */ async fn t(#arguments) {}));
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].clone()
}

#[test]
fn what_cannot_be_a_tool_says_why() {
    let errors = |options, function| errors(options, function).join("; ");
    let sync = errors(
        quote!(),
        quote!(
            /** It does. */
            fn t() {}
        ),
    );
    assert_eq!(sync, "a tool is an `async fn`");
    let silent = errors(
        quote!(),
        quote!(
            async fn t() {}
        ),
    );
    assert!(silent.contains("write a doc comment"), "{silent}");
    let generic = errors(
        quote!(),
        quote!(
            /** It does. */
            async fn t<T>(t: T) {}
        ),
    );
    assert!(
        generic.contains("no type or lifetime parameters"),
        "{generic}"
    );
    let unknown = errors(
        quote!(nmae = "t"),
        quote!(
            /** It does. */
            async fn t() {}
        ),
    );
    assert!(unknown.contains("unknown option `nmae`"), "{unknown}");
    let name = errors(
        quote!(name = "a b"),
        quote!(
            /** It does. */
            async fn t() {}
        ),
    );
    assert!(name.contains("ASCII letters"), "{name}");
    let effect = errors(
        quote!(effect = "big"),
        quote!(
            /** It does. */
            async fn t() {}
        ),
    );
    assert!(effect.starts_with("an effect is"), "{effect}");
}

#[test]
fn arguments_that_nobody_can_give_say_why() {
    assert!(error_in(quote!(city: &str)).contains("take `String`"));
    assert!(error_in(quote!(db: &Db)).contains("`#[context]`"));
    assert!(error_in(quote!(#[context] db: Db)).contains("is borrowed"));
    assert!(error_in(quote!(#[context] db: &mut Db)).contains("is borrowed"));
    assert!(error_in(quote!((a, b): (u8, u8))).contains("has a name"));
    assert!(error_in(quote!(&self)).contains("without `self`"));
}

#[test]
fn all_arguments_are_judged_at_once() {
    let function = quote!(
        /** It does. */
        async fn t(a: &str, #[context] b: B) {}
    );
    assert_eq!(errors(quote!(), function).len(), 2);
}

#[test]
fn a_function_that_fails_leaves_a_tool_behind() {
    let expanded = expanded(
        quote!(),
        quote!(
            pub(crate) fn t() {}
        ),
    );
    assert!(expanded.contains("pub (crate) fn t"), "{expanded}");
    assert!(
        expanded.contains("impl :: parlor_agent :: Tool"),
        "{expanded}"
    );
}
