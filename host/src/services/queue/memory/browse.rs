use async_trait::async_trait;

use super::stored::{self, Stored};
use super::{Memory, Queue, lock};
use crate::services::queue::browse::{self, Browse, Content, Page, Place, State, bad_cursor, no_home};
use crate::services::{Error, Result};

#[async_trait]
impl Browse for Memory {
    async fn browse(&self, queue: &str, after: Option<&str>, limit: u32, body: usize) -> Result<Page> {
        let after = after.map(|text| serde_json::from_str(text).map_err(|_| bad_cursor())).transpose()?;
        self.with(queue, |queue, _| {
            let found = queue.line.browse(after, limit as usize);
            let last = found.last().filter(|_| found.len() >= limit as usize);
            // Numbers and words can always be written.
            let cursor = last.map(|(cursor, _)| serde_json::to_string(cursor).unwrap_or_default());
            Page { messages: found.iter().map(|((_, (_, row)), stored)| show(*row, stored, body)).collect(), cursor }
        })
    }

    async fn read(&self, queue: &str, place: &Place) -> Result<Option<browse::Stored>> {
        self.with(queue, |queue, _| {
            let stored = queue.line.get(place.row).filter(|stored| stored.id == place.id);
            stored.map(|stored| show(place.row, stored, usize::MAX))
        })
    }

    async fn remove(&self, queue: &str, place: &Place) -> Result<()> {
        self.with(queue, |queue, now_ms| {
            unleased(queue, place)?;
            queue.line.remove(place.row, now_ms);
            Ok(())
        })?
    }

    async fn replace(&self, queue: &str, place: &Place, content: Content) -> Result<()> {
        self.with(queue, |queue, _| {
            unleased(queue, place)?;
            queue.line.replace(place.row, content);
            Ok(())
        })?
    }

    async fn redrive_one(&self, dead_letter: &str, place: &Place) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let mut queues = lock(&self.queues);
        let source = unleased(queues.current(dead_letter, now_ms)?, place)?.source().map(ToOwned::to_owned);
        let home = source.as_deref().ok_or_else(|| no_home(None))?;
        if queues.revive(dead_letter, place.row, home, now_ms) { Ok(()) } else { Err(no_home(Some(home))) }
    }
}

/// The message, when it is there and nobody has leased it.
fn unleased<'a>(queue: &'a Queue, place: &Place) -> Result<&'a Stored> {
    let stored = queue.line.get(place.row).filter(|stored| stored.id == place.id).ok_or(Error::NotFound)?;
    match stored.place {
        stored::Place::Leased(_) => Err(Error::Conflict(None)),
        stored::Place::Waiting | stored::Place::Delayed | stored::Place::Ready => Ok(stored),
    }
}

fn show(row: i64, stored: &Stored, body: usize) -> browse::Stored {
    let state = match stored.place {
        stored::Place::Waiting => State::Waiting,
        stored::Place::Delayed => State::Delayed,
        stored::Place::Ready => State::Ready,
        stored::Place::Leased(_) => State::Leased,
    };
    browse::Stored {
        place: Place { id: stored.id.clone(), row },
        state,
        body: stored.body.get(..body).unwrap_or(&stored.body).to_vec(),
        size: stored.body.len() as u64,
        content_type: stored.content_type.clone(),
        attributes: stored.attributes.clone(),
        group: stored.group.clone(),
        receives: stored.receives,
        sent_at_ms: stored.sent_at_ms,
        visible_at_ms: (state != State::Waiting).then_some(stored.visible_at_ms),
        expires_at_ms: stored.expires_at_ms,
    }
}
