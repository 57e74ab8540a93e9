//! The trace that a request belongs to, as it travels in a header (W3C Trace Context, level 1).

use std::fmt;

/// A `traceparent`: the trace, the caller's span in it, and whether the trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

/// `00-<trace, 32 hex digits>-<span, 16>-<flags, 2>`
const LENGTH: usize = 55;

impl TraceParent {
    /// Reads a header. One of a later version is read as far as this one goes; one that is malformed is as if
    /// it were not there (section 3.2.2.3), so there is no error to tell.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (head, more) = header.split_at_checked(LENGTH)?;
        let mut text: [u8; LENGTH] = head.try_into().ok()?;
        let (version, trace, span, flags) = (&text[..2], &text[3..35], &text[36..52], &text[53..]);
        let is_hex = |part: &[u8]| part.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let is_zero = |part: &[u8]| part.iter().all(|&digit| digit == b'0');
        let is_whole = [version, trace, span, flags].into_iter().all(is_hex)
            && [2, 35, 52].into_iter().all(|dash| text[dash] == b'-')
            && !is_zero(trace)
            && !is_zero(span);
        let fits_version = match version {
            b"00" => more.is_empty(),
            b"ff" => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        text[..2].copy_from_slice(b"00");
        (is_whole && fits_version).then_some(Self(text))
    }

    /// The text of a header, of version 00.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it is made of hex digits and dashes")
    }

    /// What names the trace: 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.as_str()[3..35]
    }

    /// What names the caller's span: 16 hex digits.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.as_str()[36..52]
    }

    /// Whether the caller records the trace. The scripts ask the same.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.as_str()[53..], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<TraceParent> {
        TraceParent::parse(text.as_bytes())
    }

    #[test]
    fn its_parts_are_told() {
        let parent = parse(SAMPLED).unwrap();
        assert_eq!(parent.to_string(), SAMPLED);
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true)] {
            assert_eq!(parse(&SAMPLED.replace("-01", &format!("-{flags}"))).unwrap().is_sampled(), sampled);
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_this_one_goes() {
        let later = SAMPLED.replacen("00", "cc", 1);
        for text in [later.clone(), format!("{later}-more"), format!("{later}-")] {
            assert_eq!(parse(&text).unwrap().to_string(), SAMPLED);
        }
    }

    #[test]
    fn what_is_malformed_is_as_if_it_were_not_there() {
        for text in [
            "",
            "00",
            &SAMPLED[1..],
            &format!("{SAMPLED}-more"),
            &format!("{}.more", SAMPLED.replacen("00", "cc", 1)),
            &SAMPLED.replacen("00", "ff", 1),
            &SAMPLED.replace('b', "B"),
            &SAMPLED.replacen('-', "_", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
