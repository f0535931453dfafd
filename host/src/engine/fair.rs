use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// The deadline passed before the future was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elapsed;

/// Runs a guest until its deadline, fairly.
///
/// Wasmtime yields by waking its own task before it returns, and tokio would run that task next, before I/O and before
/// other tasks (wasmtime #10667). Here such a wake goes through the runtime's own yield instead, and through the lane of
/// the guest's function: of all its guests that compute for longer than a slice, only as many take slices at a time as the
/// lane has places, so that their number does not crowd out other functions. The deadline is looked at after each
/// slice, so that it holds when every worker thread is busy with guests.
pub(super) struct Fair<F> {
    guest: F,
    deadline: Instant,
    lane: Arc<Semaphore>,
    slice: Arc<Slice>,
    /// Made at the first wait: most guests end before.
    sleep: Option<Pin<Box<Sleep>>>,
    turn: Option<Turn>,
    place: Option<OwnedSemaphorePermit>,
}

/// Ready when others have run and the lane has a place.
type Turn = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl<F: Future + Unpin> Fair<F> {
    pub(super) fn new(guest: F, deadline: Instant, lane: &Arc<Semaphore>) -> Self {
        let slice = Arc::new(Slice(Mutex::new(Phase::Running { woken: false })));
        Self { guest, deadline, lane: Arc::clone(lane), slice, sleep: None, turn: None, place: None }
    }

    /// Waits for the runtime to run others first.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(turn) = &mut self.turn else { return Poll::Ready(()) };
        self.place = std::task::ready!(turn.as_mut().poll(cx));
        self.turn = None;
        Poll::Ready(())
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Elapsed> {
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        sleep.as_mut().poll(cx).map(|()| Elapsed)
    }
}

async fn turn(lane: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    let place = lane.acquire_owned().await.ok();
    tokio::task::yield_now().await;
    place
}

impl<F: Future + Unpin> Future for Fair<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.poll_turn(cx).is_pending() {
            return self.poll_deadline(cx).map(Err);
        }
        self.slice.begin();
        let waker = Waker::from(Arc::clone(&self.slice));
        let polled = Pin::new(&mut self.guest).poll(&mut Context::from_waker(&waker));
        self.place = None;
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Ok(output));
        }
        if Instant::now() >= self.deadline {
            return Poll::Ready(Err(Elapsed));
        }
        if self.slice.end(cx.waker()) {
            self.turn = Some(Box::pin(turn(Arc::clone(&self.lane))));
            // The first poll takes its place in the line; the runtime's yield is never ready at once.
            let _ = self.poll_turn(cx);
        }
        self.poll_deadline(cx).map(Err)
    }
}

/// The guest's waker: tells a wake during the guest's own poll, a yield, from one by what it waits for.
struct Slice(Mutex<Phase>);

enum Phase {
    Running { woken: bool },
    Waiting(Waker),
}

impl Slice {
    fn begin(&self) {
        *self.phase() = Phase::Running { woken: false };
    }

    /// Whether the guest was woken while it ran; otherwise later wakes go to `task`.
    fn end(&self, task: &Waker) -> bool {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Running { woken: true }) {
            return true;
        }
        *phase = Phase::Waiting(task.clone());
        false
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Slice {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match &mut *self.phase() {
            Phase::Running { woken } => *woken = true,
            Phase::Waiting(task) => task.wake_by_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Yields as wasmtime does: by waking itself.
    async fn spin() {
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await;
    }

    fn lane() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test]
    async fn a_spinning_guest_ends_at_its_deadline_and_lets_others_run() {
        let others = tokio::spawn(async {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        });
        let ended = Fair::new(Box::pin(spin()), Instant::now() + Duration::from_secs(1), &lane()).await;
        assert_eq!(ended, Err(Elapsed));
        assert!(others.is_finished());
    }

    #[tokio::test]
    async fn a_waiting_guest_ends_at_its_deadline() {
        let ended =
            Fair::new(Box::pin(std::future::pending::<()>()), Instant::now() + Duration::from_millis(20), &lane())
                .await;
        assert_eq!(ended, Err(Elapsed));
    }

    #[tokio::test]
    async fn a_guest_that_is_done_answers_even_when_woken_from_elsewhere() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            sender.send(7)
        });
        assert_eq!(Fair::new(receiver, Instant::now() + Duration::from_secs(5), &lane()).await, Ok(Ok(7)));
    }

    #[tokio::test]
    async fn guests_of_one_lane_spin_one_after_the_other_and_each_ends_at_its_deadline() {
        let (lane, deadline) = (lane(), Instant::now() + Duration::from_millis(50));
        let guests: Vec<_> = (0..8)
            .map(|_| {
                let lane = Arc::clone(&lane);
                tokio::spawn(async move { Fair::new(Box::pin(spin()), deadline, &lane).await })
            })
            .collect();
        for guest in guests {
            assert_eq!(guest.await.unwrap(), Err(Elapsed));
        }
        assert_eq!(lane.available_permits(), 1, "every place was given back");
    }
}
