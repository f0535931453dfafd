use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use super::{Bucket, Buckets};
use crate::services::Clock;

const TICK: Duration = Duration::from_secs(1);

/// A thread that drops what has expired in buckets with watches where nobody writes. It ends when this is dropped.
pub(super) struct Sweeper {
    _alive: Sender<()>,
}

impl Sweeper {
    pub(super) fn start(buckets: &Arc<Buckets>, clock: &Clock) -> io::Result<Self> {
        let (alive, ended) = mpsc::channel();
        let (buckets, clock) = (Arc::clone(buckets), clock.clone());
        let sweep = move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                buckets.values().for_each(|bucket| sweep(bucket, clock.now_ms()));
            }
        };
        thread::Builder::new().name("memory-sweep".into()).spawn(sweep)?;
        Ok(Self { _alive: alive })
    }
}

/// In bounded steps, so that it delays nobody for long.
fn sweep(bucket: &RwLock<Bucket>, now_ms: u64) {
    while !bucket.write().unwrap_or_else(PoisonError::into_inner).sweep(now_ms) {}
}
