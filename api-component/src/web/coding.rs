//! Content codings (RFC 9110 §8.4.1): what the component holds of its own is compressed.

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};

/// `Content-Encoding` of what is compressed.
pub const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Whether a client names gzip, or everything, and not with the quality 0 (RFC 9110 §12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings: Vec<_> = lists.flat_map(|list| list.split(',')).collect();
    let taken = |coding: &str| {
        codings.iter().find_map(|one| {
            let (name, weight) = one.split_once(';').unwrap_or((one, ""));
            let refused =
                weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
            name.trim().eq_ignore_ascii_case(coding).then_some(!refused)
        })
    };
    taken("gzip").or_else(|| taken("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_gzip_says_so() {
        let accepts = |value: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for yes in ["gzip", "deflate, GZIP;q=0.5, br", "*", "br;q=1, *;q=0.1"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.0, *"] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
