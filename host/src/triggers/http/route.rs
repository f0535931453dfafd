use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use matchit::{Match, Params, Router};

use super::Target;
use super::cors::{Cors, CorsError};
use crate::config::{self, HttpTrigger};
use crate::event::Pairs;

/// Finds what answers a request: by host, then path, then method. An exact segment goes before a parameter, a parameter
/// before a wildcard; a host by name goes before `*.` of its domain, and that before routes of every host.
#[derive(Default)]
pub struct Routes {
    hosts: HashMap<String, Paths>,
    /// By domain, for `*.domain`.
    domains: HashMap<String, Paths>,
    every_host: Paths,
}

/// Routes by path; those of one path differ in their methods.
#[derive(Default)]
struct Paths {
    /// Exact paths and those with parameters.
    plain: Router<usize>,
    /// Those that end in a wildcard: of the library's one router, each place has a parameter or a wildcard, not both.
    wildcards: Router<usize>,
    /// The routes of each path, and by their pattern where they are.
    routes: Vec<Vec<Arc<Route>>>,
    places: HashMap<String, usize>,
}

/// One HTTP trigger, ready to answer.
pub struct Route {
    pub trigger: HttpTrigger,
    pub(super) methods: Vec<Method>,
    pub(super) target: Target,
    pub(super) cors: Option<Cors>,
}

/// Why a trigger is no route.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("the path `{path}` cannot be a route: {why}")]
    Path { path: String, why: String },
    #[error("`{method}` is no HTTP method")]
    Method { method: String },
    #[error("the route `{path}` cannot be used by other origins: {source}")]
    Cors { path: String, source: CorsError },
}

/// What was found.
pub(super) enum Found<'a> {
    Route {
        route: &'a Arc<Route>,
        parameters: Params<'a, 'a>,
    },
    /// The path is there, for other methods only.
    OtherMethods(Vec<&'a Method>),
    Nothing,
}

impl Routes {
    pub fn add(&mut self, trigger: HttpTrigger, target: Target) -> Result<(), RouteError> {
        let methods = trigger
            .methods
            .iter()
            .map(|method| method.parse().map_err(|_| RouteError::Method { method: method.clone() }));
        let methods = methods.collect::<Result<Vec<_>, _>>()?;
        let host = trigger.host.as_deref().map(str::to_ascii_lowercase);
        let paths = match host.as_deref().map(|host| (host, host.strip_prefix("*."))) {
            None => &mut self.every_host,
            Some((_, Some(domain))) => self.domains.entry(domain.to_owned()).or_default(),
            Some((host, None)) => self.hosts.entry(host.to_owned()).or_default(),
        };
        let cors = trigger.cors.as_ref().map(|cors| Cors::new(cors, &trigger.methods)).transpose();
        let cors = cors.map_err(|source| RouteError::Cors { path: trigger.path.clone(), source })?;
        paths.add(Route { trigger, methods, target, cors })
    }

    /// `host` without its port.
    pub(super) fn find<'a>(&'a self, host: &str, path: &'a str, method: &Method) -> Found<'a> {
        let mut other = Found::Nothing;
        for paths in self.candidates(host) {
            match paths.find(path, method) {
                Found::Nothing => {}
                found @ Found::Route { .. } => return found,
                Found::OtherMethods(methods) => other = Found::OtherMethods(methods),
            }
        }
        other
    }

    /// Every function that a route leads to.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        let paths = self.hosts.values().chain(self.domains.values()).chain([&self.every_host]);
        paths.flat_map(|paths| paths.routes.iter().flatten())
    }

    fn candidates<'a>(&'a self, host: &str) -> impl Iterator<Item = &'a Paths> {
        let by_name = !self.hosts.is_empty() || !self.domains.is_empty();
        let host = if by_name { host.to_ascii_lowercase() } else { String::new() };
        let named = self.hosts.get(&host);
        let domain = host.split_once('.').and_then(|(_, domain)| self.domain_of(domain));
        named.into_iter().chain(domain).chain([&self.every_host])
    }

    /// The longest domain that has routes.
    fn domain_of(&self, domain: &str) -> Option<&Paths> {
        let mut rest = Some(domain);
        while let Some(domain) = rest {
            if let Some(paths) = self.domains.get(domain) {
                return Some(paths);
            }
            rest = domain.split_once('.').map(|(_, above)| above);
        }
        None
    }
}

