//! The opaque text that is a position in the feeds of all partitions.
//!
//! A byte for the version, then for each partition how far its ID lies from that of the partition before
//! it: zigzag, in 7 bits a byte (LEB128). Changes of one time, and of one primary, have IDs that lie near
//! one another, so few bytes are enough.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use larder_protocol::StreamId;

use super::error::FeedError;
use crate::store::Positions;

const VERSION: u8 = 1;

/// The cursor of a position.
pub fn encode(positions: &Positions) -> String {
    let mut bytes = vec![VERSION];
    let mut before = StreamId::ZERO;
    for id in positions {
        write(&mut bytes, zigzag(id.ms.wrapping_sub(before.ms)));
        write(&mut bytes, zigzag(id.seq.wrapping_sub(before.seq)));
        before = *id;
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The position of a cursor.
pub fn decode(cursor: &str) -> Result<Positions, FeedError> {
    let parse = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let mut rest = bytes.strip_prefix(&[VERSION])?;
        let (mut positions, mut before) = ([StreamId::ZERO; _], StreamId::ZERO);
        for id in &mut positions {
            id.ms = before.ms.wrapping_add(straight(read(&mut rest)?));
            id.seq = before.seq.wrapping_add(straight(read(&mut rest)?));
            before = *id;
        }
        rest.is_empty().then_some(positions)
    };
    parse().ok_or(FeedError::InvalidCursor)
}

/// Small differences, in either direction, as small numbers.
fn zigzag(difference: u64) -> u64 {
    let sign = if difference >> 63 == 1 { u64::MAX } else { 0 };
    (difference << 1) ^ sign
}

fn straight(zigzag: u64) -> u64 {
    let sign = if zigzag & 1 == 1 { u64::MAX } else { 0 };
    (zigzag >> 1) ^ sign
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        // What does not fit is no number of ours.
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use larder_protocol::partition;

    use super::*;

    const NOW: u64 = 1_764_000_000_000;

    fn positions(id: impl Fn(u64) -> StreamId) -> Positions {
        std::array::from_fn(|p| id(p as u64))
    }

    #[test]
    fn any_position_has_a_cursor() {
        for some in [
            positions(|_| StreamId::ZERO),
            positions(|p| StreamId { ms: NOW + p * 7_919 % 1_000, seq: p % 3 }),
            positions(|p| if p % 2 == 0 { StreamId::ZERO } else { StreamId { ms: u64::MAX, seq: u64::MAX } }),
            positions(|p| StreamId { ms: u64::MAX / (p + 1), seq: 1 << (p % 64) }),
        ] {
            assert_eq!(decode(&encode(&some)), Ok(some));
        }
    }

    #[test]
    fn changes_of_one_day_have_short_cursors() {
        let term = 0x7fff_1234_5678_0000;
        let day = positions(|p| StreamId { ms: NOW + p * 77_777_777 % 86_400_000, seq: term + p % 5 });
        let most = usize::from(partition::COUNT) * 6 + 32;
        assert!(encode(&day).len() <= most * 4 / 3 + 4, "{} {most}", encode(&day).len());
    }

    #[test]
    fn what_is_no_cursor_is_noticed() {
        let cursor = encode(&positions(|p| StreamId { ms: NOW + p, seq: 0 }));
        let another = format!("Ag{}", &cursor[2..]);
        for wrong in ["", "1", "AQ", "!", "AQAA", &cursor[..cursor.len() - 4], &format!("{cursor}AAAA"), &another] {
            assert_eq!(decode(wrong), Err(FeedError::InvalidCursor), "{wrong}");
        }
        let endless = BASE64_URL_SAFE_NO_PAD.encode([&[VERSION][..], &[0xff; 1_000]].concat());
        assert_eq!(decode(&endless), Err(FeedError::InvalidCursor));
    }
}
