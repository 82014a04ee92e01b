//! The report as lines for a person.

use std::path::Path;

use super::{Facts, Report};

impl Report {
    pub(super) fn text(&self) -> String {
        let mut text = format!("parlor {}\n", self.version);
        let mut line = |mark: char, what: &str, told: &str| {
            text.push_str(&format!("{mark} {what}: {told}\n"));
        };
        let path = self.config.path.as_deref().map(Path::display);
        match (&path, self.config.found, self.config.problems.as_slice()) {
            (_, _, [_, ..]) => {}
            (Some(path), true, _) => {
                let profile = self.config.profile.as_ref();
                let profile = profile.map(|name| format!(" with the profile {name}"));
                line(
                    '✓',
                    "config",
                    &format!("{path}{}", profile.unwrap_or_default()),
                );
            }
            (Some(path), false, _) => line('✓', "config", &format!("none needed ({path})")),
            (None, ..) => line('–', "config", "none, and the environment names no home"),
        }
        for problem in &self.config.problems {
            line('✗', "config", &problem.replace('\n', "\n    "));
        }
        let path = self
            .store
            .path
            .as_deref()
            .unwrap_or(Path::new(""))
            .display();
        match (&self.store.problem, self.store.found) {
            (Some(problem), _) => {
                line(
                    '✗',
                    "data dir",
                    &format!("nothing is kept: {path} ({problem})"),
                );
            }
            (None, true) => line('✓', "data dir", &path.to_string()),
            (None, false) => line('✓', "data dir", &format!("nothing kept yet ({path})")),
        }
        let mark = if self.terminal.stdout { '✓' } else { '–' };
        line(mark, "terminal", &self.terminal.told());
        if let Some(path) = &self.log {
            line('✓', "log", &path.display().to_string());
        }
        if let Some(model) = &self.default_model {
            let told = format!("{} ({})", model.id, model.because);
            match &model.problem {
                None => line('✓', "model", &told),
                Some(problem) => line('✗', "model", &format!("{told}: {problem}")),
            }
        }
        for around in &self.layers {
            let names = match around.layers.is_empty() {
                true => "none".to_owned(),
                false => around.layers.join(", "),
            };
            let told = match &around.provider {
                Some(provider) => format!("{names} (around {provider})"),
                None => names,
            };
            line('✓', "layers", &told);
        }
        for tool in &self.tools {
            let (mark, told) = tool.told();
            let what = if tool.kind == "program" {
                "tool"
            } else {
                "mcp"
            };
            line(mark, what, &told);
        }
        for key in &self.keys {
            line('✓', &key.provider, &format!("key in {}", key.source));
        }
        let (first, others) = self.without_key.split_at(self.first);
        for provider in first {
            line('–', provider, "no key");
        }
        if !others.is_empty() {
            line('–', &others.join(", "), "no key");
        }
        for server in &self.local_servers {
            let (provider, url) = (&server.provider, &server.base_url);
            match server.listens {
                true => line('✓', provider, &format!("listens at {url}")),
                false => line('–', provider, &format!("not running ({url})")),
            }
        }
        text
    }
}

impl Facts {
    fn told(&self) -> String {
        let is = |terminal: bool| if terminal { "terminal" } else { "pipe or file" };
        let (stdin, stdout, stderr) = (is(self.stdin), is(self.stdout), is(self.stderr));
        let keys = match self.keys_apart {
            Some(true) => Some("kitty keys"),
            Some(false) => Some("Shift-Enter is Enter (Alt-Enter, Ctrl-J)"),
            None => None,
        };
        let colour = match (self.colour, self.true_colour) {
            (true, true) => "truecolor",
            (true, false) => "colours",
            (false, _) => "no colours",
        };
        let looks = keys
            .into_iter()
            .chain([colour])
            .collect::<Vec<_>>()
            .join(", ");
        let term = self.term.as_deref().unwrap_or("not set");
        format!("{looks} · TERM {term} · stdin {stdin} · stdout {stdout} · stderr {stderr}")
    }
}
