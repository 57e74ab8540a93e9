//! Which slots each master of a new cluster gets.

use std::ops::RangeInclusive;

/// Number of slots of a cluster.
pub(super) const COUNT: u16 = 16_384;

/// One range for each master, exactly as `redis-cli --cluster create` deals them out: a cursor
/// advances by the mean, in C's `float`, and each range ends at the slot nearest to it.
pub(super) fn split(masters: usize) -> Vec<RangeInclusive<u16>> {
    let mean = f32::from(COUNT) / masters as f32;
    let (mut first, mut cursor) = (0, 0.0f32);
    let ranges = (1..=masters).map(|master| {
        let end = if master == masters { COUNT - 1 } else { (cursor + mean - 1.0).round() as u16 };
        let range = first..=end;
        first = end + 1;
        cursor += mean;
        range
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: what `redis-cli` 7.0.15 printed.
    #[test]
    fn the_slots_are_dealt_out_as_redis_cli_does() {
        let starts = |masters| split(masters).iter().map(|range| *range.start()).collect::<Vec<_>>();
        assert_eq!(starts(3), [0, 5461, 10923]);
        assert_eq!(starts(5), [0, 3277, 6554, 9830, 13107]);
        assert_eq!(starts(6), [0, 2731, 5461, 8192, 10923, 13653]);
        assert_eq!(starts(7), [0, 2341, 4681, 7022, 9362, 11703, 14043]);
    }

    #[test]
    fn every_slot_has_one_master() {
        for masters in 1..=100 {
            let slots: Vec<u16> = split(masters).into_iter().flatten().collect();
            assert!(slots.into_iter().eq(0..COUNT), "{masters}");
        }
    }
}
