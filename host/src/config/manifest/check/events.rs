use std::collections::BTreeSet;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::tz::TimeZone;

use super::super::raw::{self, BlobChange, KvChange, Located};
use super::super::source::Problem;
use super::resources::Kept;
use super::{Checker, DAY, MILLISECOND, secs};
use crate::config::advice::header;
use crate::config::schedule::{self, Schedule};
use crate::config::{
    Backoff, Batch, BlobWatch, Delivery, Destination, Destinations, EventSource, KvWatch, Origin, QueueSettings,
    Service, Subscription, Ticks, check_function_name,
};

/// Deliveries of an asynchronous invocation without a setting, as people know it: one attempt and two retries.
const ASYNC_RECEIVES: u32 = 3;
const ASYNC_AGE: Duration = secs(6 * 3600);

/// What all triggers but that of a queue have.
struct Common<'a> {
    function: Option<&'a Located<String>>,
    batch: Option<&'a raw::Batch>,
    concurrency: Option<u32>,
    backoff: Option<&'a raw::Backoff>,
    max_receives: Option<u32>,
    dead_letter: Option<&'a Located<String>>,
    delivery: Option<&'a Located<Delivery>>,
}

macro_rules! common {
    ($raw:expr) => {
        Common {
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
        sources.extend(raw.triggers.queue.iter().filter_map(|raw| self.queue_source(raw, kept)));
        sources.extend(raw.triggers.topic.iter().filter_map(|raw| self.topic_source(raw, kept)));
        sources.extend(raw.triggers.schedule.iter().filter_map(|raw| self.schedule_source(raw, kept)));
        sources.extend(raw.triggers.blob.iter().filter_map(|raw| self.blob_source(raw, kept)));
        sources.extend(raw.triggers.kv.iter().filter_map(|raw| self.kv_source(raw, kept)));
        for (name, function) in &raw.functions {
            sources.extend(function.r#async.as_ref().map(|raw| self.async_source(name, raw, kept)));
        }
        sources
    }

    fn queue_source(&mut self, raw: &raw::QueueTrigger, kept: &Kept) -> Option<EventSource> {
        let (queue, function) = (raw.queue.as_ref()?, raw.function.as_ref()?);
        self.refer(Service::Queue, queue, queue.span());
        self.refer_function(function);
        let settings = [&kept.embedded, &kept.memory].into_iter().find_map(|resources| resources.queues.get(&**queue));
        if let (Some(ordered), Some(settings)) = (raw.ordered.as_ref().filter(|ordered| ***ordered), settings)
            && !settings.fifo
        {
            let what = format!("queue `{}` is not `fifo`, its messages come in no order", **queue);
            self.problems.push(
                Problem::new(ordered.span(), what)
                    .remedy(format!("set `fifo = true` in `{}`, or leave `ordered` out", header("queues", queue))),
            );
        }
        let source = EventSource::new(Origin::Queue, queue.to_string(), function.to_string());
        let common = Common {
            function: Some(function),
            batch: raw.batch.as_ref(),
            concurrency: raw.concurrency,
            backoff: raw.backoff.as_ref(),
            max_receives: None,
            dead_letter: None,
            delivery: raw.delivery.as_ref(),
        };
        Some(self.tuned(source, &common))
    }

    fn topic_source(&mut self, raw: &raw::TopicTrigger, kept: &mut Kept) -> Option<EventSource> {
        let (topic, common) = (raw.topic.as_ref()?, common!(raw));
        self.refer(Service::Topic, topic, topic.span());
        let backend = self.backend(self.raw.topics.get(topic).and_then(|topic| topic.backend));
        let name = self.own_name(raw.name.as_ref(), &common)?;
        let filter = self
            .parsed(raw.filter.as_ref(), None, |text| super::resources::pattern(text).map(|()| Some(text.to_owned())));
        let queue = format!("topic/{}/{name}", **topic);
        self.internal(&queue, backend, &common, raw.ordered.unwrap_or_default(), kept);
        let subscriptions = &mut kept.by(backend).topics.entry(topic.to_string()).or_default().subscriptions;
        subscriptions.push(Subscription { queue: queue.clone(), filter });
        self.source(Origin::Topic(topic.to_string()), queue, &common)
    }

    fn schedule_source(&mut self, raw: &raw::ScheduleTrigger, kept: &mut Kept) -> Option<EventSource> {
        let common = Common {
            function: raw.function.as_ref(),
            batch: None,
            concurrency: None,
            backoff: raw.backoff.as_ref(),
            max_receives: raw.max_receives,
            dead_letter: raw.dead_letter.as_ref(),
            delivery: raw.delivery.as_ref(),
        };
        let name = self.own_name(raw.name.as_ref(), &common)?;
        let zone = self.parsed(raw.zone.as_ref(), TimeZone::UTC, schedule::zone);
        let schedule = self.schedule(raw.schedule.as_ref()?, zone)?;
        let queue = format!("schedule/{name}");
        let backend = self.backend(None);
        self.internal(&queue, backend, &common, false, kept);
        let ticks = Ticks {
            name,
            schedule,
            missed: raw.missed.unwrap_or_default(),
            overlap: raw.overlap.unwrap_or(true),
            data: raw.data.clone().unwrap_or_default(),
        };
        self.source(Origin::Schedule(Box::new(ticks)), queue, &common)
    }

    fn schedule(&mut self, text: &Located<String>, zone: TimeZone) -> Option<Schedule> {
        match Schedule::parse(text, zone) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                let place = self.inside(text, error.place);
                self.wrong(place, error.why);
                None
            }
        }
    }

    fn blob_source(&mut self, raw: &raw::BlobTrigger, kept: &mut Kept) -> Option<EventSource> {
        let (container, common) = (raw.container.as_ref()?, common!(raw));
        self.refer(Service::Blob, container, container.span());
        let backend = self.backend(self.raw.containers.get(container).and_then(|container| container.backend));
        let name = self.own_name(raw.name.as_ref(), &common)?;
        let queue = format!("blob/{}/{name}", **container);
        self.internal(&queue, backend, &common, true, kept);
        let is_on = |change| raw.on.is_empty() || raw.on.contains(&change);
        let watch = BlobWatch {
            queue: queue.clone(),
            prefix: raw.prefix.clone().unwrap_or_default(),
            suffix: raw.suffix.clone().unwrap_or_default(),
            created: is_on(BlobChange::Created),
            removed: is_on(BlobChange::Removed),
        };
        kept.by(backend).blob_watches.entry(container.to_string()).or_default().push(watch);
        self.source(Origin::Blob(container.to_string()), queue, &common)
    }

    fn kv_source(&mut self, raw: &raw::KvTrigger, kept: &mut Kept) -> Option<EventSource> {
        let (bucket, common) = (raw.bucket.as_ref()?, common!(raw));
        self.refer(Service::Kv, bucket, bucket.span());
        let backend = self.backend(self.raw.buckets.get(bucket).and_then(|bucket| bucket.backend));
        let name = self.own_name(raw.name.as_ref(), &common)?;
        let queue = format!("kv/{}/{name}", **bucket);
        self.internal(&queue, backend, &common, true, kept);
        let is_on = |change| raw.on.is_empty() || raw.on.contains(&change);
        let watch = KvWatch {
            queue: queue.clone(),
            prefix: raw.prefix.clone().unwrap_or_default(),
            set: is_on(KvChange::Set),
            removed: is_on(KvChange::Removed),
            expired: is_on(KvChange::Expired),
        };
        kept.by(backend).kv_watches.entry(bucket.to_string()).or_default().push(watch);
        self.source(Origin::Kv(bucket.to_string()), queue, &common)
    }

    fn async_source(&mut self, name: &Located<String>, raw: &raw::Async, kept: &mut Kept) -> EventSource {
        let common = Common {
            function: Some(name),
            batch: None,
            concurrency: raw.concurrency,
            backoff: raw.backoff.as_ref(),
            max_receives: raw.max_receives.or(Some(ASYNC_RECEIVES)),
            dead_letter: raw.dead_letter.as_ref(),
            delivery: raw.delivery.as_ref(),
        };
        let queue = format!("invoke/{}", **name);
        let backend = self.backend(None);
        self.internal(&queue, backend, &common, false, kept);
        let age = self.duration(raw.max_age.as_ref(), secs(60)..=14 * DAY, ASYNC_AGE);
        if let Some(settings) = kept.by(backend).queues.get_mut(&queue) {
            settings.retention = age;
        }
        let destinations = Destinations {
            on_success: self.destination(raw.on_success.as_ref()),
            on_failure: self.destination(raw.on_failure.as_ref()),
        };
        let origin = Origin::Invoke(Box::new(destinations));
        let source = EventSource::new(origin, queue, name.to_string());
        self.tuned(source, &common)
    }

    fn destination(&mut self, text: Option<&Located<String>>) -> Option<Destination> {
        let text = text?;
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let destination = match kind {
            "queue" => Destination::Queue(name.into()),
            "topic" => Destination::Topic(name.into()),
            "function" => Destination::Function(name.into()),
            _ => {
                let problem = Problem::new(text.span(), format!("`{}` is no destination", **text));
                self.problems.push(problem.expected("`queue:NAME`, `topic:NAME` or `function:NAME`"));
                return None;
            }
        };
        match &destination {
            Destination::Queue(name) => self.refer(Service::Queue, name, text.span()),
            Destination::Topic(name) => self.refer(Service::Topic, name, text.span()),
            Destination::Function(name) => self.refer_async(name, text),
        }
        Some(destination)
    }

    /// A function that is to take invocations that nobody waits for.
    fn refer_async(&mut self, name: &str, place: &Located<String>) {
        let raw = self.raw;
        let known = raw.functions.iter().find(|(known, _)| known.as_str() == name);
        let problem = match known {
            _ if !self.whole => return,
            Some((_, function)) if function.r#async.is_some() => return,
            Some((known, _)) => {
                Problem::new(place.span(), format!("function `{name}` takes no asynchronous invocations"))
                    .remedy(format!("to have it do so, add `async = {{}}` to `{}`", header("functions", known)))
            }
            None => Problem::new(place.span(), format!("no function `{name}` is in this manifest"))
                .near(name, raw.functions.keys().map(|name| name.as_str())),
        };
        self.problems.push(problem);
    }

    /// The trigger's own name, or its function's.
    fn own_name(&mut self, name: Option<&Located<String>>, common: &Common<'_>) -> Option<String> {
        let name = name.or(common.function)?;
        if let Err(error) = check_function_name(name) {
            self.wrong(name.span(), error.to_string().replace("a function", "a trigger"));
        }
        Some(name.to_string())
    }

    /// Provisions the queue of a trigger that has none of the author's.
    fn internal(&mut self, queue: &str, backend: raw::Backend, common: &Common<'_>, fifo: bool, kept: &mut Kept) {
        let default = QueueSettings::default();
        if let Some(dead_letter) = common.dead_letter {
            self.refer(Service::Queue, dead_letter, dead_letter.span());
            self.same_backend(backend, dead_letter, &format!("`{queue}`"));
        }
        let settings = QueueSettings {
            fifo,
            max_receives: common.max_receives.unwrap_or(default.max_receives),
            dead_letter: common.dead_letter.map(|name| name.to_string()),
            // Largest possible: what was published has passed a limit already.
            message_size: ByteSize::mib(1),
            ..default
        };
        if kept.by(backend).queues.insert(queue.to_owned(), settings).is_some() {
            let place = common.function.map(Located::span).unwrap_or_default();
            let problem = Problem::new(place, format!("there is another trigger `{queue}`"));
            self.problems.push(problem.remedy("give each a `name` of its own"));
        }
    }

    fn source(&mut self, origin: Origin, queue: String, common: &Common<'_>) -> Option<EventSource> {
        let function = common.function?;
        self.refer_function(function);
        let source = EventSource::new(origin, queue, function.to_string());
        Some(self.tuned(source, common))
    }

    fn tuned(&mut self, source: EventSource, common: &Common<'_>) -> EventSource {
        EventSource {
            batch: common.batch.map(|raw| self.batch(raw)).unwrap_or_default(),
            concurrency: common.concurrency.unwrap_or(EventSource::CONCURRENCY),
            backoff: common.backoff.map(|raw| self.backoff(raw)).unwrap_or_default(),
            delivery: common.delivery.map(|delivery| **delivery).unwrap_or_default(),
            ..source
        }
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
        let max = self.duration(raw.max.as_ref(), range, default.max.max(min));
        if let Some(text) = raw.max.as_ref().or(raw.min.as_ref()).filter(|_| max < min) {
            self.wrong(text.span(), "`min` of the backoff is above `max`");
        }
        Backoff { min, max }
    }

    /// Two triggers must not take each other's messages away.
    pub(super) fn one_source_each(&mut self) {
        let raw = self.raw;
        let mut seen = BTreeSet::new();
        for queue in raw.triggers.queue.iter().filter_map(|raw| raw.queue.as_ref()) {
            if !seen.insert(queue.as_str()) {
                let problem = Problem::new(
                    queue.span(),
                    format!("queue `{}` has another trigger already, each message goes to one function", **queue),
                );
                self.problems.push(problem.remedy("to reach several functions, publish in a topic"));
            }
        }
    }
}
