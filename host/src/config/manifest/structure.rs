//! Checks what is written against the schema: keys, presence, types, choices and ranges of numbers.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{Problem, alternatives, list, near};

/// Reports all that the schema does not allow, and takes it out so that the rest can be read.
pub(in crate::config) fn check(schema: &Value, table: &mut Spanned<DeTable<'_>>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let span = table.span();
    check_table(schema, table.get_mut(), span, "", &mut problems);
    problems
}

fn check_table(schema: &Value, table: &mut DeTable<'_>, span: Range<usize>, path: &str, problems: &mut Vec<Problem>) {
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !table.contains_key(required) && !is_misspelt(schema, table, required) {
            problems.push(missing(schema, span.clone(), path, required));
        }
    }
    let mut misfits = Vec::new();
    for (key, value) in table.iter_mut() {
        let name = key.get_ref();
        let fits = match schema["properties"].get(&**name).or_else(|| others(schema)) {
            Some(inner) => check_value(inner, value, &join(path, name), problems),
            None => {
                problems.push(unknown(schema, key, path));
                false
            }
        };
        if !fits {
            misfits.push(name.to_string());
        }
    }
    for name in misfits {
        table.remove(name.as_str());
    }
}

/// Whether a key that means nothing is probably this one: it is told of for itself.
fn is_misspelt(schema: &Value, table: &DeTable<'_>, required: &str) -> bool {
    let unknown = table.keys().filter(|key| schema["properties"].get(&**key.get_ref()).is_none());
    unknown.into_iter().any(|key| near(key.get_ref(), [required]).is_some())
}

/// Whether the value can stay.
fn check_value(schema: &Value, value: &mut Spanned<DeValue<'_>>, path: &str, problems: &mut Vec<Problem>) -> bool {
    if !fits(schema, value.get_ref()) {
        problems.push(misfit(schema, value, path));
        return false;
    }
    let span = value.span();
    match value.get_mut() {
        DeValue::Table(table) => {
            check_table(schema, table, span, path, problems);
            true
        }
        DeValue::Array(array) => array.iter_mut().enumerate().fold(true, |fine, (index, item)| {
            check_value(&schema["items"], item, &format!("{path}[{index}]"), problems) && fine
        }),
        _ => true,
    }
}

/// What the schema of a table of named things says of each.
fn others(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|others| others.is_object())
}

fn fits(schema: &Value, value: &DeValue<'_>) -> bool {
    if let Some(choices) = choices(schema) {
        return choices.iter().any(|choice| fits(choice, value));
    }
    if let Some(only) = schema.get("const") {
        return value.as_str().is_some_and(|text| only == text);
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), DeValue::Table(_))
        | (Some("array"), DeValue::Array(_))
        | (Some("string"), DeValue::String(_))
        | (Some("boolean"), DeValue::Boolean(_)) => true,
        (Some("integer"), DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix())
            .is_ok_and(|number| range(schema).is_some_and(|(least, most)| (least..=most).contains(&number))),
        _ => false,
    }
}

fn choices(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)
}

fn range(schema: &Value) -> Option<(i64, i64)> {
    Some((schema.get("minimum")?.as_i64()?, schema.get("maximum")?.as_i64()?))
}

fn unknown(schema: &Value, key: &Spanned<std::borrow::Cow<'_, str>>, path: &str) -> Problem {
    let name = key.get_ref();
    let place = if path.is_empty() { "at the top level".into() } else { format!("in `{path}`") };
    let properties = schema["properties"].as_object();
    let known = || properties.into_iter().flatten().map(|(known, _)| known.as_str());
    let problem = Problem::new(key.span(), format!("unknown key `{name}` {place}")).expected(list(known()));
    let mut tables = properties.into_iter().flatten();
    match tables.find(|(_, inner)| inner["properties"].get(&**name).is_some()) {
        Some((table, _)) => problem.remedy(format!("`{name}` belongs to `{}`", join(path, table))),
        None => problem.near(name, known()),
    }
}

fn missing(schema: &Value, span: Range<usize>, path: &str, required: &str) -> Problem {
    let place = if path.is_empty() { "the manifest".into() } else { format!("`{path}`") };
    let problem = Problem::new(span, format!("{place} has no `{required}`"));
    match example(&schema["properties"][required]) {
        Some(example) => problem.remedy(format!("add it, such as `{required} = {example}`")),
        None => problem.remedy("add it"),
    }
}

fn misfit(schema: &Value, value: &Spanned<DeValue<'_>>, path: &str) -> Problem {
    let what = format!("`{path}` cannot be {}", shown(value.get_ref()));
    let problem = Problem::new(value.span(), what).expected(expected(schema));
    match (schema["type"].as_str(), value.get_ref()) {
        (Some("array"), DeValue::Table(_)) => problem.remedy(format!("begin each with `[[{path}]]`")),
        (Some("string"), DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)) => {
            match example(schema) {
                Some(_) => problem,
                None => problem.remedy("put it in quotes"),
            }
        }
        (_, DeValue::String(text)) => {
            let words = choices(schema).into_iter().flatten().filter_map(|choice| choice["const"].as_str());
            problem.near(text, words)
        }
        _ => problem,
    }
}

fn expected(schema: &Value) -> String {
    if let Some(choices) = choices(schema) {
        return alternatives(&choices.iter().map(expected).collect::<Vec<_>>());
    }
    if let Some(only) = schema.get("const") {
        return format!("`{only}`");
    }
    let what = match schema["type"].as_str() {
        Some("object") => "a table".into(),
        Some("array") if schema["items"]["type"] == "object" => "an array of tables".into(),
        Some("array") => "an array".into(),
        Some("boolean") => return "`true` or `false`".into(),
        Some("integer") => match range(schema) {
            Some((least, most)) if least == most => return format!("`{least}`"),
            Some((least, i64::MAX)) => return format!("a whole number of {least} or more"),
            Some((least, most)) => return format!("a whole number from {least} to {most}"),
            None => "a whole number".into(),
        },
        _ => "a text".to_owned(),
    };
    example(schema).map_or_else(|| what.clone(), |example| format!("{what}, such as `{example}`"))
}

/// A value that may stand there, as TOML has it: of texts, numbers and lists the same as JSON.
fn example(schema: &Value) -> Option<String> {
    let example = schema["examples"].get(0).or_else(|| schema.get("default"))?;
    Some(example.to_string().replace("\",\"", "\", \""))
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("`{text:?}`"),
        DeValue::Integer(number) => format!("`{number}`"),
        DeValue::Float(number) => format!("`{number}`"),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(time) => format!("`{time}`"),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
