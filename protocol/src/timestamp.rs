//! Moments as clients and operators read them.

use std::time::{Duration, UNIX_EPOCH};

/// The last millisecond of the year 9999, beyond which there is no RFC 3339.
const LAST_MS: u64 = 253_402_300_799_999;

/// A moment in ms since 1970 as RFC 3339, in UTC with milliseconds.
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    // No write of ours gets beyond; what a stranger wrote is told as the last moment there is.
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms.min(LAST_MS))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_moment() {
        assert_eq!(rfc3339(1_764_000_060_123), "2025-11-24T16:01:00.123Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
