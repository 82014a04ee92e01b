//! Whether a value keeps to a JSON Schema that no type stands for.

use parlor_core::{Error, ErrorKind};
use serde_json::{Map, Value};

/// How many schemas are looked at for one value: alternatives that refer to
/// each other can be endless.
const STEPS: u32 = 100_000;

/// How deep schemas are followed.
const MAX_DEPTH: u32 = 128;

/// Holds a value to a schema by its types, constants, properties, items, sizes,
/// bounds, combinations and local references. What else there is, `pattern`
/// and `format` above all, is not looked at.
///
/// # Errors
/// The first thing that is wrong, with its place, in words for the model.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let mut checker = Checker {
        root: schema,
        left: STEPS,
    };
    checker.check(schema, value, "", 0)
}

/// Holds a value to a JSON Schema by its types, constants, properties, items, sizes,
/// bounds, combinations and local references. What else there is, `pattern`
/// and `format` above all, is not looked at.
///
/// # Errors
/// [`Validation`](ErrorKind::Validation) with the first thing that is wrong and its
/// place, in words for the model.
pub fn keeps_to(schema: &Value, value: &Value) -> Result<(), Error> {
    check(schema, value).map_err(|wrong| Error::new(ErrorKind::Validation, wrong))
}

struct Checker<'a> {
    root: &'a Value,
    left: u32,
}

impl<'a> Checker<'a> {
    fn check(
        &mut self,
        schema: &'a Value,
        value: &Value,
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > MAX_DEPTH {
            return Err("the schema refers to itself without end".to_owned());
        }
        let rules = match schema {
            Value::Bool(false) => return Err(format!("{} may not be there", named(at))),
            Value::Object(rules) => rules,
            _ => return Ok(()),
        };
        if let Some(target) = rules.get("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|it| self.root.pointer(it));
            let target = target.ok_or_else(|| format!("{} has an unknown `$ref`", named(at)))?;
            self.check(target, value, at, depth + 1)?;
        }
        kinds(rules, value, at)?;
        if let Some(all) = rules.get("enum").and_then(Value::as_array)
            && !all.iter().any(|it| same(it, value))
        {
            let all: Vec<String> = all.iter().map(Value::to_string).collect();
            return Err(format!("{} must be one of {}", named(at), all.join(", ")));
        }
        if let Some(only) = rules.get("const").filter(|it| !same(it, value)) {
            return Err(format!("{} must be {only}", named(at)));
        }
        match value {
            Value::Object(members) => self.members(rules, members, at, depth)?,
            Value::Array(items) => self.items(rules, items, at, depth)?,
            Value::String(text) => {
                let length = text.chars().count();
                within(rules, ["minLength", "maxLength"], length, "characters", at)?;
            }
            Value::Number(_) => bounds(rules, value, at)?,
            _ => {}
        }
        self.combined(rules, value, at, depth)
    }

