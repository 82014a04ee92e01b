//! LiteLLM's proxy: `config.yaml` with its models, fallbacks and keys.
//!
//! <https://docs.litellm.ai/docs/proxy/configs>

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parlor::{COMPATIBLE, Registry, Secret};
use serde_json::Value;
use toml_edit::{Array, InlineTable, Value as Written};

use super::aichat::yaml;
use super::{Group, Haul, nothing, provider_called};
use crate::failure::Failure;

/// Its names of providers that aren't found by letters alone.
const PROVIDERS: &[(&str, &str)] = &[
    ("cohere_chat", "cohere"),
    ("fireworks_ai", "fireworks"),
    ("hosted_vllm", "vllm"),
    ("ollama_chat", "ollama"),
    ("together_ai", "together"),
    ("vertex_ai", "vertex"),
];

/// How it writes that a value is in a variable.
const VARIABLE: &str = "os.environ/";

/// Parameters of a model that are called otherwise here, or the same.
const PARAMETERS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
    ("seed", "seed"),
];

/// What of a deployment is known here, besides its parameters.
const KNOWN: &[&str] = &["model", "api_base", "base_url", "api_key", "weight"];

/// Where else a request goes, in ways that routes here haven't.
const TURNS: &[&str] = &[
    "default_fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "model_group_alias",
];

/// What is read of its two tables of settings.
const SETTINGS: &[&str] = &[
    "fallbacks",
    "num_retries",
    "request_timeout",
    "routing_strategy",
    "timeout",
];

/// Its strategies by which deployments are chosen, as routes call them.
const STRATEGIES: &[(&str, &str)] = &[
    ("latency-based-routing", "least-latency"),
    ("least-busy", "least-busy"),
    ("simple-shuffle", "weighted"),
];

