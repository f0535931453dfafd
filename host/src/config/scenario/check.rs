//! From what is written to scenarios, with all that is wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use super::{Action, Call, Expect, Scenario, State, Step, raw};
use crate::config::manifest::raw::{Located, Named};
use crate::config::manifest::source::{Problem, list};
use crate::config::{Manifest, Service, units};

/// 2026-01-01T00:00:00Z.
const STARTS_MS: u64 = 1_767_225_600_000;

pub(super) fn check(
    file: raw::File,
    manifest: &Manifest,
    problems: Vec<Problem>,
) -> Result<Vec<Scenario>, Vec<Problem>> {
    let mut check = Check { manifest, problems };
    let scenarios = file.scenario.into_iter().map(|scenario| check.scenario(scenario)).collect();
    if check.problems.is_empty() { Ok(scenarios) } else { Err(check.problems) }
}

struct Check<'a> {
    manifest: &'a Manifest,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn scenario(&mut self, raw: raw::Scenario) -> Scenario {
        let raw::State { kv, queue, blob } = raw.given;
        if let Some(place) = answer_place(&raw.expect) {
            let problem = Problem::new(place, "only a step has an answer to expect something of");
            self.problems.push(problem.remedy("say it in the `expect` of the step"));
        }
        Scenario {
            name: raw.name.unwrap_or_default(),
            seed: raw.seed,
            starts_ms: raw.starts.and_then(|starts| self.time(&starts)).unwrap_or(STARTS_MS),
            faults: raw.faults,
            given: self.state(kv, queue, blob),
            steps: raw.step.into_iter().filter_map(|step| self.step(step)).collect(),
            expect: self.expect(raw.expect),
        }
    }

    fn step(&mut self, located: Located<raw::Step>) -> Option<Step> {
        let span = located.span();
        let raw = located.into_inner();
        let (answer, invokes, requests) = (answer_place(&raw.expect), raw.invoke.is_some(), raw.http.is_some());
        if let Some(place) = answer.filter(|_| !invokes && !requests) {
            let problem = Problem::new(place, "this step has no answer to expect something of");
            self.problems.push(problem.remedy("only `http` and `invoke` have one"));
        }
        let mut actions = [
            raw.send.map(|send| self.send(send)),
            raw.publish.map(|publish| self.publish(publish)),
            raw.invoke.map(|call| Action::Invoke(self.call(call))),
            raw.invoke_async.map(|call| Action::InvokeAsync(self.call(call))),
            raw.http.map(|http| self.http(http)),
            raw.set.map(|set| self.set(set)),
            raw.remove
                .map(|raw::Remove { bucket, key }| Action::Remove { bucket: self.named(Service::Kv, bucket), key }),
            raw.put.map(|raw::Put { container, key, body }| Action::Put {
                container: self.named(Service::Blob, container),
                key,
                body,
            }),
            raw.delete.map(|raw::Delete { container, key }| Action::Delete {
                container: self.named(Service::Blob, container),
                key,
            }),
            raw.advance.map(|by| Action::Advance(self.duration(&by))),
        ]
        .into_iter()
        .flatten();
        let (action, another) = (actions.next(), actions.next());
        drop(actions);
        let expect = self.expect(raw.expect);
        match (action, another) {
            (Some(action), None) => Some(Step { action, expect }),
            (action, _) => {
                let what =
                    if action.is_some() { "this step does more than one thing" } else { "this step does nothing" };
                let words =
                    ["send", "publish", "invoke", "invoke-async", "http", "set", "remove", "put", "delete", "advance"];
                self.problems.push(Problem::new(span, what).expected(format_args!("one of {}", list(words))));
                None
            }
        }
    }

    fn send(&mut self, raw: raw::Send) -> Action {
        let raw::Send { queue, body, group, attributes } = raw;
        Action::Send { queue: self.named(Service::Queue, queue), body, group, attributes }
    }

    fn publish(&mut self, raw: raw::Publish) -> Action {
        let raw::Publish { topic, body, attributes } = raw;
        Action::Publish { topic: self.named(Service::Topic, topic), body, attributes }
    }

    fn call(&mut self, raw: raw::Invoke) -> Call {
        let raw::Invoke { function, data, r#type, subject } = raw;
        Call { function: self.named(Service::Function, function), data, kind: r#type, subject }
    }

    fn http(&mut self, raw: raw::Http) -> Action {
        let raw::Http { request, headers, body } = raw;
        let text = request.as_deref().map_or("GET /", String::as_str);
        let (method, path) = text.split_once(' ').unwrap_or(("GET", text));
        if let Some(request) = request.as_ref().filter(|_| !path.starts_with('/') || path.contains(' ')) {
            let problem = Problem::new(request.span(), format!("`{text}` is no request"));
            self.problems.push(problem.expected("a method and a path, such as `GET /users?page=2`"));
        }
        Action::Http { method: method.to_owned(), path: path.to_owned(), headers, body }
    }

    fn set(&mut self, raw: raw::Set) -> Action {
        let raw::Set { bucket, key, value, ttl } = raw;
        let ttl = ttl.map(|ttl| self.duration(&ttl));
        Action::Set { bucket: self.named(Service::Kv, bucket), key, value, ttl }
    }

    fn expect(&mut self, raw: raw::Expect) -> Expect {
        Expect {
            status: raw.status.map(Located::into_inner),
            body: raw.body.map(Located::into_inner),
            outcome: raw.outcome.map(Located::into_inner),
            state: self.state(raw.kv, raw.queue, raw.blob),
            fuel_at_most: raw.fuel_at_most,
            invocations: self
                .all(Service::Function, raw.invocations)
                .into_iter()
                .map(|(name, n)| (name, n.0))
                .collect(),
            logs: raw.logs,
        }
    }

    fn state(&mut self, kv: Named<raw::Texts>, queue: Named<Vec<String>>, blob: Named<raw::Texts>) -> State {
        State {
            kv: self.all(Service::Kv, kv),
            queue: self.all(Service::Queue, queue),
            blob: self.all(Service::Blob, blob),
        }
    }

    fn all<T>(&mut self, service: Service, named: Named<T>) -> BTreeMap<String, T> {
        named.into_iter().map(|(name, value)| (self.named(service, Some(name)), value)).collect()
    }

    /// The name of something that the manifest has. One that is missing was told of.
    fn named(&mut self, service: Service, name: Option<Located<String>>) -> String {
        let Some(name) = name else { return String::new() };
        let known = self.known(service);
        if !known.contains(&name.as_str()) {
            let what = format!("the manifest has no {} `{}`", service.resource(), *name);
            let problem = Problem::new(name.span(), what).expected(list(known.iter().copied())).near(&name, known);
            self.problems.push(problem);
        }
        name.into_inner()
    }

    fn known(&self, service: Service) -> Vec<&str> {
        let Manifest { functions, resources, memory, .. } = self.manifest;
        let both = [resources, memory].into_iter();
        match service {
            Service::Kv => both.flat_map(|resources| &resources.buckets).map(String::as_str).collect(),
            // Those of event sources have names that nobody can give.
            Service::Queue => both
                .flat_map(|resources| resources.queues.keys())
                .map(String::as_str)
                .filter(|name| !name.contains('/'))
                .collect(),
            Service::Topic => both.flat_map(|resources| resources.topics.keys()).map(String::as_str).collect(),
            Service::Blob => both.flat_map(|resources| &resources.containers).map(String::as_str).collect(),
            Service::Function => functions.keys().map(String::as_str).collect(),
        }
    }

    fn duration(&mut self, text: &Located<String>) -> Duration {
        units::duration(text).unwrap_or_else(|why| {
            self.problems.push(Problem::new(text.span(), why));
            Duration::ZERO
        })
    }

    fn time(&mut self, text: &Located<String>) -> Option<u64> {
        let time = humantime::parse_rfc3339(text).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        if time.is_none() {
            let problem = Problem::new(text.span(), format!("`{}` is no time since 1970 in UTC", **text));
            self.problems.push(problem.expected("a time such as `2026-01-31T12:00:00Z`"));
        }
        time.and_then(|time| u64::try_from(time.as_millis()).ok())
    }
}

/// Where something is said of an answer.
fn answer_place(expect: &raw::Expect) -> Option<Range<usize>> {
    let raw::Expect { status, body, outcome, .. } = expect;
    let texts = body.as_ref().or(outcome.as_ref()).map(Located::span);
    status.as_ref().map(Located::span).or(texts)
}
