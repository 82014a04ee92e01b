//! The macro's entries, which must stand in the crate's root.

/// `#[tool]` under a name, for an agent's crate at a path.
macro_rules! entry {
    ($name:ident, $agent:literal) => {
        /// Makes a tool of an async function.
        ///
        /// The function gives way to one of its name that makes the tool, and that
        /// is a tool itself, as every function that makes one: `with_tool(weather)`,
        /// and `weather().call(…)` in a test.
        ///
        /// | of the function | the tool's |
        /// |---|---|
        /// | name | name, unless `name = "…"` gives another |
        /// | doc comment | description, unless `description = "…"` gives another |
        /// | argument, owned | argument: `Deserialize` and `JsonSchema`; an `Option` may be left out |
        /// | argument's doc comment | what the schema says of it |
        /// | argument's `#[serde(…)]`, `#[schemars(…)]` | default, other names, bounds |
        /// | `#[context] db: &Db` | a value that the conversation was given by its type; as `Option<&Db>` it may be missing |
        /// | `#[context] context: &ToolContext` | context of the call |
        /// | result | output: what `ToolOutput` is made from, or a `Result` of it with any error that can be displayed |
        ///
        /// `#[tool(effect)]` says that it changes something in the world: somebody is
        /// asked before it runs. `effect = "changes"` and `effect = "none"` say it in
        /// words. `crate = "…"` is the path of the agent's crate, where it goes by
        /// another name.
        ///
        /// Arguments that don't suit are never passed on: the model is told which one is
        /// wrong and gets the schema.
        #[proc_macro_attribute]
        pub fn $name(
            options: proc_macro::TokenStream,
            function: proc_macro::TokenStream,
        ) -> proc_macro::TokenStream {
            $crate::expand::tool(options.into(), function.into(), $agent).into()
        }
    };
}
