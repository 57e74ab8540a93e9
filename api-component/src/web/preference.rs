//! `Prefer`: how a client would like its write to be answered (RFC 7240).
//!
//! A header that is malformed or asks for something else is ignored, as the RFC wants it.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::header;

/// Whether and how long to wait for the outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// The client said nothing.
    None,
    /// `wait=N`, cut to what is allowed; in seconds.
    Wait(u64),
    /// `respond-async`: do not wait, whatever is usual.
    Async,
}

impl Preference {
    /// Reads the preference of a request; a wait is cut to `max_wait_seconds`. Where both are
    /// asked for, the wait comes first (RFC 7240 §4.3).
    pub fn of(headers: &HeaderMap, max_wait_seconds: u64) -> Self {
        let mut preference = Self::None;
        for text in headers.get_all(header::PREFER).iter().filter_map(|value| value.to_str().ok()) {
            // Names of preferences are case-insensitive; structured fields are lower case.
            let Ok(wishes) = Parser::new(&text.to_ascii_lowercase()).parse::<Dictionary>() else { continue };
            if let Some(seconds) = wishes.get("wait").and_then(whole_number) {
                return Self::Wait(seconds.min(max_wait_seconds));
            }
            if wishes.contains_key("respond-async") {
                preference = Self::Async;
            }
        }
        preference
    }

    /// How long to wait, where a request that says nothing waits for `default`.
    pub fn wait(self, default: Duration) -> Duration {
        match self {
            Self::None => default,
            Self::Wait(seconds) => Duration::from_secs(seconds),
            Self::Async => Duration::ZERO,
        }
    }

    /// Says in the answer which preference was honoured.
    pub fn applied(self, headers: &mut HeaderMap) {
        let applied = match self {
            Self::None => return,
            Self::Wait(seconds) => HeaderValue::from_str(&format!("wait={seconds}")).expect("a number is ASCII"),
            Self::Async => HeaderValue::from_static("respond-async"),
        };
        headers.insert(header::PREFERENCE_APPLIED, applied);
    }
}

fn whole_number(entry: &ListEntry) -> Option<u64> {
    let ListEntry::Item(item) = entry else { return None };
    match &item.bare_item {
        BareItem::Integer(number) => u64::try_from(i64::from(*number)).ok(),
        BareItem::String(text) => text.as_str().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Preference {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::PREFER, HeaderValue::from_static(value));
        }
        Preference::of(&headers, 10)
    }

    #[test]
    fn waits_are_read_as_the_rfc_writes_them() {
        assert_eq!(of(&["wait=5"]), Preference::Wait(5));
        assert_eq!(of(&["Wait=5"]), Preference::Wait(5));
        assert_eq!(of(&["wait=\"5\""]), Preference::Wait(5));
        assert_eq!(of(&["wait=600"]), Preference::Wait(10));
        assert_eq!(of(&["respond-async, wait=3"]), Preference::Wait(3));
        assert_eq!(of(&["respond-async", "handling=lenient; foo=\"a b\", wait=3"]), Preference::Wait(3));
        assert_eq!(of(&["respond-async"]), Preference::Async);
        assert_eq!(of(&["return=minimal"]), Preference::None);
        for ignored in ["", "wait", "wait=-1", "wait=soon", "wait=1.5", "=;", "wait=5, ="] {
            assert_eq!(of(&[ignored]), Preference::None, "{ignored}");
        }
    }
}
