//! The contract counts milliseconds, authors use `Duration` and `SystemTime`.

use std::time::{Duration, SystemTime};

/// Whole milliseconds, rounded up, so that a short but real duration never becomes none; the largest value when it does
/// not fit.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// As [`millis`], for the contract's 32-bit fields.
pub(crate) fn millis_u32(duration: Duration) -> u32 {
    u32::try_from(millis(duration)).unwrap_or(u32::MAX)
}

pub(crate) fn instant(epoch_ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(epoch_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_up_and_cut_at_the_largest() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_micros(2_001)), 3);
        assert_eq!(millis(Duration::MAX), u64::MAX);
        assert_eq!(millis_u32(Duration::MAX), u32::MAX);
    }

    #[test]
    fn every_instant_of_the_contract_is_representable() {
        assert!(instant(u64::MAX) > instant(0));
    }
}
