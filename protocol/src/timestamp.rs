//! Moments as clients and operators read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last millisecond of the year 9999, beyond which there is no RFC 3339.
const LAST_MS: u64 = 253_402_300_799_999;

/// The time that is so many ms after 1970, up to the year 9999: no date in HTTP or RFC 3339 lies beyond. No write of ours
/// does; what something else wrote counts as the last that there is.
#[must_use]
pub fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms.min(LAST_MS))
}

/// The same as RFC 3339, in UTC with milliseconds.
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    humantime::format_rfc3339_millis(time(ms)).to_string()
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