/// A model at a provider, one of those behind a name.
#[derive(Debug, Clone)]
struct Deployment {
    id: String,
    settings: Vec<(&'static str, Written)>,
    weight: Option<f64>,
}

pub(super) fn read(
    path: Option<&Path>,
    registry: &Registry,
    haul: &mut Haul,
) -> Result<(), Failure> {
    let usual = || {
        ["config.yaml", "litellm_config.yaml"]
            .map(PathBuf::from)
            .to_vec()
    };
    let places = match path {
        Some(path) if path.is_dir() => usual().iter().map(|it| path.join(it)).collect(),
        Some(path) => vec![path.to_owned()],
        None => usual(),
    };
    let is_one = |settings: &Value| settings.get("model_list").is_some();
    let found = places.iter().find_map(|file| {
        let settings = yaml(file, haul).filter(is_one)?;
        Some((file.clone(), settings))
    });
    let Some((file, settings)) = found else {
        let places: Vec<_> = places.into_iter().map(Some).collect();
        return Err(nothing("litellm", &places));
    };
    let mut names: BTreeMap<String, Vec<Deployment>> = BTreeMap::new();
    for listed in settings["model_list"].as_array().into_iter().flatten() {
        let Some(name) = listed["model_name"].as_str() else {
            continue;
        };
        match deployment(&file, name, &listed["litellm_params"], registry, haul) {
            Ok(deployment) => names.entry(name.to_owned()).or_default().push(deployment),
            Err(why) => haul.note(&file, format!("{name}: not taken over, {why}")),
        }
    }
    let fallbacks = fallbacks(&settings);
    for (name, next) in &fallbacks {
        let left = next.iter().map(String::as_str);
        let left = left.filter(|it| !names.contains_key(name) || !names.contains_key(*it));
        let left: Vec<&str> = left.collect();
        if !left.is_empty() {
            let note = format!("{name}: not taken over as fallbacks: {}", left.join(", "));
            haul.note(&file, note);
        }
    }
    let strategy = settings["router_settings"]["routing_strategy"].as_str();
    for (name, own) in &names {
        let next = fallbacks.get(name).into_iter().flatten();
        let next: Vec<&Deployment> = next.filter_map(|it| names.get(it)).flatten().collect();
        if !next.is_empty() && own.len() > 1 {
            let note = format!(
                "{name}: not taken over: that its {} deployments share what is asked, since it has \
                 fallbacks too; they are asked in order, the heaviest first",
                own.len()
            );
            haul.note(&file, note);
        }
        haul.groups.push(group(name, own, &next, strategy));
    }
    around(&file, &settings, haul);
    Ok(())
}

fn deployment(
    file: &Path,
    name: &str,
    params: &Value,
    registry: &Registry,
    haul: &mut Haul,
) -> Result<Deployment, String> {
    let model = params["model"].as_str().ok_or("it names no model")?;
    if name.contains('*') || model.contains('*') {
        return Err("every model of a provider can be asked as provider/model already".to_owned());
    }
    let (provider, id) = match model.split_once('/') {
        Some((provider, id)) => {
            let known = PROVIDERS.iter().find(|(theirs, _)| *theirs == provider);
            let ours = match known {
                Some((_, ours)) => ours,
                // Whatever speaks the common dialect.
                None if provider.ends_with("_like") => COMPATIBLE,
                None => provider,
            };
            let found = provider_called(registry, ours);
            (
                found.ok_or_else(|| format!("no provider is called {provider}"))?,
                id,
            )
        }
        None => match registry.resolve(model) {
            Ok(resolved) => (resolved.provider.descriptor().id, model),
            Err(_) => return Err(format!("the provider of {model} isn't said")),
        },
    };
    let descriptor = registry.descriptor(provider).ok();
    let mut settings = Vec::new();
    let base = params["api_base"].as_str().or(params["base_url"].as_str());
    match base.map(|it| (it, it.strip_prefix(VARIABLE))) {
        Some((_, Some(variable))) => {
            let reads = descriptor.is_some_and(|it| it.base_url_env.contains(&variable));
            if !reads {
                let note = format!("{name}: write the address that {variable} has as base_url");
                haul.note(file, note);
            }
        }
        Some((address, None)) => settings.push(("base_url", address.into())),
        None => {}
    }
    match params["api_key"]
        .as_str()
        .map(|it| (it, it.strip_prefix(VARIABLE)))
    {
        // A usual variable of the provider is read without being named, but not for another
        // address.
        Some((_, Some(usual)))
            if base.is_none() && descriptor.is_some_and(|it| it.key_env.contains(&usual)) => {}
        Some((_, Some(variable))) => settings.push(("api_key_env", variable.into())),
        Some(_) if base.is_some() => {
            let note = format!(
                "{name}: the key of its address stays in the file; put it into a variable and \
                 name that as api_key_env"
            );
            haul.note(file, note);
        }
        Some((key, None)) => {
            haul.keys_in = Some(file.to_owned());
            let key = Secret::new(key);
            let before = haul.keys.get(provider);
            if before.is_some_and(|it| it.expose() != key.expose()) {
                let note = format!(
                    "{name}: {provider} has another key already; put this one into a variable"
                );
                haul.note(file, note);
            } else {
                haul.keys.insert(provider.to_owned(), key);
            }
        }
        None => {}
    }
    let mut left = Vec::new();
    for (theirs, value) in params.as_object().into_iter().flatten() {
        match PARAMETERS.iter().find(|(name, _)| name == theirs) {
            Some((_, ours)) => match (value.as_i64(), value.as_f64()) {
                (Some(number), _) if *ours == "seed" || ours.ends_with("tokens") => {
                    settings.push((ours, number.into()));
                }
                (_, Some(number)) => settings.push((ours, number.into())),
                _ => left.push(theirs.as_str()),
            },
            None if KNOWN.contains(&theirs.as_str()) => {}
            None if theirs == "rpm" => left.push("rpm as a limit"),
            None => left.push(theirs.as_str()),
        }
    }
    if !left.is_empty() {
        haul.note(file, format!("{name}: not taken over: {}", left.join(", ")));
    }
    let share = |name: &str| params[name].as_f64().filter(|it| *it > 0.0);
    Ok(Deployment {
        id: format!("{provider}/{id}"),
        settings,
        weight: share("weight").or_else(|| share("rpm")),
    })
}

/// To which names each one falls back, in their order.
fn fallbacks(settings: &Value) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for place in ["router_settings", "litellm_settings"] {
        let lists = settings[place]["fallbacks"]
            .as_array()
            .into_iter()
            .flatten();
        for (name, next) in lists.filter_map(Value::as_object).flatten() {
            let next = next.as_array().into_iter().flatten();
            let next = next.filter_map(Value::as_str).map(str::to_owned);
            all.insert(name.clone(), next.collect());
        }
    }
    all
}