impl Paths {
    fn add(&mut self, route: Route) -> Result<(), RouteError> {
        let path = route.trigger.path.clone();
        if let Some(place) = self.places.get(&path) {
            self.routes[*place].push(Arc::new(route));
            return Ok(());
        }
        let place = self.routes.len();
        let fail = |error: matchit::InsertError| RouteError::Path { path: path.clone(), why: error.to_string() };
        if path.contains("{*") {
            self.wildcards.insert(&path, place).map_err(fail)?;
            // Where two wildcards bring the same path along, the first has it.
            implied(&path).into_iter().for_each(|path| drop(self.wildcards.insert(path, place)));
        } else {
            self.plain.insert(&path, place).map_err(fail)?;
        }
        self.routes.push(vec![Arc::new(route)]);
        self.places.insert(path, place);
        Ok(())
    }

    /// The path that says most, from its start on.
    fn at<'a>(&'a self, path: &'a str) -> Option<Match<'a, 'a, &'a usize>> {
        match (self.plain.at(path).ok(), self.wildcards.at(path).ok()) {
            (Some(plain), Some(wildcard)) => {
                let plain_first = ranks(self.path(*plain.value)).le(ranks(self.path(*wildcard.value)));
                Some(if plain_first { plain } else { wildcard })
            }
            (plain, wildcard) => plain.or(wildcard),
        }
    }

    fn path(&self, place: usize) -> &str {
        self.routes[place].first().map_or("", |route| &route.trigger.path)
    }

    fn find<'a>(&'a self, path: &'a str, method: &Method) -> Found<'a> {
        let Some(found) = self.at(path) else { return Found::Nothing };
        let routes = &self.routes[*found.value];
        let takes = |route: &&Arc<Route>| route.takes(method);
        // One that names the method goes before one that takes all.
        let named = routes.iter().filter(|route| !route.methods.is_empty()).find(takes);
        match named.or_else(|| routes.iter().find(takes)) {
            Some(route) => Found::Route { route, parameters: found.params },
            None => Found::OtherMethods(routes.iter().flat_map(|route| &route.methods).collect()),
        }
    }
}

impl Route {
    /// Who answers, for people.
    pub(super) fn target_name(&self) -> &str {
        match &self.trigger.target {
            config::Target::Function(name) | config::Target::Container(name) => name,
            config::Target::Files(_) => "files",
        }
    }

    /// The target's answer goes out as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.cors.is_none() && !self.trigger.compress
    }

    /// A route for GET answers HEAD as well, and one with CORS the browser's question beforehand.
    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
            || (*method == Method::OPTIONS && self.trigger.cors.is_some())
    }
}

/// How little each segment of a path says: exact, with a parameter in it, a parameter, a wildcard.
fn ranks(path: &str) -> impl Iterator<Item = u8> {
    path.split('/').map(|segment| match segment {
        wildcard if wildcard.contains("{*") => 3,
        parameter if parameter.starts_with('{') && parameter.ends_with('}') => 2,
        part if part.contains('{') => 1,
        _ => 0,
    })
}

/// A wildcard at the end matches the empty rest as well, which the router's own does not.
fn implied(path: &str) -> Vec<String> {
    let Some((before, _)) = path.split_once("{*") else { return Vec::new() };
    let folder = before.strip_suffix('/').filter(|folder| !folder.is_empty());
    [Some(before), folder].into_iter().flatten().map(str::to_owned).collect()
}

/// The parameters with percent signs decoded.
pub(super) fn decoded(parameters: &Params<'_, '_>) -> Pairs {
    let decode = |value: &str| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
    parameters.iter().map(|(name, value)| (name.to_owned(), decode(value))).collect()
}

#[cfg(test)]
mod tests;
