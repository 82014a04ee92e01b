//! Makes a tool of an async function.
//!
//! The macro is used as `parlor_agent::tool`, or `parlor::agent::tool` by the
//! facade, where it is documented with examples.

#[macro_use]
mod entry;
mod expand;
mod options;
mod signature;

#[cfg(test)]
mod tests;

entry!(tool, "::parlor_agent");
entry!(tool_of_facade, "::parlor::agent");
