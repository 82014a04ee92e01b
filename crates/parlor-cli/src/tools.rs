//! Tools that a model may call from the terminal: which there are, which are on, who decides.

mod builtin;
mod consent;
mod gate;
mod program;
mod remembered;
#[cfg(feature = "mcp")]
mod servers;
mod serving;
mod settings;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use parlor::agent::{self, Conversation, Limits, Tool, ToolContext, ToolOutput};
use parlor::{Capability, ChatModel, Env, Result, ToolDefinition, suggest};
use serde_json::Value;

use crate::args::{ChatArgs, ToolArgs};
use crate::environment::env;
use crate::failure::Failure;
use crate::scrub::command_line;
use crate::terminal::Terminal;
use program::Program;

pub(crate) use consent::{Interruption, ask};
pub(crate) use gate::{Answer, Gate, Question};
pub(crate) use program::end_all;
#[cfg(feature = "mcp")]
pub(crate) use servers::look_at;
pub(crate) use serving::{Served, check as check_served};
pub(crate) use settings::{ALL, Policy, ToolSettings};
pub(crate) use show::{Calls, of_turn, on_a_line, shown_name};

/// How long one call may take at most; each tool has a limit of its own below.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(3600);

/// A tool that a model may be given.
pub(crate) struct Entry {
    tool: Arc<dyn Tool>,
    /// The name that people are shown.
    pub(crate) shown: String,
    /// Where it comes from: `built-in`, a program, a server.
    pub(crate) source: String,
    /// Whether it changes anything, as far as that is known.
    effect: agent::Effect,
    /// What is done with a call unless something else was decided.
    policy: Policy,
    /// Whether the configuration says so.
    is_configured: bool,
    pub(crate) is_on: bool,
}

impl Entry {
    /// Whether it changes anything, in a word.
    pub(crate) fn effect_word(&self) -> &'static str {
        match self.effect {
            agent::Effect::None => "reads",
            agent::Effect::Changes => "changes",
        }
    }
}

/// The tools of one question or conversation.
pub(crate) struct Kit {
    settings: ToolSettings,
    env: Env,
    /// By the names that models know them by.
    entries: BTreeMap<String, Entry>,
    #[cfg(feature = "mcp")]
    servers: servers::Servers,
    /// Names of the command line that run without asking.
    allowed: BTreeSet<String>,
    gate: Arc<Gate>,
    max_steps: Option<u32>,
}

impl Kit {
    /// The tools that the configuration and the command line name. Starts nothing.
    pub(crate) fn new(
        args: &ToolArgs,
        settings: ToolSettings,
        gate: Arc<Gate>,
    ) -> std::result::Result<Self, Failure> {
        let env = env();
        let mut kit = Self {
            entries: BTreeMap::new(),
            #[cfg(feature = "mcp")]
            servers: servers::Servers::new(&settings),
            allowed: args.allow.iter().cloned().collect(),
            max_steps: args.max_steps.or(settings.max_steps),
            gate,
            env,
            settings,
        };
        for name in args.tool.iter().chain(&args.allow) {
            if !kit.settings.knows(name) {
                return Err(kit.unknown(name));
            }
        }
        if args.no_tools {
            return Ok(kit);
        }
        let on = args.tool.iter().chain(&args.allow);
        let on: Vec<String> = on.chain(&kit.settings.on).cloned().collect();
        for name in on {
            kit.turn(&name, true)?;
        }
        Ok(kit)
    }

    fn unknown(&self, name: &str) -> Failure {
        let names: Vec<&str> = self.settings.names().collect();
        let mut fact = format!("there is no tool `{name}`");
        if let Some(near) = near(name, &names) {
            fact.push_str(&format!(".   did you mean {near}?"));
        }
        Failure::usage(fact)
            .help(format!("there are: {}", names.join(", ")))
            .help("add one as [tools.NAME] or [mcp.NAME]: parlor config edit")
    }

    /// Whether the model is given any tool, or may be once servers are connected.
    pub(crate) fn is_on(&self) -> bool {
        #[cfg(feature = "mcp")]
        if self.servers.is_wanted() {
            return true;
        }
        self.told_of().next().is_some()
    }

    /// The tools that the model is told of: those that are on, and not denied.
    fn told_of(&self) -> impl Iterator<Item = &Entry> {
        let told = |(known_as, entry): &(&String, &Entry)| {
            entry.is_on && self.gate.policy(known_as) != Policy::Deny
        };
        self.entries.iter().filter(told).map(|(_, entry)| entry)
    }

