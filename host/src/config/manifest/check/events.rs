use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytesize::ByteSize;
use jiff::tz::{self, TimeZone};

use super::super::FunctionSettings;
use super::super::raw::{self, Backend, BlobChange, KvChange, Located};
use super::super::source::Problem;
use super::resources::{Kept, tables};
use super::{Checker, MILLISECOND, secs};
use crate::config::advice::header;
use crate::config::resources::check_trigger_name;
use crate::config::schedule::{self, Schedule};
use crate::config::{
    Backoff, Batch, BlobWatch, Delivery, EventSource, KvWatch, Origin, QueueSettings, Resources, Service, Subscription,
    Ticks, transactional_refusal,
};

/// What triggers have in common.
pub(super) struct Trigger<'a> {
    pub(super) keeper: Keeper,
    /// Its own, or that of its function.
    pub(super) name: Option<&'a Located<String>>,
    pub(super) function: Option<&'a Located<String>>,
    pub(super) batch: Option<&'a raw::Batch>,
    pub(super) concurrency: Option<u32>,
    pub(super) backoff: Option<&'a raw::Backoff>,
    pub(super) max_receives: Option<u32>,
    pub(super) dead_letter: Option<&'a Located<String>>,
    pub(super) delivery: Option<&'a Located<Delivery>>,
}

/// What keeps a trigger's events.
pub(super) struct Keeper {
    /// In messages: ``topic `stored` ``.
    what: String,
    /// In messages about another trigger of the same name.
    other: String,
    /// The table that says which backend it is.
    table: String,
    backend: Backend,
}

/// Of a trigger that takes changes or messages from a resource.
macro_rules! trigger {
    ($raw:expr, $keeper:expr) => {
        Trigger {
            keeper: $keeper,
            name: $raw.name.as_ref().or($raw.function.as_ref()),
            function: $raw.function.as_ref(),
            batch: $raw.batch.as_ref(),
            concurrency: $raw.concurrency,
            backoff: $raw.backoff.as_ref(),
            max_receives: $raw.max_receives,
            dead_letter: $raw.dead_letter.as_ref(),
            delivery: $raw.delivery.as_ref(),
        }
    };
}

