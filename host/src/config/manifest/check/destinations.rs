//! Asynchronous invocations, and where the records of their outcomes go.

use std::ops::Range;
use std::time::Duration;

use super::super::raw::{self, Located};
use super::super::source::Problem;
use super::events::Trigger;
use super::resources::Kept;
use super::{Checker, DAY, secs};
use crate::config::advice::header;
use crate::config::{Delivery, Destination, Destinations, EventSource, Origin, Resources, Service};

/// Deliveries without a setting, as people know it: one attempt and two retries.
const RECEIVES: u32 = 3;
const AGE: Duration = secs(6 * 3600);

impl Checker<'_> {
    pub(super) fn async_source(
        &mut self,
        name: &Located<String>,
        raw: &raw::Async,
        kept: &mut Kept,
    ) -> Option<EventSource> {
        let keeper = self.store(format!("the invocation queue of function `{}`", **name));
        let trigger = Trigger {
            keeper,
            name: Some(name),
            function: Some(name),
            batch: None,
            concurrency: raw.concurrency,
            backoff: raw.backoff.as_ref(),
            max_receives: raw.max_receives.or(Some(RECEIVES)),
            dead_letter: raw.dead_letter.as_ref(),
            delivery: raw.delivery.as_ref(),
        };
        let queue = format!("invoke/{}", **name);
        self.provision(&queue, false, &trigger, kept);
        let age = self.duration(raw.max_age.as_ref(), secs(60)..=14 * DAY, AGE);
        if let Some(settings) = kept.by(self.backend(None)).queues.get_mut(&queue) {
            settings.retention = age;
        }
        let destinations = Destinations {
            on_success: raw.on_success.as_ref().and_then(|text| self.destination(text)),
            on_failure: raw.on_failure.as_ref().and_then(|text| self.destination(text)),
        };
        self.source(Origin::Invoke(Box::new(destinations)), queue, &trigger)
    }

    fn destination(&mut self, text: &Located<String>) -> Option<Destination> {
        let Some(destination) = read(text) else {
            let problem = Problem::new(text.span(), format!("`{}` is no destination", **text));
            self.problems.push(problem.expected("`queue:NAME`, `topic:NAME` or `function:NAME`"));
            return None;
        };
        match &destination {
            Destination::Queue(name) => self.refer(Service::Queue, name, text.span()),
            Destination::Topic(name) => self.refer(Service::Topic, name, text.span()),
            Destination::Function(name) => self.refer_async(name, text.span()),
        }
        Some(destination)
    }

    /// A function that is to take invocations that nobody waits for.
    pub(super) fn refer_async(&mut self, name: &str, span: Range<usize>) {
        self.refer(Service::Function, name, span.clone());
        let known = self.raw.functions.iter().find(|(known, _)| known.as_str() == name);
        if self.whole && known.is_some_and(|(_, function)| function.r#async.is_none()) {
            let problem = Problem::new(span, format!("function `{name}` takes no asynchronous invocations"));
            let remedy = format!("to have it do so, add `async = {{}}` to `{}`", header("functions", name));
            self.problems.push(problem.remedy(remedy));
        }
    }

    /// A record of a success is committed with what the function did.
    pub(super) fn destinations_in_transactions(&mut self, memory: &Resources) {
        for (name, function) in &self.raw.functions {
            let Some(raw) = function.r#async.as_ref().filter(|raw| is_transactional(raw)) else { continue };
            let Some((text, destination)) = raw.on_success.as_ref().and_then(|text| Some((text, read(text)?))) else {
                continue;
            };
            let (service, resource) = match destination {
                Destination::Queue(name) => (Service::Queue, name),
                Destination::Topic(name) => (Service::Topic, name),
                Destination::Function(name) => (Service::Queue, format!("invoke/{name}")),
            };
            if memory.contains(service, &resource) {
                let what = format!(
                    "what becomes of function `{}` goes to {} `{resource}`, which is kept in memory, where there are no \
                     transactions",
                    **name,
                    service.resource()
                );
                let remedy = "keep it in the embedded store or leave out `delivery = \"transactional\"`";
                self.problems.push(Problem::new(text.span(), what).remedy(remedy));
            }
        }
    }

    /// A function that is invoked with what became of its own invocations would never rest.
    pub(super) fn no_circles(&mut self) {
        let raw = self.raw;
        for (name, function) in &raw.functions {
            for text in function.r#async.iter().flat_map(destinations) {
                if let Some(Destination::Function(next)) = read(text)
                    && self.reaches(&next, name)
                {
                    let what = format!("what becomes of function `{}` comes back to it, it would never rest", **name);
                    self.problems.push(Problem::new(text.span(), what).remedy("name another destination, or none"));
                }
            }
        }
    }

    /// Whether records go from a function to `goal`, by functions not before `goal` by name: one place of a circle is
    /// enough to tell.
    fn reaches(&self, start: &str, goal: &str) -> bool {
        let (mut seen, mut next) = (Vec::new(), vec![start.to_owned()]);
        while let Some(name) = next.pop() {
            if name == goal {
                return true;
            }
            if name.as_str() < goal || seen.contains(&name) {
                continue;
            }
            let function = self.raw.functions.iter().find(|(known, _)| ***known == name);
            let texts = function.and_then(|(_, function)| function.r#async.as_ref()).map(destinations);
            next.extend(texts.into_iter().flatten().filter_map(|text| match read(text) {
                Some(Destination::Function(name)) => Some(name),
                _ => None,
            }));
            seen.push(name);
        }
        false
    }
}

fn is_transactional(raw: &raw::Async) -> bool {
    raw.delivery.as_ref().is_some_and(|delivery| **delivery == Delivery::Transactional)
}

fn destinations(raw: &raw::Async) -> impl Iterator<Item = &Located<String>> {
    raw.on_success.iter().chain(&raw.on_failure)
}

fn read(text: &str) -> Option<Destination> {
    let (kind, name) = text.split_once(':')?;
    let name = name.to_owned();
    match kind {
        "queue" => Some(Destination::Queue(name)),
        "topic" => Some(Destination::Topic(name)),
        "function" => Some(Destination::Function(name)),
        _ => None,
    }
}