    /// Turns a tool, a server's tools or all of them on or off. Whether there was one.
    pub(crate) fn turn(&mut self, name: &str, on: bool) -> Result<bool> {
        if on {
            self.take_up(name)?;
        }
        #[cfg(feature = "mcp")]
        let mut found = self.servers.want(name, on);
        #[cfg(not(feature = "mcp"))]
        let mut found = false;
        for (known_as, entry) in &mut self.entries {
            if is_meant(name, known_as, &entry.shown) {
                entry.is_on = on;
                found = true;
            }
        }
        Ok(found)
    }

    /// Makes the entries of tools that are known by the settings alone.
    fn take_up(&mut self, name: &str) -> Result<()> {
        let built_in = builtin::BUILT_IN.iter().map(|it| it.name.to_owned());
        let programs = self.settings.tools.iter();
        let programs = programs.filter(|(_, table)| !table.command.is_empty());
        let programs = programs.map(|(name, _)| name.clone());
        let meant: Vec<String> = built_in
            .chain(programs)
            .filter(|it| name == ALL || it == name)
            .collect();
        for name in meant {
            if !self.entries.contains_key(&name) {
                let entry = self.entry(&name)?;
                self.add(name, entry);
            }
        }
        Ok(())
    }

    /// The entry of a built-in tool or a program.
    fn entry(&self, name: &str) -> Result<Entry> {
        let nothing = settings::ToolTable::default();
        let table = self.settings.tools.get(name).unwrap_or(&nothing);
        let (tool, source, usual): (Arc<dyn Tool>, _, _) = match builtin::built_in(name) {
            Some(built_in) => {
                let tool = (built_in.make)(table);
                (tool, "built-in".to_owned(), built_in.policy)
            }
            None => {
                let program = Program::new(name, &self.settings, &self.env)?;
                let source = program.source();
                let usual = match table.effect.unwrap_or_default() {
                    settings::Effect::Read => Policy::Allow,
                    settings::Effect::Write => Policy::Ask,
                };
                (Arc::new(program), source, usual)
            }
        };
        let changes = table.effect == Some(settings::Effect::Write)
            || (table.effect.is_none() && !table.command.is_empty());
        Ok(Entry {
            tool,
            shown: name.to_owned(),
            source,
            effect: match changes {
                true => agent::Effect::Changes,
                false => agent::Effect::None,
            },
            policy: table.policy.unwrap_or(usual),
            is_configured: table.policy.is_some(),
            is_on: false,
        })
    }

    fn add(&mut self, known_as: String, entry: Entry) {
        // The command line wins, but for `all`, which a denial stands against.
        let is_named = |name: &String| name != ALL && is_meant(name, &known_as, &entry.shown);
        let denied = entry.is_configured && entry.policy == Policy::Deny;
        let allows = self.allowed.iter().any(is_named) || (self.allowed.contains(ALL) && !denied);
        let policy = if allows { Policy::Allow } else { entry.policy };
        let is_final = allows || denied;
        self.gate
            .set(&known_as, &entry.shown, &entry.source, policy, is_final);
        self.entries.insert(known_as, entry);
    }

    /// Decides for good, or for this session, what is done with a tool's calls.
    pub(crate) fn decide(&mut self, name: &str, policy: Policy) -> Result<Vec<String>> {
        self.take_up(name)?;
        let meant = self.entries.iter();
        let meant = meant.filter(|(known_as, entry)| is_meant(name, known_as, &entry.shown));
        let mut decided = Vec::new();
        for (known_as, entry) in meant {
            self.gate.decide(known_as, policy)?;
            decided.push(entry.shown.clone());
        }
        Ok(decided)
    }

    /// Connects to the servers whose tools are on, and tells what went wrong.
    pub(crate) async fn prepare(&mut self) -> Vec<String> {
        #[cfg(feature = "mcp")]
        return self.connect().await;
        #[cfg(not(feature = "mcp"))]
        Vec::new()
    }

    /// Gives a conversation the tools that are on, and somebody to ask.
    pub(crate) fn equip(&self, chat: Conversation) -> Conversation {
        let mut chat = chat
            .with_limits(self.limits())
            .with_approver(gate::Asking(self.gate.clone()));
        self.hand_over(&mut chat);
        chat
    }

