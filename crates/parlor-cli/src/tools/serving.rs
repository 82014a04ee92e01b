//! The tools of a service: those of the configuration that `[serve]` names, with a person at its
//! page to ask in the place of one at the terminal.

use std::path::Path;
use std::sync::Arc;

use parlor::{Env, Error, ErrorKind};
use parlor_server::{ServeSettings, ServerConfig, ServiceTool};

use super::builtin::read_file::{self, ReadFile};
use super::settings::{ALL, Policy, ToolSettings};
use super::{Gate, Kit, near};
use crate::args::ToolArgs;
use crate::failure::Failure;

/// The tools of a service, and what they come from.
pub(crate) struct Served {
    kit: Kit,
    tools: Vec<ServiceTool>,
    /// What keeps named tools from being used.
    pub(crate) wrong: Vec<String>,
}

/// What is wrong with the names of a service's tools. Starts nothing.
pub(crate) fn check(served: &ServeSettings, settings: &ToolSettings) -> Result<(), Failure> {
    let wrong =
        |told: String| Error::new(ErrorKind::Configuration, format!("[serve] tools: {told}"));
    let mut unknown = Vec::new();
    for name in &served.tools {
        if name == ALL {
            let error = wrong("a service has no `all`".to_owned());
            return Err(error
                .with_help("Name each tool, or a server for all of its tools.")
                .into());
        }
        if !settings.knows(name) {
            let names: Vec<&str> = settings.names().collect();
            let near = near(name, &names);
            let near = near.map(|near| format!(", did you mean `{near}`?"));
            unknown.push(format!(
                "there is no tool `{name}`{}",
                near.unwrap_or_default()
            ));
        }
    }
    if !unknown.is_empty() {
        let names: Vec<&str> = settings.names().collect();
        let help = format!(
            "There are: {}. Add one as [tools.NAME] or [mcp.NAME].",
            names.join(", ")
        );
        return Err(wrong(unknown.join("; ")).with_help(help).into());
    }
    let reads = served.tools.iter().any(|name| name == read_file::NAME);
    let problem = match (&served.files, reads) {
        (None, true) => {
            "`read_file` needs the folder that it may read: files = \"FOLDER\"".to_owned()
        }
        (Some(_), false) => "`files` is for `read_file`, which isn't named".to_owned(),
        (Some(folder), true) if !folder.is_dir() => {
            format!("`files`: {} is no folder", folder.display())
        }
        _ => return Ok(()),
    };
    Err(wrong(problem).into())
}

impl Served {
    /// The tools that are named; servers are started, or connected to.
    pub(crate) async fn of(
        served: &ServeSettings,
        settings: ToolSettings,
        env: &Env,
    ) -> Result<Self, Failure> {
        check(served, &settings)?;
        let mut usable = served.tools.clone();
        let mut wrong = Vec::new();
        for (name, _, problem) in settings.programs(env) {
            if let Some(problem) = problem
                && usable.iter().any(|it| it == name)
            {
                wrong.push(format!("the tool {name}: {problem}"));
                usable.retain(|it| it != name);
            }
        }
        let none = ToolArgs {
            tool: Vec::new(),
            allow: Vec::new(),
            no_tools: true,
            max_steps: None,
        };
        let mut kit = Kit::new(&none, settings, Gate::new(false).0)?;
        for name in &usable {
            kit.turn(name, true)?;
        }
        wrong.extend(kit.prepare().await.into_iter().map(|notice| {
            let told = notice.strip_prefix("warning: ");
            told.map(str::to_owned).unwrap_or(notice)
        }));
        let folder = served.files.as_deref();
        let tools = kit.served(folder).collect();
        Ok(Self { kit, tools, wrong })
    }

    /// Gives them to a service.
    pub(crate) fn lay_over(&self, config: &mut ServerConfig) {
        config.tools.clone_from(&self.tools);
        config.tool_limits = self.kit.limits();
    }

    /// Them on a line: the names, and which of them are asked about.
    pub(crate) fn shown(&self) -> String {
        let shown = self.tools.iter().map(|tool| match tool.asks() {
            true => format!("{} (asks)", tool.title()),
            false => tool.title().to_owned(),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// Ends what was started.
    pub(crate) async fn end(mut self) {
        self.kit.end().await;
    }
}

impl Kit {
    /// What is on and not denied by the configuration. What a person decided at the terminal is
    /// theirs alone.
    fn served(&self, folder: Option<&Path>) -> impl Iterator<Item = ServiceTool> {
        let on = self.entries.iter();
        let on = on.filter(|(_, entry)| entry.is_on && entry.policy != Policy::Deny);
        on.map(move |(name, entry)| {
            let tool = match folder.filter(|_| name == read_file::NAME) {
                Some(folder) => ServiceTool::new(ReadFile::within(folder)),
                None => ServiceTool::shared(Arc::clone(&entry.tool)),
            };
            tool.with_approval(entry.policy == Policy::Ask)
                .with_title(&*entry.shown)
                .with_source(&*entry.source)
        })
    }
}
