//! Bytes and times as people read them. Somebody else wrote these bytes, so nothing in them may
//! reach a terminal as a control sequence.

use std::time::{Duration, UNIX_EPOCH};

/// The last millisecond of the year 9999, where RFC 3339 ends.
const LAST_MS: u64 = 253_402_300_799_999;

/// Printable characters as they are, all else escaped.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => text.push(character),
                _ => text.extend(character.escape_debug()),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// JSON that means the same and has nothing in it that a terminal might obey: such characters stand in strings only,
/// where JSON has an escape for each (RFC 8259 §7).
#[must_use]
pub fn escaped_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && !character.is_ascii_control() || character.escape_debug().count() == 1 {
            text.push(character);
        } else {
            let units = &mut [0; 2];
            text.extend(character.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

/// At most so many characters; the last is an ellipsis where some are missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The first bytes, at most so many, and how many there are.
#[must_use]
pub fn excerpt(bytes: &[u8], most: usize) -> String {
    let length = if bytes.len() == 1 { "1 byte".to_owned() } else { format!("{} bytes", bytes.len()) };
    if bytes.len() <= most {
        return format!("{} ({length})", escaped(bytes));
    }
    // Not in the middle of a character, if they are characters.
    let end = (most.saturating_sub(3)..=most).rev().find(|&end| bytes[end] & 0xc0 != 0x80).unwrap_or(most);
    format!("{}… ({length})", escaped(&bytes[..end]))
}

/// Milliseconds since 1970, in RFC 3339.
#[must_use]
pub fn time(ms: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(ms.min(LAST_MS));
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_might_obey_is_escaped() {
        assert_eq!(escaped("cart:42 \"ä\" 🦀".as_bytes()), "cart:42 \"ä\" 🦀");
        assert_eq!(escaped(b"a\x1b[2J\n\\\xff\x00"), "a\\u{1b}[2J\\n\\\\\\xff\\0");
        assert_eq!(escaped("\u{202e}".as_bytes()), "\\u{202e}");
    }

    #[test]
    fn json_means_the_same_and_does_not_act() {
        let json = serde_json::to_string("a\u{1b}[2J\u{9b}\u{202e}\u{e0001}ä\\\"'🦀").unwrap();
        let escaped = escaped_json(&json);
        assert!(!escaped.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{e0001}']), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "a\u{1b}[2J\u{9b}\u{202e}\u{e0001}ä\\\"'🦀");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("äöüß!", 4), "äöü…");
        assert_eq!(excerpt(b"-", 4), "- (1 byte)");
        assert_eq!(excerpt(b"four", 4), "four (4 bytes)");
        assert_eq!(excerpt("aäää".as_bytes(), 4), "aä… (7 bytes)");
        assert_eq!(excerpt(&[0x80; 5], 2), "\\x80\\x80… (5 bytes)");
    }

    #[test]
    fn any_stream_id_has_a_time() {
        assert_eq!(time(1_764_000_000_123), "2025-11-24T16:00:00.123Z");
        assert_eq!(time(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
