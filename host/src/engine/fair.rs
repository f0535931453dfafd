use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use tokio::time::Sleep;

/// The deadline passed before the future was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elapsed;

/// Runs a guest until its deadline, fairly.
///
/// Wasmtime yields by waking its own task before it returns, and tokio would run that task next, before I/O and before
/// other tasks (wasmtime #10667). Here such a wake goes through the runtime's own yield instead. The deadline is looked at
/// after each slice, so that it holds when every worker thread is busy with guests.
pub(super) struct Fair<F> {
    guest: F,
    deadline: Instant,
    slice: Arc<Slice>,
    /// Made at the first wait: most guests end before.
    sleep: Option<Pin<Box<Sleep>>>,
    turn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<F: Future + Unpin> Fair<F> {
    pub(super) fn new(guest: F, deadline: Instant) -> Self {
        let slice = Arc::new(Slice(Mutex::new(Phase::Running { woken: false })));
        Self { guest, deadline, slice, sleep: None, turn: None }
    }

    /// Waits for the runtime to run others first.
    fn yield_turn(&mut self, cx: &mut Context<'_>) {
        let mut turn: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(tokio::task::yield_now());
        // The first poll puts the task at the end of the runtime's line and is never ready.
        let _ = turn.as_mut().poll(cx);
        self.turn = Some(turn);
    }
}

impl<F: Future + Unpin> Future for Fair<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(turn) = &mut self.turn {
            if turn.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.turn = None;
        }
        self.slice.begin();
        let waker = Waker::from(Arc::clone(&self.slice));
        if let Poll::Ready(output) = Pin::new(&mut self.guest).poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(Ok(output));
        }
        if Instant::now() >= self.deadline {
            return Poll::Ready(Err(Elapsed));
        }
        if self.slice.end(cx.waker()) {
            self.yield_turn(cx);
            return Poll::Pending;
        }
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
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

    #[tokio::test]
    async fn a_spinning_guest_ends_at_its_deadline_and_lets_others_run() {
        let others = tokio::spawn(async {
            let mut turns = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                turns += 1;
                if turns == 5 {
                    return;
                }
            }
        });
        let ended = Fair::new(Box::pin(spin()), Instant::now() + Duration::from_millis(200)).await;
        assert_eq!(ended, Err(Elapsed));
        assert!(others.is_finished());
    }

    #[tokio::test]
    async fn a_waiting_guest_ends_at_its_deadline() {
        let ended = Fair::new(Box::pin(std::future::pending::<()>()), Instant::now() + Duration::from_millis(20)).await;
        assert_eq!(ended, Err(Elapsed));
    }

    #[tokio::test]
    async fn a_guest_that_is_done_answers_even_when_woken_from_elsewhere() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            sender.send(7)
        });
        assert_eq!(Fair::new(receiver, Instant::now() + Duration::from_secs(5)).await, Ok(Ok(7)));
    }
}
