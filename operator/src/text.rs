//! Bytes as people read them. Somebody else wrote these bytes, so nothing in them may
//! reach a terminal as a control sequence.

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
}