    fn members(
        &mut self,
        rules: &'a Map<String, Value>,
        members: &Map<String, Value>,
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        let required = rules.get("required").and_then(Value::as_array);
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.find(|name| !members.contains_key(*name)) {
            return Err(format!("{} is missing", named(&below(at, missing))));
        }
        let count = members.len();
        within(
            rules,
            ["minProperties", "maxProperties"],
            count,
            "properties",
            at,
        )?;
        let properties = rules.get("properties").and_then(Value::as_object);
        let patterns = rules.contains_key("patternProperties");
        for (name, member) in members {
            let at = below(at, name);
            match properties.and_then(|it| it.get(name)) {
                Some(schema) => self.check(schema, member, &at, depth + 1)?,
                // Which names a pattern takes isn't known here.
                None if patterns => {}
                None => match rules.get("additionalProperties") {
                    Some(Value::Bool(false)) => {
                        return Err(format!("{} is not declared", named(&at)));
                    }
                    Some(schema) => self.check(schema, member, &at, depth + 1)?,
                    None => {}
                },
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        rules: &'a Map<String, Value>,
        items: &[Value],
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        within(rules, ["minItems", "maxItems"], items.len(), "items", at)?;
        let first = rules.get("prefixItems").and_then(Value::as_array);
        let first = first.map(Vec::as_slice).unwrap_or_default();
        for (number, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(number).or_else(|| rules.get("items")) {
                self.check(schema, item, &format!("{at}[{number}]"), depth + 1)?;
            }
        }
        let mut numbered = items.iter().enumerate();
        if rules.get("uniqueItems") == Some(&Value::Bool(true))
            && numbered.any(|(number, it)| items.iter().take(number).any(|other| same(it, other)))
        {
            return Err(format!("{} has an item twice", named(at)));
        }
        Ok(())
    }

    fn combined(
        &mut self,
        rules: &'a Map<String, Value>,
        value: &Value,
        at: &str,
        depth: u32,
    ) -> Result<(), String> {
        let list = |key| rules.get(key).and_then(Value::as_array);
        for schema in list("allOf").into_iter().flatten() {
            self.check(schema, value, at, depth + 1)?;
        }
        if let Some(any) = list("anyOf") {
            let mut wrong = None;
            let mut fits = false;
            for schema in any {
                match self.check(schema, value, at, depth + 1) {
                    Ok(()) => {
                        fits = true;
                        break;
                    }
                    Err(why) => {
                        wrong.get_or_insert(why);
                    }
                }
            }
            if let (false, Some(wrong)) = (fits, wrong) {
                return Err(format!("{} fits no alternative: {wrong}", named(at)));
            }
        }
        if let Some(one) = list("oneOf") {
            let mut fitting = 0;
            for schema in one {
                fitting += usize::from(self.check(schema, value, at, depth + 1).is_ok());
            }
            if fitting != 1 {
                let count = one.len();
                let at = named(at);
                return Err(format!(
                    "{at} fits {fitting} of {count} alternatives, not one"
                ));
            }
        }
        match rules.get("not") {
            Some(not) if self.check(not, value, at, depth + 1).is_ok() => {
                Err(format!("{} is what it may not be", named(at)))
            }
            _ => Ok(()),
        }
    }
}

fn kinds(rules: &Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
    let wanted: Vec<&str> = match rules.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let whole = value.as_f64().is_some_and(|it| it.fract() == 0.0);
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if whole => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |kind: &&str| *kind == found || (*kind == "number" && found == "integer");
    match wanted.iter().any(fits) {
        true => Ok(()),
        false => {
            let (at, wanted) = (named(at), wanted.join(" or "));
            Err(format!("{at} must be of the type {wanted} and is {found}"))
        }
    }
}

fn bounds(rules: &Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
    let Some(number) = value.as_f64() else {
        return Ok(());
    };
    let bound = |key| rules.get(key).and_then(Value::as_f64);
    let wrong = [
        ("minimum", bound("minimum").is_some_and(|it| number < it)),
        ("maximum", bound("maximum").is_some_and(|it| number > it)),
        (
            "exclusiveMinimum",
            bound("exclusiveMinimum").is_some_and(|it| number <= it),
        ),
        (
            "exclusiveMaximum",
            bound("exclusiveMaximum").is_some_and(|it| number >= it),
        ),
    ];
    match wrong.iter().find(|(_, wrong)| *wrong) {
        Some((key, _)) => {
            let limit = rules.get(*key).unwrap_or(&Value::Null);
            Err(format!("{} breaks its {key} of {limit}", named(at)))
        }
        None => Ok(()),
    }
}

fn within(
    rules: &Map<String, Value>,
    [least, most]: [&str; 2],
    count: usize,
    what: &str,
    at: &str,
) -> Result<(), String> {
    let bound = |key| rules.get(key).and_then(Value::as_u64);
    let count = count as u64;
    match (bound(least), bound(most)) {
        (Some(least), _) if count < least => Err(format!(
            "{} has {count} {what} and must have at least {least}",
            named(at)
        )),
        (_, Some(most)) if count > most => Err(format!(
            "{} has {count} {what} and may have at most {most}",
            named(at)
        )),
        _ => Ok(()),
    }
}

/// Numbers are the same by what they are worth: `1` is `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => a == b || (x == y && (a.is_f64() || b.is_f64())),
        _ => a == b,
    }
}

fn below(at: &str, name: &str) -> String {
    match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    }
}

fn named(at: &str) -> String {
    match at {
        "" => "the value".to_owned(),
        at => format!("`{at}`"),
    }
}
