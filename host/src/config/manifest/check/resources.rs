use std::ops::Range;

use bytesize::ByteSize;

use super::super::raw::{self, Backend, Located};
use super::super::source::Problem;
use super::{Checker, DAY, Duration, secs};
use crate::config::advice::header;
use crate::config::{QueueSettings, Resources, Service, Subscription, TopicSettings, check_name};

/// The resources of each backend.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) embedded: Resources,
    pub(super) memory: Resources,
}

impl Kept {
    pub(super) fn by(&mut self, backend: Backend) -> &mut Resources {
        match backend {
            Backend::Embedded => &mut self.embedded,
            Backend::Memory => &mut self.memory,
        }
    }
}

/// What the tables of a service's resources are called.
pub(super) fn tables(service: Service) -> &'static str {
    match service {
        Service::Kv => "buckets",
        Service::Queue => "queues",
        Service::Topic => "topics",
        Service::Blob => "containers",
        Service::Function => "functions",
    }
}

impl Checker<'_> {
    pub(super) fn resources(&mut self) -> Kept {
        let (raw, mut kept) = (self.raw, Kept::default());
        for (name, bucket) in &raw.buckets {
            self.name(Service::Kv, name);
            kept.by(self.backend(bucket.backend)).buckets.insert(name.to_string());
        }
        for (name, queue) in &raw.queues {
            self.name(Service::Queue, name);
            let settings = self.queue(name, queue);
            kept.by(self.backend(queue.backend)).queues.insert(name.to_string(), settings);
        }
        for (name, topic) in &raw.topics {
            self.name(Service::Topic, name);
            let backend = self.backend(topic.backend);
            let subscriptions = topic.subscriptions.iter().map(|raw| self.subscription(name, backend, raw)).collect();
            let retention = topic.retention.as_ref();
            let retention = retention.map(|raw| self.duration(Some(raw), secs(60)..=14 * DAY, Duration::ZERO));
            kept.by(backend).topics.insert(name.to_string(), TopicSettings { subscriptions, retention });
        }
        for (name, container) in &raw.containers {
            self.name(Service::Blob, name);
            kept.by(self.backend(container.backend)).containers.insert(name.to_string());
        }
        kept
    }

    fn name(&mut self, service: Service, name: &Located<String>) {
        if let Err(error) = check_name(service, name) {
            self.wrong(name.span(), error.to_string());
        }
    }

    pub(super) fn backend(&self, own: Option<Backend>) -> Backend {
        own.or(self.raw.store.backend).unwrap_or_default()
    }

    /// A resource that is named must have a table.
    pub(super) fn refer(&mut self, service: Service, name: &str, span: Range<usize>) {
        let raw = self.raw;
        let known: Vec<&str> = match service {
            Service::Kv => raw.buckets.keys().map(|name| name.as_str()).collect(),
            Service::Queue => raw.queues.keys().map(|name| name.as_str()).collect(),
            Service::Topic => raw.topics.keys().map(|name| name.as_str()).collect(),
            Service::Blob => raw.containers.keys().map(|name| name.as_str()).collect(),
            Service::Function => raw.functions.keys().map(|name| name.as_str()).collect(),
        };
        if !self.whole || known.contains(&name) {
            return;
        }
        let problem = Problem::new(span, format!("no {} `{name}` is in this manifest", service.resource()));
        let remedy = format!("to have it, add the table `{}`", header(tables(service), name));
        self.problems.push(problem.near(name, known).remedy(remedy));
    }

    fn queue(&mut self, name: &Located<String>, raw: &raw::Queue) -> QueueSettings {
        let default = QueueSettings::default();
        if let Some(dead_letter) = raw.dead_letter.as_ref() {
            self.dead_letter(name, raw, dead_letter);
        }
        let window = Duration::ZERO..=secs(600);
        QueueSettings {
            fifo: raw.fifo.unwrap_or(default.fifo),
            max_receives: raw.max_receives.unwrap_or(default.max_receives),
            dead_letter: raw.dead_letter.as_ref().map(|name| name.to_string()),
            retention: self.duration(raw.retention.as_ref(), secs(60)..=14 * DAY, default.retention),
            deduplication_window: self.duration(
                raw.deduplication_window.as_ref(),
                window,
                default.deduplication_window,
            ),
            message_size: self.size(
                raw.message_size.as_ref(),
                ByteSize::kib(1)..=ByteSize::mib(1),
                default.message_size,
            ),
        }
    }

    fn dead_letter(&mut self, name: &Located<String>, raw: &raw::Queue, dead_letter: &Located<String>) {
        self.refer(Service::Queue, dead_letter, dead_letter.span());
        self.same_backend(self.backend(raw.backend), dead_letter, &format!("queue `{}`", **name));
        let fifo = |queue: &raw::Queue| queue.fifo.unwrap_or_default();
        if self.raw.queues.get(dead_letter).is_some_and(|target| fifo(target) != fifo(raw)) {
            let (is, is_not) = if fifo(raw) { (&**name, &**dead_letter) } else { (&**dead_letter, &**name) };
            let what = format!("queue `{is}` is fifo and `{is_not}` is not, so that dead messages cannot move");
            let problem = Problem::new(dead_letter.span(), what);
            self.problems.push(problem.remedy("set `fifo` of both to the same"));
        }
        if self.comes_back(name) {
            let what = format!("the dead messages of queue `{}` come back to it, they would never rest", **name);
            self.problems.push(Problem::new(dead_letter.span(), what).remedy("name another queue, or none"));
        }
    }

    /// Whether a queue is the first, by name, in a circle of dead-letter queues: one of them is enough to tell.
    fn comes_back(&self, start: &Located<String>) -> bool {
        let next = |name: &Located<String>| self.raw.queues.get(name).and_then(|queue| queue.dead_letter.as_ref());
        let chain = std::iter::successors(next(start), |name| next(name)).take(self.raw.queues.len());
        let circle: Vec<_> = chain.take_while(|name| *name >= start).collect();
        circle.contains(&start)
    }

    fn subscription(&mut self, topic: &str, backend: Backend, raw: &raw::Subscription) -> Subscription {
        if let Some(queue) = &raw.queue {
            self.refer(Service::Queue, queue, queue.span());
            self.same_backend(backend, queue, &format!("topic `{topic}`"));
        }
        Subscription {
            queue: raw.queue.as_ref().map(|queue| queue.to_string()).unwrap_or_default(),
            filter: self.filter(raw.filter.as_ref()),
        }
    }

    /// Messages move within one store.
    pub(super) fn same_backend(&mut self, backend: Backend, queue: &Located<String>, of: &str) {
        let Some(target) = self.raw.queues.get(queue) else { return };
        if self.backend(target.backend) != backend {
            let what = format!("{of} and queue `{}` are kept by different backends, messages cannot move", **queue);
            self.problems.push(Problem::new(queue.span(), what).remedy("set `backend` of both to the same"));
        }
    }
}