/// A name as a model, or as a route over several.
fn group(name: &str, own: &[Deployment], next: &[&Deployment], strategy: Option<&str>) -> Group {
    let place = |table: &str, name: &str| vec![table.to_owned(), name.to_owned()];
    let mut values = Vec::new();
    if let ([only], []) = (own, next) {
        values.push((place("models", name), only.written()));
        return Group::new(format!("model          {name}"), values);
    }
    let known = |theirs| STRATEGIES.iter().find(|(it, _)| Some(*it) == theirs);
    let strategy = match next {
        [_, ..] => "fallback",
        [] => known(strategy).map_or("weighted", |(_, ours)| ours),
    };
    let mut own: Vec<&Deployment> = own.iter().collect();
    if strategy == "fallback" {
        let share = |it: &Deployment| it.weight.unwrap_or(1.0);
        own.sort_by(|one, other| share(other).total_cmp(&share(one)));
    }
    let mut targets = Array::new();
    for (at, deployment) in own.into_iter().chain(next.iter().copied()).enumerate() {
        let called = match deployment.settings.is_empty() {
            true => deployment.id.clone(),
            false => {
                let called = format!("{name}-{}", at + 1);
                values.push((place("models", &called), deployment.written()));
                called
            }
        };
        match deployment.weight.filter(|_| strategy == "weighted") {
            None => targets.push(called),
            Some(weight) => {
                let mut target = InlineTable::new();
                target.insert("model", called.into());
                target.insert("weight", weight.into());
                targets.push(target);
            }
        }
    }
    let mut route = InlineTable::new();
    route.insert("strategy", strategy.into());
    route.insert("models", targets.into());
    values.push((place("routes", name), route.into()));
    Group::new(format!("route          {name}"), values)
}

impl Deployment {
    fn written(&self) -> Written {
        if self.settings.is_empty() {
            return self.id.as_str().into();
        }
        let mut table = InlineTable::new();
        table.insert("model", self.id.as_str().into());
        for (name, value) in &self.settings {
            table.insert(*name, value.clone());
        }
        table.into()
    }
}

/// What holds of all models, and of the proxy itself.
fn around(file: &Path, settings: &Value, haul: &mut Haul) {
    let of = |name: &str| {
        let places = ["router_settings", "litellm_settings"];
        places
            .iter()
            .map(|it| &settings[*it][name])
            .find(|it| !it.is_null())
    };
    let place = |names: [&str; 3]| names.map(str::to_owned).to_vec();
    if let Some(retries) = of("num_retries").and_then(Value::as_i64) {
        let attempts = vec![(place(["layers", "retry", "attempts"]), (retries + 1).into())];
        haul.groups
            .push(Group::new(format!("retries        {retries}"), attempts));
    }
    let time = of("request_timeout").or_else(|| of("timeout"));
    if let Some(seconds) = time.and_then(Value::as_f64).filter(|it| *it >= 1.0) {
        let limit = format!("{}s", seconds.round());
        let total = vec![(place(["layers", "timeout", "total"]), limit.as_str().into())];
        haul.groups
            .push(Group::new(format!("time limit     {limit}"), total));
    }
    let turns: Vec<&str> = TURNS
        .iter()
        .copied()
        .filter(|it| of(it).is_some())
        .collect();
    if !turns.is_empty() {
        let turns = turns.join(", ");
        haul.note(
            file,
            format!("not taken over: {turns}; a route can have further models, and `turns_after`"),
        );
    }
    let tables = ["router_settings", "litellm_settings"].into_iter();
    let left = tables.flat_map(|it| settings[it].as_object().into_iter().flatten());
    let left = left.filter(|(name, value)| match value.as_str() {
        Some(strategy) if *name == "routing_strategy" => {
            !STRATEGIES.iter().any(|(it, _)| *it == strategy)
        }
        _ => !SETTINGS.contains(&name.as_str()) && !TURNS.contains(&name.as_str()),
    });
    let left: Vec<&str> = left.map(|(name, _)| name.as_str()).collect();
    if !left.is_empty() {
        haul.note(file, format!("not taken over: {}", left.join(", ")));
    }
    let general = &settings["general_settings"];
    let reference = |name: &str| {
        let value = general[name].as_str()?;
        let variable = value.strip_prefix(VARIABLE);
        Some(variable.map_or_else(|| "the file".to_owned(), |it| format!("the variable {it}")))
    };
    if let Some(place) = reference("master_key") {
        haul.note(
            file,
            format!(
                "the master key stays in {place}: write it to a file of its own for `[serve] keys`"
            ),
        );
    }
    if reference("database_url").is_some() {
        haul.note(
            file,
            "its database stays: keys are made anew, parlor serve keys add, in `[serve] store`",
        );
    }
}
