//! Which messages go together.

use crate::config::Batch;
use crate::invoke::Reservation;
use crate::services::queue::Delivered;

/// Batches, for each permit those that it runs one after the other; permits that nothing is left for are given back.
pub(super) fn lanes(
    batch: &Batch,
    is_batch: bool,
    messages: Vec<Delivered>,
    permits: Vec<Reservation>,
) -> Vec<(Vec<Vec<Delivered>>, Reservation)> {
    let mut lanes: Vec<Vec<Vec<Delivered>>> = permits.iter().map(|_| Vec::new()).collect();
    let count = lanes.len().max(1);
    for (index, messages) in batches(batch, is_batch, messages).into_iter().enumerate() {
        if let Some(lane) = lanes.get_mut(index % count) {
            lane.push(messages);
        }
    }
    lanes.into_iter().zip(permits).filter(|(lane, _)| !lane.is_empty()).collect()
}

/// In their order. A message that failed before goes alone: another one of its batch may be what made it fail.
fn batches(batch: &Batch, is_batch: bool, messages: Vec<Delivered>) -> Vec<Vec<Delivered>> {
    let mut batches: Vec<Vec<Delivered>> = Vec::new();
    let mut open = false;
    for message in messages {
        let alone = !is_batch || !is_fresh(&message);
        match batches.last_mut().filter(|last| open && !alone && fits(batch, last, &message)) {
            Some(last) => last.push(message),
            None => {
                batches.push(vec![message]);
                open = !alone;
            }
        }
    }
    batches
}

fn fits(batch: &Batch, messages: &[Delivered], message: &Delivered) -> bool {
    let bytes = bytes(messages).saturating_add(message.body.len() as u64);
    messages.len() < batch.size as usize && bytes <= batch.bytes.as_u64()
}

/// Whether it is worth waiting for messages that could go with these.
pub(super) fn is_open(batch: &Batch, messages: &[Delivered]) -> bool {
    (1..batch.size as usize).contains(&fresh(messages)) && bytes(messages) < batch.bytes.as_u64()
}

/// Those that do not go alone.
pub(super) fn fresh(messages: &[Delivered]) -> usize {
    messages.iter().filter(|message| is_fresh(message)).count()
}

fn is_fresh(message: &Delivered) -> bool {
    message.receive_count == 1
}

/// Of the bodies added up.
fn bytes(messages: &[Delivered]) -> u64 {
    messages.iter().map(|message| message.body.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;
    use crate::services::queue::Receipt;

    fn message(row: i64, bytes: usize, receive_count: u32) -> Delivered {
        Delivered {
            id: row.to_string(),
            receipt: Receipt { row, lease: 1 },
            body: vec![0; bytes],
            content_type: None,
            attributes: Vec::new(),
            group: None,
            receive_count,
            sent_at_ms: 0,
            first_received_at_ms: 0,
            expires_at_ms: 0,
        }
    }

    fn sizes(batch: &Batch, is_batch: bool, messages: Vec<Delivered>) -> Vec<usize> {
        batches(batch, is_batch, messages).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_batch_closes_at_its_size_or_its_bytes() {
        let batch = Batch { size: 3, bytes: ByteSize::b(100), ..Batch::default() };
        let messages = |bytes: usize| (0..7).map(|row| message(row, bytes, 1)).collect();
        assert_eq!(sizes(&batch, true, messages(1)), [3, 3, 1]);
        assert_eq!(sizes(&batch, true, messages(50)), [2, 2, 2, 1]);
        assert_eq!(sizes(&batch, true, messages(1000)), [1; 7], "one always fits");
        assert_eq!(sizes(&batch, false, messages(1)), [1; 7]);
    }

    #[test]
    fn a_batch_stays_open_for_others_until_it_is_full() {
        let batch = Batch { size: 2, bytes: ByteSize::b(100), ..Batch::default() };
        assert!(!is_open(&batch, &[]), "there is nothing that waits");
        assert!(is_open(&batch, &[message(0, 1, 1)]));
        assert!(is_open(&batch, &[message(0, 1, 1), message(1, 1, 2)]));
        assert!(!is_open(&batch, &[message(0, 1, 1), message(1, 1, 1)]));
        assert!(!is_open(&batch, &[message(0, 100, 1)]));
        assert!(!is_open(&batch, &[message(0, 1, 2)]), "what goes alone waits for nobody");
    }

    #[test]
    fn what_failed_before_goes_alone() {
        let batch = Batch::default();
        let messages = [1, 1, 2, 1, 1, 3].iter().zip(0..).map(|(count, row)| message(row, 1, *count)).collect();
        assert_eq!(sizes(&batch, true, messages), [2, 1, 2, 1]);
    }
}