    /// What bounds a turn.
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.tool_time = LONGEST;
        limits.steps = self.max_steps.unwrap_or(limits.steps);
        limits
    }

    /// Gives a conversation the tools that are on now, without those that are denied.
    pub(crate) fn hand_over(&self, chat: &mut Conversation) {
        let tools = chat.tools_mut();
        tools.clear();
        for entry in self.told_of() {
            tools.register(Gated(entry.tool.clone()));
        }
    }

    /// All that a model may be given, by the name that people are shown; what isn't
    /// made yet is made to be told of.
    pub(crate) fn list(&mut self) -> Vec<Listed<'_>> {
        // What can't be made isn't there to be turned on, and is told when it is.
        let names: Vec<String> = self.settings.names().map(str::to_owned).collect();
        for name in names {
            let _ = self.take_up(&name);
        }
        let entries = self.entries.iter();
        let listed = entries.map(|(known_as, entry)| Listed {
            policy: self.gate.policy(known_as),
            entry,
        });
        listed.collect()
    }

    /// Servers that must be started before the next turn, told of.
    #[cfg(not(feature = "mcp"))]
    pub(crate) fn waiting(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Ends what was started.
    #[cfg(not(feature = "mcp"))]
    pub(crate) async fn end(&mut self) {}

    /// The servers, a line each.
    #[cfg(not(feature = "mcp"))]
    pub(crate) fn server_lines(&self, _: bool) -> Vec<String> {
        let servers = self.settings.servers.keys();
        let told = |name| format!("  {name:<28} this build has no MCP (feature `mcp`)");
        servers.map(told).collect()
    }

    /// Who decides.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The most steps of a turn.
    pub(crate) fn steps(&self) -> u32 {
        self.max_steps.unwrap_or(Limits::default().steps)
    }
}

/// Whether a model is to be given tools. One that takes none isn't for what the
/// configuration turns on; for what the command line names, its refusal is told.
pub(crate) fn suit(kit: &Kit, args: &ChatArgs, model: &dyn ChatModel, terminal: &Terminal) -> bool {
    if !kit.is_on() {
        return false;
    }
    let is_named = !args.tools.tool.is_empty() || !args.tools.allow.is_empty();
    let lacks = model.info().capabilities.lacks(Capability::Tools);
    if lacks && !is_named {
        let id = model.info().id();
        terminal.notice(format!("{id} takes no tools; it is asked without"));
        return false;
    }
    true
}

/// A tool as it is told of.
pub(crate) struct Listed<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) policy: Policy,
}

/// The name that was meant, perhaps.
fn near<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let near = names.iter().map(|name| parlor::Candidate {
        name,
        preferred: false,
    });
    suggest(name, near, 1).first().copied()
}

/// Whether a name that a person gave means this tool: its own, its server's, or all.
fn is_meant(name: &str, known_as: &str, shown: &str) -> bool {
    let server = shown.split_once('.').map(|(server, _)| server);
    name == ALL || name == known_as || name == shown || server == Some(name)
}

/// A tool about which the gate is asked at each call, whatever it does.
struct Gated(Arc<dyn Tool>);

#[async_trait]
impl Tool for Gated {
    fn definition(&self) -> ToolDefinition {
        self.0.definition()
    }

    fn effect(&self) -> agent::Effect {
        agent::Effect::Changes
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        self.0.check(arguments)
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        self.0.call(arguments, context).await
    }
}

impl ToolSettings {
    /// What can be found wrong with tools without running them.
    pub(crate) fn check(&self, env: &Env) -> Result<()> {
        for (name, table) in &self.tools {
            if !table.command.is_empty() {
                Program::new(name, self, env)?;
            }
        }
        Ok(())
    }

    /// What would keep each program from being run, by name.
    pub(crate) fn programs<'a>(
        &'a self,
        env: &'a Env,
    ) -> impl Iterator<Item = (&'a str, String, Option<String>)> {
        let programs = self.tools.iter();
        let programs = programs.filter(|(_, table)| !table.command.is_empty());
        programs.map(|(name, table)| {
            let problem = match Program::new(name, self, env) {
                Ok(program) => program.problem(),
                Err(error) => Some(error.message().to_owned()),
            };
            let words = table.command.iter().map(String::as_str);
            (name.as_str(), command_line(words), problem)
        })
    }
}
