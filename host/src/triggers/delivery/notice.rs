//! What sources tell of themselves: a function that fails must not do so in silence.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Called in the source's own task: it must not block.
pub type Tell = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// Something that happened to a source or to one of its messages.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// The queue that its events wait in.
    pub queue: &'a str,
    pub function: &'a str,
    pub what: What<'a>,
}

#[derive(Debug, Clone)]
pub enum What<'a> {
    /// An attempt failed; the next one comes after `next`.
    Failed {
        message: &'a str,
        attempt: u32,
        most: u32,
        why: &'a str,
        next: Duration,
    },
    /// A message is given up, and goes to a queue if there is one for it.
    Dead {
        message: &'a str,
        attempt: u32,
        why: &'a str,
        dead_letter: Option<&'a str>,
    },
    /// The host could not run it; the attempt does not count.
    NotCounted {
        message: &'a str,
        why: &'a str,
    },
    /// Most attempts fail: fewer run at a time.
    Slower {
        limit: u32,
    },
    /// Only failures: one attempt now and then.
    BackingOff,
    Recovered,
    /// The store does not answer as it should.
    Trouble {
        doing: &'static str,
        why: String,
    },
}

impl Notice<'_> {
    /// Whether something is wrong.
    pub fn is_error(&self) -> bool {
        matches!(self.what, What::Dead { .. } | What::Trouble { .. })
    }
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notice { queue, .. } = self;
        match &self.what {
            What::Failed { message, attempt, most, why, next } => {
                let next = humantime::format_duration(Duration::from_millis(whole_millis(*next)));
                write!(f, "message {message} of `{queue}` failed, attempt {attempt} of {most}, again in {next}: {why}")
            }
            What::Dead { message, attempt, why, dead_letter } => {
                write!(f, "message {message} of `{queue}` is dead after attempt {attempt}")?;
                match dead_letter {
                    Some(dead_letter) => write!(f, " and kept in queue `{dead_letter}`: {why}"),
                    None => write!(f, " and dropped, there is no `dead-letter` to keep it: {why}"),
                }
            }
            What::NotCounted { message, why } => {
                write!(f, "message {message} of `{queue}` waits, the attempt does not count: {why}")
            }
            What::Slower { limit } => {
                write!(
                    f,
                    "more than half of the last attempts at `{queue}` failed, at most {limit} at a time from now on"
                )
            }
            What::BackingOff => write!(f, "every attempt at `{queue}` fails, one every 5 s from now on"),
            What::Recovered => write!(f, "an attempt at `{queue}` went well, there will be more again"),
            What::Trouble { doing, why } => write!(f, "cannot {doing} `{queue}`: {why}"),
        }
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_comes_next() {
        let (message, why) = ("01M7XGXX4HSX9V7H1QYFAADS09", "the card was declined");
        let told = [
            What::Failed { message, attempt: 2, most: 5, why, next: Duration::from_micros(1_500_700) },
            What::Dead { message, attempt: 5, why, dead_letter: Some("orders-dead") },
            What::Dead { message, attempt: 1, why, dead_letter: None },
            What::NotCounted { message, why: "the host has no room for another instance" },
            What::Slower { limit: 16 },
            What::BackingOff,
            What::Recovered,
            What::Trouble { doing: "receive from", why: "unavailable: the store's disk is full".into() },
        ];
        let told = told.map(|what| Notice { queue: "orders", function: "bill", what }.to_string());
        insta::assert_snapshot!(told.join("\n"), @r"
        message 01M7XGXX4HSX9V7H1QYFAADS09 of `orders` failed, attempt 2 of 5, again in 1s 500ms: the card was declined
        message 01M7XGXX4HSX9V7H1QYFAADS09 of `orders` is dead after attempt 5 and kept in queue `orders-dead`: the card was declined
        message 01M7XGXX4HSX9V7H1QYFAADS09 of `orders` is dead after attempt 1 and dropped, there is no `dead-letter` to keep it: the card was declined
        message 01M7XGXX4HSX9V7H1QYFAADS09 of `orders` waits, the attempt does not count: the host has no room for another instance
        more than half of the last attempts at `orders` failed, at most 16 at a time from now on
        every attempt at `orders` fails, one every 5 s from now on
        an attempt at `orders` went well, there will be more again
        cannot receive from `orders`: unavailable: the store's disk is full
        ");
    }
}
