//! What types alone can't tell: addresses, names, and entries that contradict each other.

use parlor_core::Secret;

use super::{Config, ModelSettings, ProviderSettings, Route};
use crate::findings::Findings;
use crate::problem::Problems;

/// What is wrong with a configuration that was read from TOML, where it was.
pub(super) fn validate(config: &Config, toml: Option<&str>) -> Result<(), Problems> {
    let mut findings = match toml {
        Some(text) => Findings::in_toml(text),
        None => Findings::new(),
    };
    for (name, provider) in &config.providers {
        check_provider(&mut findings, name, provider);
    }
    for (name, model) in &config.models {
        check_model(&mut findings, config, name, model);
    }
    for (name, route) in &config.routes {
        check_route(&mut findings, config, name, route);
    }
    if config.default_model.as_deref().is_some_and(is_blank) {
        findings.add(&["default_model"], "must name a model");
    }
    if config.layers.retry.attempts == Some(0) {
        let place = ["layers", "retry", "attempts"];
        findings.add(&place, "must be at least 1, which is the first try");
    }
    for (name, profile) in &config.profiles {
        if !profile.profiles.is_empty() {
            findings.add(
                &["profiles", name, "profiles"],
                "a profile has none of its own",
            );
        }
    }
    findings.finish()?;
    // Each is right together with what it is laid over.
    config.profiles.values().try_for_each(|profile| {
        let mut base = config.clone();
        base.profiles.clear();
        validate(&base.merged(profile.clone()), None)
    })
}

fn check_provider(findings: &mut Findings<'_>, name: &str, provider: &ProviderSettings) {
    let place = |field| ["providers", name, field];
    if is_blank(name) || name.contains('/') {
        findings.add(
            &["providers", name],
            "a name can't be empty or hold `/`, which ends it in `name/model`",
        );
    }
    if let Some(message) = provider.base_url.as_deref().and_then(wrong_address) {
        findings.add(&place("base_url"), message);
    }
    let sources = [
        ("api_key", provider.api_key.is_some()),
        ("api_key_env", !provider.api_key_env.is_empty()),
        ("key_command", !provider.key_command.is_empty()),
        ("key_file", provider.key_file.is_some()),
    ];
    let mut given = sources
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let message = format!("the key already comes from `{first}`; keep one of the two");
        findings.add(&place(second), message);
    }
    if provider.api_key.as_ref().is_some_and(|key| key.is_empty()) {
        findings.add(&place("api_key"), "is empty");
    }
    let key = provider.api_key.as_ref().map(Secret::expose);
    if key.is_some_and(|key| key.starts_with("env:")) {
        let message = "is the key itself; name a variable in `api_key_env`";
        findings.add(&place("api_key"), message);
    }
    if provider.api_key_env.iter().any(|name| !is_variable(name)) {
        let message = "expected the name of an environment variable, not the key itself";
        findings.add(&place("api_key_env"), message);
    }
    if provider
        .key_command
        .first()
        .is_some_and(|program| is_blank(program))
    {
        findings.add(
            &place("key_command"),
            "expected a program and its arguments",
        );
    }
    for (header, value) in &provider.headers {
        let place = ["providers", name, "headers", header];
        if !is_header_name(header) {
            findings.add(&place, "isn't a header name");
        }
        if value
            .expose()
            .contains(|c: char| c.is_control() && c != '\t')
        {
            findings.add(&place, "holds a line break or another control character");
        }
    }
    if provider
        .quirks
        .as_ref()
        .is_some_and(|quirks| !quirks.is_object())
    {
        findings.add(&place("quirks"), "expected a table");
    }
    if provider.models.iter().any(|model| is_blank(model.id())) {
        findings.add(&place("models"), "a model with an empty id");
    }
}

fn check_model(findings: &mut Findings<'_>, config: &Config, name: &str, model: &ModelSettings) {
    let place = ["models", name];
    let target = ["models", name, "model"];
    if is_blank(name) {
        findings.add(&place, "a name can't be empty");
    }
    if is_blank(&model.model) {
        findings.add(&target, "expected `provider/model` or another name");
    } else if config.routes.contains_key(name) {
        findings.add(&place, "is also the name of a route");
    } else if in_circle(config, name) {
        findings.add(&target, "leads back to itself");
    }
    if let Some(message) = model.base_url.as_deref().and_then(wrong_address) {
        findings.add(&["models", name, "base_url"], message);
    }
    if model.api_key_env.iter().any(|name| !is_variable(name)) {
        let message = "expected the name of an environment variable, not the key itself";
        findings.add(&["models", name, "api_key_env"], message);
    }
    let parameters = &model.parameters;
    if parameters
        .temperature
        .is_some_and(|value| !(0.0..=2.0).contains(&value))
    {
        findings.add(
            &["models", name, "temperature"],
            "expected a number from 0 to 2",
        );
    }
    if parameters
        .top_p
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        findings.add(&["models", name, "top_p"], "expected a number from 0 to 1");
    }
    if parameters.max_output_tokens == Some(0) {
        findings.add(&["models", name, "max_output_tokens"], "must be at least 1");
    }
}

fn check_route(findings: &mut Findings<'_>, config: &Config, name: &str, route: &Route) {
    let place = ["routes", name, "models"];
    if route.models.is_empty() {
        findings.add(&place, "expected at least one model");
    }
    for target in &route.models {
        if is_blank(&target.model) {
            findings.add(&place, "a model without a name");
        }
        if config.routes.contains_key(&target.model) {
            let message = format!("`{}` is a route; a route takes models", target.model);
            findings.add(&place, message);
        }
        if !target.weight.is_finite() || target.weight <= 0.0 {
            let message = format!("the weight of `{}` must be above 0", target.model);
            findings.add(&place, message);
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether following the mapping from this name comes back to it. A name that
/// stands for itself isn't followed.
fn in_circle(config: &Config, name: &str) -> bool {
    let mut at = name;
    // No walk without a circle is longer than the mapping.
    for _ in 0..config.models.len() {
        match config.models.get(at) {
            None => return false,
            Some(next) if next.model == at => return false,
            Some(next) if next.model == name => return true,
            Some(next) => at = &next.model,
        }
    }
    false
}

/// What is wrong with a base URL, or nothing. The address isn't repeated.
pub fn wrong_address(url: &str) -> Option<String> {
    let rest = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some((scheme, _)) => {
            return Some(format!("expected http:// or https://, not `{scheme}://`"));
        }
        None => return Some("expected an address that begins with http:// or https://".to_owned()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("an address can't carry a user or a password; use a key field".to_owned());
    }
    if host.is_empty() || host.starts_with(':') {
        return Some("the address has no host".to_owned());
    }
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some("the address holds white space".to_owned());
    }
    if url.contains(['?', '#']) {
        return Some("the address can't have a query or a fragment; use `query`".to_owned());
    }
    None
}

/// Whether a name can be that of an environment variable.
pub fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_header_name(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token)
}
