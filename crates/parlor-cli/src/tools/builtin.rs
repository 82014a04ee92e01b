//! Tools that need no configuration: the time, sums, files of this folder, pages of the web.

mod calculator;
mod fetch_url;
mod html;
pub(super) mod read_file;
mod time;

use std::sync::Arc;

use parlor::agent::Tool;

use super::settings::{Policy, ToolTable};

/// A tool of the program's own.
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    /// What is done with a call unless a person says otherwise. What touches
    /// nothing runs; what reads files or sends something away is asked about.
    pub(super) policy: Policy,
    pub(super) make: fn(&ToolTable) -> Arc<dyn Tool>,
}

/// All of them.
pub(super) const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "time",
        policy: Policy::Allow,
        make: |_| Arc::new(time::Time),
    },
    BuiltIn {
        name: "calculator",
        policy: Policy::Allow,
        make: |_| Arc::new(calculator::Calculator),
    },
    BuiltIn {
        name: read_file::NAME,
        policy: Policy::Ask,
        make: |_| Arc::new(read_file::ReadFile::default()),
    },
    BuiltIn {
        name: "fetch_url",
        policy: Policy::Ask,
        make: |table| Arc::new(fetch_url::FetchUrl::new(table)),
    },
];

/// The built-in tool of this name.
pub(super) fn built_in(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|it| it.name == name)
}
