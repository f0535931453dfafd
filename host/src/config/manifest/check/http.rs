use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use http::uri::{Authority, Uri};
use http::{HeaderName, Method};
use matchit::{InsertError, Router};

use super::super::raw::{self, Located};
use super::super::source::Problem;
use super::{Checker, DAY, Duration};
use crate::config::{Cors, HttpTrigger, Service, Target, units};

/// What a trigger without methods takes; no method has a space.
const EVERY_METHOD: &str = "every method";

impl Checker<'_> {
    pub(super) fn http(&mut self) -> Vec<HttpTrigger> {
        let raw = self.raw;
        let triggers: Vec<_> = raw.triggers.http.iter().filter_map(|raw| self.trigger(raw)).collect();
        // With one of them missing, the places would not be theirs.
        if self.whole && triggers.len() == raw.triggers.http.len() {
            self.routes(&triggers);
        }
        triggers
    }

    fn trigger(&mut self, raw: &Located<raw::Http>) -> Option<HttpTrigger> {
        let path = self.parsed(raw.path.as_ref(), None, |text| pattern(text).map(|()| Some(text.to_owned())));
        let methods = self.each(&raw.methods, method);
        let host = self.parsed(raw.host.as_ref(), None, |text| host(text).map(Some));
        let cors = raw.cors.as_ref().map(|cors| self.cors(cors));
        let target = self.target(raw)?;
        if !matches!(target, Target::Function(_)) {
            self.needs_wildcard(raw.path.as_ref()?);
        }
        Some(HttpTrigger { host, methods, path: path?, target, cors, compress: raw.compress.unwrap_or_default() })
    }

    fn target(&mut self, raw: &Located<raw::Http>) -> Option<Target> {
        let named = [&raw.function, &raw.files, &raw.container];
        let named: Vec<&Located<String>> = named.into_iter().flatten().collect();
        let choice = "one of `function`, `files` and `container`";
        match named.as_slice() {
            [] if self.whole => {
                self.problems
                    .push(Problem::new(raw.span(), "this trigger has no target").remedy(format!("add {choice}")));
            }
            [_, second, ..] => {
                self.problems.push(Problem::new(second.span(), "this trigger has two targets").expected(choice));
            }
            _ => {}
        }
        if let Some(name) = &raw.function {
            self.refer(Service::Function, name, name.span());
            Some(Target::Function(name.to_string()))
        } else if let Some(folder) = &raw.files {
            Some(Target::Files(self.path(folder)))
        } else {
            let name = raw.container.as_ref()?;
            self.refer(Service::Blob, name, name.span());
            Some(Target::Container(name.to_string()))
        }
    }

    fn needs_wildcard(&mut self, path: &Located<String>) {
        if !path.contains("/{*") {
            let example = format!("{}/{{*file}}", path.trim_end_matches('/'));
            let problem = Problem::new(path.span(), format!("`{}` does not say which file is asked for", **path));
            self.problems.push(problem.expected(format!("a wildcard at its end: `{example}`")));
        }
    }

    /// Each request has one target: no two triggers share host, path and method, and all paths can be told apart.
    fn routes(&mut self, triggers: &[HttpTrigger]) {
        let mut taken: BTreeMap<(Option<&str>, &str), BTreeSet<&str>> = BTreeMap::new();
        // Wildcards are found apart from the others, so that they can stand beside parameters.
        let mut routers: BTreeMap<(Option<&str>, bool), Router<()>> = BTreeMap::new();
        for (trigger, raw) in triggers.iter().zip(&self.raw.triggers.http) {
            let (host, path) = (trigger.host.as_deref(), trigger.path.as_str());
            let span = raw.path.as_ref().map_or_else(|| raw.span(), Located::span);
            let methods: BTreeSet<&str> = match trigger.methods.as_slice() {
                [] => [EVERY_METHOD].into(),
                methods => methods.iter().map(String::as_str).collect(),
            };
            match taken.get_mut(&(host, path)) {
                Some(before) => {
                    if let Some(method) = before.intersection(&methods).next() {
                        self.taken(span, host, path, method);
                    }
                    before.extend(methods);
                }
                None => {
                    if let Err(error) = routers.entry((host, path.contains("{*"))).or_default().insert(path, ()) {
                        self.wrong(span, misfit(path, &error));
                    }
                    taken.insert((host, path), methods);
                }
            }
        }
    }

    fn taken(&mut self, span: Range<usize>, host: Option<&str>, path: &str, method: &str) {
        let host = host.map(|host| format!(" of host `{host}`")).unwrap_or_default();
        let what = format!("{method} on `{path}`{host} goes somewhere already");
        self.problems.push(Problem::new(span, what).remedy("give one of the triggers another path, method or host"));
    }

    fn cors(&mut self, raw: &raw::Cors) -> Cors {
        let credentials = raw.credentials.unwrap_or_default();
        let origins = raw.origins.as_deref().unwrap_or_default();
        for list in [origins, &raw.methods, &raw.headers, &raw.expose] {
            let Some(star) = list.iter().find(|text| text.as_str() == "*") else { continue };
            if list.len() > 1 {
                self.wrong(star.span(), "`*` stands for all, there is nothing to add to it");
            }
            if credentials {
                let problem = Problem::new(star.span(), "browsers take no `*` together with `credentials`");
                self.problems.push(problem.remedy("name all that is allowed, or leave `credentials` out"));
            }
        }
        Cors {
            origins: self.each(origins, or_star(origin)),
            methods: self.each(&raw.methods, or_star(method)),
            headers: self.each(&raw.headers, or_star(header_name)),
            expose: self.each(&raw.expose, or_star(header_name)),
            credentials,
            max_age: self.parsed(raw.max_age.as_ref(), None, |text| {
                units::duration_within(text, Duration::ZERO..=DAY).map(Some)
            }),
        }
    }
}