impl Checker<'_> {
    /// The event sources, and their queues, subscriptions and watches among the resources.
    pub(super) fn events(&mut self, kept: &mut Kept) -> Vec<EventSource> {
        let raw = self.raw;
        let mut sources = Vec::new();
        sources.extend(raw.triggers.queue.iter().filter_map(|raw| self.queue_source(raw)));
        sources.extend(raw.triggers.topic.iter().filter_map(|raw| self.topic_source(raw, kept)));
        sources.extend(raw.triggers.schedule.iter().filter_map(|raw| self.schedule_source(raw, kept)));
        sources.extend(raw.triggers.blob.iter().filter_map(|raw| self.blob_source(raw, kept)));
        sources.extend(raw.triggers.kv.iter().filter_map(|raw| self.kv_source(raw, kept)));
        for (name, function) in &raw.functions {
            sources.extend(function.r#async.as_ref().and_then(|raw| self.async_source(name, raw, kept)));
        }
        self.one_source_each();
        self.no_circles();
        sources
    }

    fn queue_source(&mut self, raw: &raw::QueueTrigger) -> Option<EventSource> {
        let queue = raw.queue.as_ref()?;
        let trigger = Trigger {
            keeper: self.keeper(Service::Queue, queue),
            name: None,
            function: raw.function.as_ref(),
            batch: raw.batch.as_ref(),
            concurrency: raw.concurrency,
            backoff: raw.backoff.as_ref(),
            max_receives: None,
            dead_letter: None,
            delivery: raw.delivery.as_ref(),
        };
        if let Some(ordered) = raw.ordered.as_ref().filter(|ordered| ***ordered) {
            self.needs_order(queue, ordered);
        }
        self.source(Origin::Queue, queue.to_string(), &trigger)
    }

    fn needs_order(&mut self, queue: &Located<String>, place: &Located<bool>) {
        if self.raw.queues.get(queue).is_some_and(|queue| !queue.fifo.unwrap_or_default()) {
            let what = format!("queue `{}` is not `fifo`, its messages come in no order", **queue);
            let remedy = format!("set `fifo = true` in `{}`, or leave `ordered` out", header("queues", queue));
            self.problems.push(Problem::new(place.span(), what).remedy(remedy));
        }
    }

    fn topic_source(&mut self, raw: &raw::TopicTrigger, kept: &mut Kept) -> Option<EventSource> {
        let topic = raw.topic.as_ref()?;
        let trigger = trigger!(raw, self.keeper(Service::Topic, topic));
        let filter = self.filter(raw.filter.as_ref());
        let queue = format!("topic/{}/{}", **topic, self.own_name(&trigger)?);
        self.provision(&queue, raw.ordered.unwrap_or_default(), &trigger, kept);
        let topics = &mut kept.by(trigger.keeper.backend).topics;
        let subscription = Subscription { queue: queue.clone(), filter };
        topics.entry(topic.to_string()).or_default().subscriptions.push(subscription);
        self.source(Origin::Topic(topic.to_string()), queue, &trigger)
    }

    fn schedule_source(&mut self, raw: &raw::ScheduleTrigger, kept: &mut Kept) -> Option<EventSource> {
        let name = raw.name.as_ref()?;
        let trigger = Trigger {
            keeper: self.store(format!("schedule `{}`", **name)),
            name: Some(name),
            function: raw.function.as_ref(),
            batch: None,
            concurrency: None,
            backoff: raw.backoff.as_ref(),
            max_receives: raw.max_receives,
            dead_letter: raw.dead_letter.as_ref(),
            delivery: raw.delivery.as_ref(),
        };
        let ticks = Ticks {
            name: self.own_name(&trigger)?.to_owned(),
            schedule: self.schedule(raw)?,
            missed: raw.missed.unwrap_or_default(),
            overlap: raw.overlap.unwrap_or(true),
            data: raw.data.clone().unwrap_or_default(),
        };
        let queue = format!("schedule/{}", ticks.name);
        self.provision(&queue, false, &trigger, kept);
        self.source(Origin::Schedule(Box::new(ticks)), queue, &trigger)
    }

    fn schedule(&mut self, raw: &raw::ScheduleTrigger) -> Option<Schedule> {
        let zone = raw.zone.as_ref().map_or(TimeZone::UTC, |name| self.zone(name));
        let text = raw.schedule.as_ref()?;
        let read = Schedule::parse(text, zone);
        read.map_err(|error| self.wrong(self.inside(text, error.place), error.why)).ok()
    }

    fn zone(&mut self, name: &Located<String>) -> TimeZone {
        schedule::zone(name).unwrap_or_else(|what| {
            let known: Vec<_> = tz::db().available().map(|name| name.to_string()).collect();
            self.problems.push(Problem::new(name.span(), what).near(name, known.iter().map(String::as_str)));
            TimeZone::UTC
        })
    }

    fn blob_source(&mut self, raw: &raw::BlobTrigger, kept: &mut Kept) -> Option<EventSource> {
        let container = raw.container.as_ref()?;
        let trigger = trigger!(raw, self.keeper(Service::Blob, container));
        let queue = format!("blob/{}/{}", **container, self.own_name(&trigger)?);
        self.provision(&queue, true, &trigger, kept);
        let is_on = |change| raw.on.is_empty() || raw.on.contains(&change);
        let watch = BlobWatch {
            queue: queue.clone(),
            prefix: raw.prefix.clone().unwrap_or_default(),
            suffix: raw.suffix.clone().unwrap_or_default(),
            created: is_on(BlobChange::Created),
            removed: is_on(BlobChange::Removed),
        };
        kept.by(trigger.keeper.backend).blob_watches.entry(container.to_string()).or_default().push(watch);
        self.source(Origin::Blob(container.to_string()), queue, &trigger)
    }

    fn kv_source(&mut self, raw: &raw::KvTrigger, kept: &mut Kept) -> Option<EventSource> {
        let bucket = raw.bucket.as_ref()?;
        let trigger = trigger!(raw, self.keeper(Service::Kv, bucket));
        let queue = format!("kv/{}/{}", **bucket, self.own_name(&trigger)?);
        self.provision(&queue, true, &trigger, kept);
        let is_on = |change| raw.on.is_empty() || raw.on.contains(&change);
        let watch = KvWatch {
            queue: queue.clone(),
            prefix: raw.prefix.clone().unwrap_or_default(),
            set: is_on(KvChange::Set),
            removed: is_on(KvChange::Removed),
            expired: is_on(KvChange::Expired),
        };
        kept.by(trigger.keeper.backend).kv_watches.entry(bucket.to_string()).or_default().push(watch);
        self.source(Origin::Kv(bucket.to_string()), queue, &trigger)
    }

    /// A resource that is there.
    fn keeper(&mut self, service: Service, name: &Located<String>) -> Keeper {
        self.refer(service, name, name.span());
        let raw = self.raw;
        let own = match service {
            Service::Kv => raw.buckets.get(name).and_then(|bucket| bucket.backend),
            Service::Queue => raw.queues.get(name).and_then(|queue| queue.backend),
            Service::Topic => raw.topics.get(name).and_then(|topic| topic.backend),
            Service::Blob => raw.containers.get(name).and_then(|container| container.backend),
            Service::Function => None,
        };
        let what = format!("{} `{}`", service.resource(), **name);
        let other = format!("{what} has another trigger");
        Keeper { what, other, table: header(tables(service), name), backend: self.backend(own) }
    }

    /// Where everything goes that has no backend of its own.
    pub(super) fn store(&self, what: String) -> Keeper {
        Keeper { what, other: "there is another schedule".into(), table: "[store]".into(), backend: self.backend(None) }
    }

    fn own_name<'a>(&mut self, trigger: &Trigger<'a>) -> Option<&'a str> {
        let name = trigger.name?;
        if let Err(error) = check_trigger_name(name) {
            self.wrong(name.span(), error.to_string());
        }
        Some(name)
    }

    /// Makes the queue of a trigger that has none of the author's.
    pub(super) fn provision(&mut self, queue: &str, fifo: bool, trigger: &Trigger<'_>, kept: &mut Kept) {
        let Keeper { what, other, backend, .. } = &trigger.keeper;
        if let Some(dead_letter) = trigger.dead_letter {
            self.refer(Service::Queue, dead_letter, dead_letter.span());
            self.same_backend(*backend, dead_letter, what);
        }
        let default = QueueSettings::default();
        let settings = QueueSettings {
            fifo,
            max_receives: trigger.max_receives.unwrap_or(default.max_receives),
            dead_letter: trigger.dead_letter.map(|name| name.to_string()),
            // As large as can be: what comes here has passed a limit already.
            message_size: ByteSize::mib(1),
            ..default
        };
        let before = kept.by(*backend).queues.insert(queue.to_owned(), settings);
        if let Some(name) = trigger.name.filter(|_| before.is_some()) {
            let problem = Problem::new(name.span(), format!("{other} named `{}`", **name));
            self.problems.push(problem.remedy("give each a `name` of its own"));
        }
    }

    pub(super) fn source(&mut self, origin: Origin, queue: String, trigger: &Trigger<'_>) -> Option<EventSource> {
        let function = trigger.function?;
        self.refer(Service::Function, function, function.span());
        let delivery = self.delivery(trigger);
        if let Some(place) = trigger.delivery.filter(|_| delivery == Delivery::Transactional) {
            self.transactional.push((place.span(), queue.clone(), function.to_string()));
        }
        Some(EventSource {
            batch: trigger.batch.map(|raw| self.batch(raw)).unwrap_or_default(),
            concurrency: trigger.concurrency.unwrap_or(EventSource::CONCURRENCY),
            backoff: trigger.backoff.map(|raw| self.backoff(raw)).unwrap_or_default(),
            delivery,
            ..EventSource::new(origin, queue, function.to_string())
        })
    }

    fn batch(&mut self, raw: &raw::Batch) -> Batch {
        let default = Batch::default();
        Batch {
            size: raw.size.unwrap_or(default.size),
            bytes: self.size(raw.bytes.as_ref(), ByteSize::kib(1)..=ByteSize::mib(1), default.bytes),
            window: self.duration(raw.window.as_ref(), Duration::ZERO..=secs(300), default.window),
        }
    }

    fn backoff(&mut self, raw: &raw::Backoff) -> Backoff {
        let (default, range) = (Backoff::default(), 10 * MILLISECOND..=secs(12 * 3600));
        let min = self.duration(raw.min.as_ref(), range.clone(), default.min);
        // A longer `min` alone is meant.
        let max = self.duration(raw.max.as_ref(), range, default.max.max(min));
        if let Some(text) = raw.max.as_ref().filter(|_| max < min) {
            let min = humantime::format_duration(min);
            self.problems.push(
                Problem::new(text.span(), format!("`max` of the backoff is below `min`, which is {min}"))
                    .expected(format!("`{min}` or more")),
            );
        }
        Backoff { min, max }
    }

    /// Where it cannot be as it was asked for, the default.
    fn delivery(&mut self, trigger: &Trigger<'_>) -> Delivery {
        let Some(delivery) = trigger.delivery else { return Delivery::default() };
        let Keeper { what, table, backend, .. } = &trigger.keeper;
        if (**delivery, *backend) != (Delivery::Transactional, Backend::Memory) {
            return **delivery;
        }
        let problem =
            Problem::new(delivery.span(), format!("{what} is kept in memory, where there are no transactions"));
        let remedy = format!("or set `backend = \"embedded\"` in `{table}`");
        self.problems.push(problem.expected("`at-least-once`").remedy(remedy));
        Delivery::default()
    }

    /// What a handler writes in a transaction must be where transactions are.
    pub(super) fn transactions(&mut self, functions: &BTreeMap<String, FunctionSettings>, memory: &Resources) {
        for (place, queue, function) in std::mem::take(&mut self.transactional) {
            let grants = functions.get(&function).map(|function| function.grants.as_slice()).unwrap_or_default();
            if let Some(why) = transactional_refusal(&queue, grants, memory) {
                self.wrong(place, why);
            }
        }
        self.destinations_in_transactions(memory);
    }

    /// Two triggers must not take each other's messages away.
    fn one_source_each(&mut self) {
        let raw = self.raw;
        let mut seen = BTreeSet::new();
        for queue in raw.triggers.queue.iter().filter_map(|raw| raw.queue.as_ref()) {
            if !seen.insert(queue.as_str()) {
                let what = format!("queue `{}` has another trigger, and a message goes to one function", **queue);
                self.problems.push(Problem::new(queue.span(), what).remedy("to reach several functions, use a topic"));
            }
        }
    }
}
