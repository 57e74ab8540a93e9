//! Times as settings.

use std::time::Duration;

/// A whole number of milliseconds, from `MIN` to `MAX`.
///
/// # Errors
/// What would be right.
pub fn milliseconds<const MIN: u64, const MAX: u64>(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|ms| (MIN..=MAX).contains(ms))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("expected a whole number of milliseconds from {MIN} to {MAX}"))
}
