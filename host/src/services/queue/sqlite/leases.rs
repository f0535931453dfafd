//! Leases: how they begin, and every way in which they end but by time.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use crate::services::queue::{Delivered, Receipt, dead};
use crate::services::sqlite::{Queue, Step, Writing, bury as bury_row, int, promote};
use crate::services::{Error, Result};

pub(super) fn begin_lease(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    message: &mut Delivered,
    lease: i64,
) -> Step<()> {
    message.receipt.lease = new_token()?;
    message.receive_count = message.receive_count.saturating_add(1);
    let until = writing.now.saturating_add(lease);
    writing
        .db
        .prepare_cached(
            "UPDATE message SET visible_at = ?2, receives = ?3, lease = ?4, last = ?5, received_at = ?6 WHERE id = ?1",
        )?
        .execute(params![
            message.receipt.row,
            until,
            message.receive_count,
            message.receipt.lease,
            message.receive_count >= queue.max_receives,
            int(message.first_received_at_ms),
        ])?;
    writing.effects.visible(queue, until);
    Ok(())
}

/// Random, positive, never 0, which stands for no lease.
fn new_token() -> Result<i64> {
    let random = getrandom::u64().map_err(|error| Error::Unavailable(format!("no random numbers: {error}")))?;
    Ok(int(random >> 1).max(1))
}

pub(in crate::services) fn acknowledge(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    receipt: Receipt,
) -> Step<Result<()>> {
    let group: Option<Option<String>> = writing
        .db
        .prepare_cached(
            "DELETE FROM message WHERE id = ?1 AND queue = ?2 AND lease = ?3 AND lease <> 0 AND visible_at > ?4
             RETURNING grp",
        )?
        .query_row(params![receipt.row, queue.id, receipt.lease, writing.now], |row| row.get(0))
        .optional()?;
    let Some(group) = group else { return Ok(Err(Error::LeaseLost)) };
    promote(writing, queue, group.as_deref())?;
    Ok(Ok(()))
}

pub(super) fn release(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    receipt: Receipt,
    delay: i64,
    report: Option<&str>,
) -> Step<()> {
    let visible_at = writing.now.saturating_add(delay);
    let receives: Option<u32> = writing
        .db
        .prepare_cached(
            "UPDATE message SET visible_at = ?5, lease = 0, last = 0, report = ?6
             WHERE id = ?1 AND queue = ?2 AND lease = ?3 AND lease <> 0 AND visible_at > ?4 RETURNING receives",
        )?
        .query_row(params![receipt.row, queue.id, receipt.lease, writing.now, visible_at, report], |row| row.get(0))
        .optional()?;
    if receives.ok_or(Error::LeaseLost)? >= queue.max_receives {
        bury_row(writing, queue, receipt.row, dead::MAX_RECEIVES)?;
    } else {
        writing.effects.visible(queue, visible_at);
    }
    Ok(())
}

/// As [`release`], with the receive taken back.
pub(super) fn give_back(writing: &mut Writing<'_>, queue: &Arc<Queue>, receipt: Receipt, delay: i64) -> Step<()> {
    let visible_at = writing.now.saturating_add(delay);
    let returned = writing
        .db
        .prepare_cached(
            "UPDATE message SET visible_at = ?5, lease = 0, last = 0, receives = receives - 1,
                                received_at = iif(receives > 1, received_at, NULL)
             WHERE id = ?1 AND queue = ?2 AND lease = ?3 AND lease <> 0 AND visible_at > ?4",
        )?
        .execute(params![receipt.row, queue.id, receipt.lease, writing.now, visible_at])?;
    if returned == 0 {
        return Err(Error::LeaseLost.into());
    }
    writing.effects.visible(queue, visible_at);
    Ok(())
}

pub(super) fn bury(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    receipt: Receipt,
    reason: &str,
    report: Option<&str>,
) -> Step<()> {
    let held = writing
        .db
        .prepare_cached(
            "UPDATE message SET report = ?5
             WHERE id = ?1 AND queue = ?2 AND lease = ?3 AND lease <> 0 AND visible_at > ?4",
        )?
        .execute(params![receipt.row, queue.id, receipt.lease, writing.now, report])?;
    if held == 0 {
        return Err(Error::LeaseLost.into());
    }
    Ok(bury_row(writing, queue, receipt.row, reason)?)
}

pub(super) fn extend(writing: &mut Writing<'_>, queue: &Arc<Queue>, receipt: Receipt, lease: i64) -> Step<()> {
    let until = writing.now.saturating_add(lease);
    let extended = writing
        .db
        .prepare_cached(
            "UPDATE message SET visible_at = ?5
             WHERE id = ?1 AND queue = ?2 AND lease = ?3 AND lease <> 0 AND visible_at > ?4",
        )?
        .execute(params![receipt.row, queue.id, receipt.lease, writing.now, until])?;
    if extended == 0 {
        return Err(Error::LeaseLost.into());
    }
    // It may end earlier than before.
    writing.effects.visible(queue, until);
    Ok(())
}
