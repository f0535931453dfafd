//! Runs the future of an `async` handler on the ordinary, synchronous world: polls it as long as it wakes itself, and
//! suspends the instance until the earliest [`sleep`] ends when it does not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Sleepers by the instant they end at and a number that keeps two of the same instant apart.
type Timers = BTreeMap<(Instant, u64), Waker>;

thread_local! {
    static TIMERS: RefCell<Timers> = const { RefCell::new(Timers::new()) };
}

/// The future waits for something that nothing in this instance can bring about, so it would wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stuck;

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handler's future is pending and neither woke itself nor sleeps: it can never end; await only `wasm_faas::sleep` and futures that wake themselves")
    }
}

impl std::error::Error for Stuck {}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The future's result. `suspend` blocks for a while; it may return early.
pub(crate) fn block_on<F: Future>(future: F, suspend: impl Fn(Duration)) -> Result<F::Output, Stuck> {
    let woken = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        while !woken.0.swap(false, Ordering::Relaxed) {
            let end = earliest().ok_or(Stuck)?;
            let remaining = end.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                wake_until(end);
            } else {
                suspend(remaining);
            }
        }
    }
}

fn earliest() -> Option<Instant> {
    TIMERS.with_borrow(|timers| timers.first_key_value().map(|((end, _), _)| *end))
}

fn wake_until(end: Instant) {
    let due = TIMERS.with_borrow_mut(|timers| {
        let later = timers.split_off(&(end, u64::MAX));
        std::mem::replace(timers, later)
    });
    due.into_values().for_each(Waker::wake);
}

/// Waits without burning processor time, and lets other futures of the handler run meanwhile. Ends no later than the
/// invocation: its deadline stops it.
pub async fn sleep(duration: Duration) {
    let Some(end) = Instant::now().checked_add(duration) else {
        return std::future::pending().await;
    };
    let mut timer = Timer { end, registered: None };
    poll_fn(|context| timer.poll(context)).await;
}

/// Leaves no waker behind when its future is dropped before the end.
struct Timer {
    end: Instant,
    registered: Option<u64>,
}

impl Timer {
    fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if Instant::now() >= self.end {
            return Poll::Ready(());
        }
        TIMERS.with_borrow_mut(|timers| {
            let number = *self.registered.get_or_insert_with(|| next_number(timers, self.end));
            timers.insert((self.end, number), context.waker().clone());
        });
        Poll::Pending
    }
}

/// The number after the last sleeper of that instant.
fn next_number(timers: &Timers, end: Instant) -> u64 {
    timers.range((end, 0)..=(end, u64::MAX)).next_back().map_or(0, |((_, last), _)| last.saturating_add(1))
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(number) = self.registered {
            TIMERS.with_borrow_mut(|timers| timers.remove(&(self.end, number)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Pending once, after waking itself when told to.
    async fn yield_once(wake: bool) {
        let mut yielded = false;
        poll_fn(|context| {
            if yielded {
                return Poll::Ready(());
            }
            yielded = true;
            if wake {
                context.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
    }

    #[test]
    fn a_future_that_woke_itself_is_polled_again() {
        let never = |_| panic!("nothing to wait for");
        assert_eq!(
            block_on(
                async {
                    yield_once(true).await;
                    7
                },
                never
            ),
            Ok(7)
        );
    }

    #[test]
    fn a_future_that_nothing_can_wake_is_an_error() {
        assert_eq!(block_on(yield_once(false), thread::sleep), Err(Stuck));
        assert_eq!(block_on(sleep(Duration::MAX), thread::sleep), Err(Stuck));
    }

    #[test]
    fn a_sleep_lasts_its_time_even_when_suspending_ends_early() {
        let start = Instant::now();
        let early = |duration: Duration| thread::sleep(duration / 2);
        assert_eq!(block_on(sleep(Duration::from_millis(20)), early), Ok(()));
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn sleeps_of_one_handler_run_side_by_side() {
        let slept = std::cell::Cell::new(Duration::ZERO);
        let suspend = |duration| {
            slept.set(slept.get() + duration);
            thread::sleep(duration);
        };
        let mut sleeps: Vec<_> = [30, 10, 30].map(|ms| Box::pin(sleep(Duration::from_millis(ms)))).into();
        let all = poll_fn(|context| {
            sleeps.retain_mut(|sleep| sleep.as_mut().poll(context).is_pending());
            if sleeps.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        assert_eq!(block_on(all, suspend), Ok(()));
        assert!(slept.get() < Duration::from_millis(50), "slept {:?}", slept.get());
    }

    #[test]
    fn a_dropped_sleep_leaves_no_timer() {
        let abandoned = async {
            let mut long = Box::pin(sleep(Duration::from_secs(3600)));
            poll_fn(|context| {
                assert!(long.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        };
        assert_eq!(block_on(abandoned, thread::sleep), Ok(()));
        assert_eq!(earliest(), None);
    }
}