/// A path without parameters.
pub(super) fn plain_path(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` is no path: expected it to begin with `/`"));
    }
    match text.chars().find(|c| matches!(c, '?' | '#') || c.is_whitespace() || c.is_control()) {
        Some(c) => Err(format!("`{text}` is no path: {c:?} cannot stand in it")),
        None => Ok(()),
    }
}

/// A path as the router reads it.
fn pattern(text: &str) -> Result<(), String> {
    plain_path(text)?;
    Router::new().insert(text, ()).map_err(|error| misfit(text, &error))
}

fn misfit(path: &str, error: &InsertError) -> String {
    match error {
        InsertError::Conflict { with } => {
            let rule = "expected one name for one parameter, and no wildcard in the place of another's parameter";
            format!("`{path}` and `{with}` cannot be told apart: {rule}")
        }
        InsertError::InvalidParamSegment => {
            format!("`{path}` has two parameters in one segment: expected at most one between two `/`")
        }
        InsertError::InvalidParam => {
            format!("`{path}` has a brace that belongs to no parameter: expected `{{name}}`, or `{{{{` for `{{`")
        }
        InsertError::InvalidCatchAll => {
            format!("`{path}` goes on after its wildcard: expected `{{*name}}` at its end")
        }
        other => format!("`{path}` is no path pattern: {}", other.to_string().to_lowercase()),
    }
}

fn method(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    match Method::from_bytes(upper.as_bytes()) {
        Ok(_) if upper == text => Ok(upper),
        Ok(_) => Err(format!("`{text}` is no method: expected upper case, `{upper}`")),
        Err(_) => Err(format!("`{text}` is no method: expected a word such as `GET`")),
    }
}

fn host(text: &str) -> Result<String, String> {
    let fail =
        || format!("`{text}` is no host: expected a name without port, such as `api.example.com` or `*.example.com`");
    let name: Authority = text.strip_prefix("*.").unwrap_or(text).parse().map_err(|_| fail())?;
    if name.host() != name.as_str() || name.host().contains('*') {
        return Err(fail());
    }
    Ok(text.to_ascii_lowercase())
}

fn origin(text: &str) -> Result<String, String> {
    let fail = || format!("`{text}` is no origin: expected a scheme and a host, such as `https://example.com`, or `*`");
    let uri: Uri = text.parse().map_err(|_| fail())?;
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) if text.len() == scheme.len() + 3 + authority.as_str().len() => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(fail()),
    }
}

fn header_name(text: &str) -> Result<String, String> {
    let name: Result<HeaderName, _> = text.parse();
    name.map(|name| name.to_string()).map_err(|_| format!("`{text}` is no name of a header"))
}

fn or_star(parse: impl Fn(&str) -> Result<String, String>) -> impl Fn(&str) -> Result<String, String> {
    move |text| if text == "*" { Ok(text.to_owned()) } else { parse(text) }
}
