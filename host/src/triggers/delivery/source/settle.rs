//! What becomes of messages whose outcome is known.

use std::sync::Arc;
use std::time::Duration;

use super::Source;
use crate::config::Backoff;
use crate::invoke::{Ending, Outcome};
use crate::services::Error;
use crate::services::queue::{self, Delivered};
use crate::services::transaction::{NotCommitted, Transaction};
use crate::triggers::delivery::destination::Ended;
use crate::triggers::delivery::notice::What;
use crate::triggers::delivery::verdict::{Verdict, report};

/// Before a message comes again whose effects somebody else overtook; a random part of it.
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);

impl Source {
    pub(super) async fn settle(&self, messages: &[Delivered], verdicts: &[Verdict], outcome: &Outcome) {
        let mut done = Vec::new();
        for (message, verdict) in messages.iter().zip(verdicts) {
            match verdict {
                Verdict::Done => match self.send_success(message, outcome, None).await {
                    Ok(()) => done.push(message.receipt),
                    Err(error) => self.complain("send what came of a message of", Err(error)),
                },
                other => self.settle_undone(message, other, outcome).await,
            }
        }
        if !done.is_empty() {
            let acknowledged = self.backend.acknowledge(&self.source.queue, &done).await;
            let each = acknowledged.and_then(|answers| answers.into_iter().collect::<Result<Vec<()>, Error>>());
            self.complain("acknowledge a message of", each.map(drop));
        }
    }

    /// Commits the effects when all went well, and drops them otherwise: those of one message of a batch cannot be told from
    /// those of another. The ones that went well then come again; what failed goes alone the next time.
    pub(super) async fn settle_together(
        &self,
        messages: &[Delivered],
        verdicts: &[Verdict],
        outcome: &Outcome,
        transaction: &Arc<dyn Transaction>,
    ) {
        if verdicts.iter().all(|verdict| *verdict == Verdict::Done) {
            return self.commit(messages, outcome, transaction).await;
        }
        for (message, verdict) in messages.iter().zip(verdicts) {
            match verdict {
                Verdict::Done => self.give_back(message, Duration::ZERO).await,
                other => self.settle_undone(message, other, outcome).await,
            }
        }
    }

    async fn commit(&self, messages: &[Delivered], outcome: &Outcome, transaction: &Arc<dyn Transaction>) {
        for message in messages {
            let sent = self.send_success(message, outcome, Some(transaction)).await;
            if sent.is_err() {
                return self.complain("send what came of a message of", sent);
            }
        }
        let acknowledged = messages.iter().map(|message| (self.source.queue.clone(), message.receipt));
        match transaction.commit(acknowledged.collect()).await {
            Ok(()) => {}
            Err(conflict @ NotCommitted::Conflict { .. }) => {
                let (why, delay) = (conflict.to_string(), CONFLICT_PAUSE.mul_f64(0.1 + fastrand::f64() * 0.9));
                for message in messages {
                    self.tell(What::NotCounted { message: &message.id, why: &why });
                    self.give_back(message, delay).await;
                }
            }
            Err(NotCommitted::LeaseLost) => self.complain("acknowledge a message of", Err(Error::LeaseLost)),
            Err(NotCommitted::Failed(error)) => self.complain("commit the effects of a message of", Err(error)),
        }
    }

    async fn settle_undone(&self, message: &Delivered, verdict: &Verdict, outcome: &Outcome) {
        let settled = match verdict {
            Verdict::Done => Ok(()),
            Verdict::Rejected(why) => self.reject(message, why, outcome).await,
            Verdict::Failed { why, after } => self.fail(message, why, *after, outcome).await,
            Verdict::NotCounted { why, delay } => {
                self.tell(What::NotCounted { message: &message.id, why });
                self.give_back(message, *delay).await;
                Ok(())
            }
        };
        self.complain("settle a message of", settled);
    }

    async fn give_back(&self, message: &Delivered, delay: Duration) {
        let given = self.backend.give_back(&self.source.queue, message.receipt, delay).await;
        self.complain("give back a message of", given);
    }

    async fn send_success(
        &self,
        message: &Delivered,
        outcome: &Outcome,
        transaction: Option<&Arc<dyn Transaction>>,
    ) -> Result<(), Error> {
        let response = match &outcome.ending {
            Ending::Ok(response) => Some(response),
            _ => None,
        };
        self.outcomes.send(self.function.name(), message, &Ended::Success(response), transaction).await
    }

    async fn reject(&self, message: &Delivered, why: &str, outcome: &Outcome) -> Result<(), Error> {
        self.outcomes
            .send(self.function.name(), message, &Ended::Failure { why, reason: queue::dead::REJECTED }, None)
            .await?;
        let report = report(outcome, why, self.function.version());
        self.backend.bury(&self.source.queue, message.receipt, queue::dead::REJECTED, report).await?;
        self.tell_dead(message, why);
        Ok(())
    }

    /// Waits for the next attempt, or is dead when there will be none.
    async fn fail(
        &self,
        message: &Delivered,
        why: &str,
        after: Option<Duration>,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let report = report(outcome, why, self.function.version());
        let (attempt, most) = (message.receive_count, self.settings.max_receives);
        let next = after.unwrap_or_else(|| delay(&self.source.backoff, attempt)).min(queue::RELEASE_DELAY_MAX);
        if let Some(reason) = self.last_word(message, next) {
            self.outcomes.send(self.function.name(), message, &Ended::Failure { why, reason }, None).await?;
            self.backend.bury(&self.source.queue, message.receipt, reason, report).await?;
            self.tell_dead(message, why);
            return Ok(());
        }
        self.backend.release(&self.source.queue, message.receipt, next, report).await?;
        self.tell(What::Failed { message: &message.id, attempt, most, why, next });
        Ok(())
    }

    /// Why there is no attempt after `next`, if there is none. One that came too late would find nothing, and nobody would
    /// learn what became of the message.
    fn last_word(&self, message: &Delivered, next: Duration) -> Option<&'static str> {
        if message.receive_count >= self.settings.max_receives {
            return Some(queue::dead::MAX_RECEIVES);
        }
        let left = Duration::from_millis(message.expires_at_ms.saturating_sub(self.clock.now_ms()));
        (next >= left).then_some(queue::dead::EXPIRED)
    }

    fn tell_dead(&self, message: &Delivered, why: &str) {
        let dead_letter = self.settings.dead_letter.as_deref();
        self.tell(What::Dead { message: &message.id, attempt: message.receive_count, why, dead_letter });
    }
}

/// Before the attempt that follows `attempt`.
fn delay(backoff: &Backoff, attempt: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1).min(31));
    let whole = backoff.min.saturating_mul(factor).min(backoff.max);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_most_and_half_of_it_is_left_to_chance() {
        let backoff = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(60) };
        for (attempt, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1000, 60)] {
            for _ in 0..20 {
                let delay = delay(&backoff, attempt).as_secs_f64();
                assert!((f64::from(whole) / 2.0..=f64::from(whole)).contains(&delay), "{attempt}: {delay}");
            }
        }
    }
}
