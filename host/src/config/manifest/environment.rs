//! `${NAME}` in the texts of a manifest, and the `.env` beside it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{ConfigError, Problem, Source};

/// The name of the file with variables that the environment does not have.
const FILE: &str = ".env";

/// Reads the `.env` in `folder`; nothing when there is none.
pub(super) fn read(folder: &Path) -> Result<HashMap<String, String>, ConfigError> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashMap::new()),
        Err(source) => Err(ConfigError::Read { path, source }),
    }
}

/// The first of two settings of one name counts, as for other tools that read such files.
fn parse(path: &Path, text: &str) -> Result<HashMap<String, String>, ConfigError> {
    let mut variables = HashMap::new();
    for line in dotenvy::from_read_iter(text.trim_start_matches('\u{feff}').as_bytes()) {
        let (name, value) = line.map_err(|error| bad_line(path, text, &error))?;
        variables.entry(name).or_insert(value);
    }
    Ok(variables)
}

fn bad_line(path: &Path, text: &str, error: &dotenvy::Error) -> ConfigError {
    let line = match error {
        dotenvy::Error::LineParse(line, _) => line.as_str(),
        _ => "",
    };
    let start = text.find(line).unwrap_or_default();
    let problem = Problem::new(start..start, "this line is no variable: expected `NAME=value`");
    let problem = problem.remedy("put a value with spaces or other special characters in single quotes");
    Source::secret(path, text).wrong(vec![problem])
}

/// Replaces each `${NAME}` in the texts of `table` by the variable's value. What is replaced keeps its place.
pub(super) fn substitute(
    table: &mut DeTable<'_>,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    for (_, value) in table.iter_mut() {
        substitute_value(value, environment, problems);
    }
}

fn substitute_value(
    value: &mut Spanned<DeValue<'_>>,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${") => match expand(text, &span, environment) {
            Ok(expanded) => *text = expanded.into(),
            Err(problem) => problems.push(problem),
        },
        DeValue::Table(table) => substitute(table, environment, problems),
        DeValue::Array(array) => {
            array.iter_mut().for_each(|item| substitute_value(item, environment, problems));
        }
        _ => {}
    }
}

fn expand(text: &str, span: &Range<usize>, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, Problem> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded += before;
            expanded += "${";
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}').filter(|(name, _)| is_name(name)).ok_or_else(|| no_name(span))?;
        expanded += before;
        expanded += &environment(name).ok_or_else(|| unset(name, span))?;
        rest = after;
    }
    expanded += rest;
    Ok(expanded)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn no_name(span: &Range<usize>) -> Problem {
    Problem::new(span.clone(), "`${` begins no variable here")
        .expected("letters, digits and `_`, then `}`: `${NAME}`")
        .remedy("write `$${` for a `${` that stands for itself")
}

fn unset(name: &str, span: &Range<usize>) -> Problem {
    Problem::new(span.clone(), format!("the variable `{name}` is not set"))
        .remedy(format!("neither the environment nor a `{FILE}` beside the manifest has it; set it in one of them"))
}
