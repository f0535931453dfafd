//! Which pages of other origins may use a route: the Fetch standard's preflight, and the headers on answers.
//!
//! Own code, not the layer of tower-http: that takes every `OPTIONS` for a preflight, asserts on settings where we answer
//! with an error, and wants to own the call.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use super::answer::answer;
use super::body::{Body, Response};
use crate::config;

/// Why settings cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    #[error("`origins` is empty: name the origins whose pages may use the route, or `*` for all")]
    NoOrigin,
    #[error("`{0}` is not an origin: expected a scheme and a host without a path, such as `https://example.com`")]
    Origin(String),
    #[error("`*` does not go with other `origins`: remove it, or them")]
    NotAlone,
    #[error("`{0}` is not a method: expected one such as `PUT`, or `*`")]
    Method(String),
    #[error("`{0}` is not a header's name: expected one such as `content-type`, or `*`")]
    Header(String),
    #[error("`*` in `{0}` does not go with `credentials`, browsers refuse the two together: name each")]
    Credentials(&'static str),
}

/// The checked settings of one route, as header values.
#[derive(Debug)]
pub struct Cors {
    /// `None` for all.
    origins: Option<Vec<HeaderValue>>,
    /// `None` for whichever is asked for.
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

impl Cors {
    /// `route_methods` are those of the route, empty for all.
    pub fn new(settings: &config::Cors, route_methods: &[String]) -> Result<Self, CorsError> {
        check_credentials(settings)?;
        let methods = if settings.methods.is_empty() { route_methods } else { &settings.methods };
        Ok(Self {
            origins: origins(&settings.origins)?,
            methods: list(methods, method)?,
            headers: list(&settings.headers, header)?,
            expose: list(&settings.expose, header)?,
            credentials: settings.credentials,
            max_age: settings.max_age.map(|age| HeaderValue::from(age.as_secs())),
        })
    }

    /// The answer to a preflight, `None` for any other request. No function is called for it.
    pub fn preflight(&self, head: &Parts) -> Option<Response> {
        let method = head.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        if head.method != Method::OPTIONS || !head.headers.contains_key(ORIGIN) {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allow(head, response.headers_mut()).is_none() {
            response = answer(StatusCode::FORBIDDEN, "pages of this origin may not use this route");
            self.vary(response.headers_mut());
            return Some(response);
        }
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.as_ref().unwrap_or(method).clone());
        set(headers, ACCESS_CONTROL_ALLOW_HEADERS, self.headers.as_ref());
        set(headers, ACCESS_CONTROL_MAX_AGE, self.max_age.as_ref());
        Some(response)
    }

    /// Says on an answer whether the page may read it; replaces what the function said about it.
    pub fn apply(&self, head: &Parts, response: &mut Response) {
        let headers = response.headers_mut();
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS] {
            headers.remove(name);
        }
        if self.allow(head, headers).is_some() {
            set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, self.expose.as_ref());
        }
    }

    /// `None` when the origin may not. Without an origin, all answers being equal, it may.
    fn allow(&self, head: &Parts, headers: &mut HeaderMap) -> Option<()> {
        self.vary(headers);
        let value = match &self.origins {
            None => HeaderValue::from_static("*"),
            Some(origins) => {
                let origin = head.headers.get(ORIGIN)?;
                origins.contains(origin).then(|| origin.clone())?
            }
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        Some(())
    }

    /// Tells caches that the answer is for one origin; on each answer, also on those without a permission.
    fn vary(&self, headers: &mut HeaderMap) {
        if self.origins.is_some() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value.clone());
    }
}

fn check_credentials(settings: &config::Cors) -> Result<(), CorsError> {
    let config::Cors { origins, methods, headers, expose, credentials, .. } = settings;
    let lists = [("origins", origins), ("methods", methods), ("headers", headers), ("expose", expose)];
    match lists.into_iter().find(|(_, values)| *credentials && values.iter().any(|value| value == "*")) {
        Some((name, _)) => Err(CorsError::Credentials(name)),
        None => Ok(()),
    }
}

fn origins(values: &[String]) -> Result<Option<Vec<HeaderValue>>, CorsError> {
    match values {
        [] => Err(CorsError::NoOrigin),
        [only] if only == "*" => Ok(None),
        many if many.iter().any(|value| value == "*") => Err(CorsError::NotAlone),
        many => many.iter().map(|value| origin(value)).collect::<Result<_, _>>().map(Some),
    }
}

/// As browsers write it: in lower case, without a path or the scheme's own port.
fn origin(text: &str) -> Result<HeaderValue, CorsError> {
    let fail = || CorsError::Origin(text.into());
    let uri: Uri = text.parse().map_err(|_| fail())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(fail()) };
    let written = format!("{scheme}://{authority}");
    if !text.eq_ignore_ascii_case(&written) || authority.as_str().contains('@') {
        return Err(fail());
    }
    let usual = match scheme {
        "http" => written.strip_suffix(":80"),
        "https" => written.strip_suffix(":443"),
        _ => None,
    };
    HeaderValue::from_str(&usual.unwrap_or(&written).to_ascii_lowercase()).map_err(|_| fail())
}

/// `None` when empty.
fn list(
    values: &[String],
    check: impl Fn(&str) -> Result<String, CorsError>,
) -> Result<Option<HeaderValue>, CorsError> {
    let checked = values.iter().map(|value| check(value)).collect::<Result<Vec<_>, _>>()?;
    // Names of methods and headers make a value that cannot be refused.
    Ok(HeaderValue::from_str(&checked.join(", ")).ok().filter(|value| !value.is_empty()))
}

fn method(text: &str) -> Result<String, CorsError> {
    // `*` is a method's name in the grammar.
    let method = Method::from_bytes(text.to_ascii_uppercase().as_bytes());
    method.map(|method| method.to_string()).map_err(|_| CorsError::Method(text.into()))
}

fn header(text: &str) -> Result<String, CorsError> {
    // `*` is a header's name in the grammar.
    text.parse::<HeaderName>().map(|name| name.to_string()).map_err(|_| CorsError::Header(text.into()))
}

#[cfg(test)]
mod tests;
