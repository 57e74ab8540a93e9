//! Whether two values are equal (RFC 6902 §4.6): numbers by what they are worth, strings by what they say, objects whatever
//! the order of their members.

use super::{Json, decoded};

impl Json<'_> {
    /// Whether it is equal to another.
    pub fn equals(&self, other: &Json<'_>) -> bool {
        match (self.clone().opened(), other.clone().opened()) {
            (Json::Text(this), Json::Text(that)) => scalars(this, that),
            (Json::Array(these), Json::Array(those)) => {
                these.len() == those.len() && these.iter().zip(&those).all(|(this, that)| this.equals(that))
            }
            (Json::Object(these), Json::Object(those)) => {
                let is_in = |(name, this): (&_, &super::Member)| {
                    those.get(name).is_some_and(|that| this.value.equals(&that.value))
                };
                these.len() == those.len() && these.iter().all(is_in)
            }
            _ => false,
        }
    }
}

fn scalars(this: &str, that: &str) -> bool {
    let is_number = |text: &str| text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match (this, that) {
        _ if this.starts_with('"') && that.starts_with('"') => decoded(this) == decoded(that),
        _ if is_number(this) && is_number(that) => {
            this == that || Decimal::of(this).is_some_and(|number| Some(number) == Decimal::of(that))
        }
        _ => this == that,
    }
}

/// A number: its digits without zeros around them, and the power of ten of the last.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i128,
}

impl Decimal {
    /// `None` where the exponent is beyond all reason.
    fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_end_matches('0');
        let moved = i128::try_from(all.len() - digits.len()).ok()? - i128::try_from(fraction.len()).ok()?;
        match digits.trim_start_matches('0') {
            "" => Some(Self { is_negative: false, digits: String::new(), exponent: 0 }),
            digits => {
                let exponent = i128::from(exponent.parse::<i64>().ok()?) + moved;
                Some(Self { is_negative, digits: digits.to_owned(), exponent })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_what_they_are_worth() {
        for (this, that) in [
            ("0", "-0"),
            ("0", "0.00e7"),
            ("0", "0e99999999999999999999"),
            ("1e99999999999999999999", "1e99999999999999999999"),
            ("1", "1.0"),
            ("100", "1e2"),
            ("100", "1E+2"),
            ("0.01", "1e-2"),
            ("-1.50", "-15e-1"),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29"),
            ("1e400", "10e399"),
        ] {
            assert!(Json::Text(this).equals(&Json::Text(that)), "{this} {that}");
        }
        for (this, that) in [
            ("1", "-1"),
            ("1", "10"),
            ("1", "\"1\""),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.10000000000000000001"),
            ("1e400", "1e401"),
            ("1e99999999999999999999", "1e99999999999999999998"),
        ] {
            assert!(!Json::Text(this).equals(&Json::Text(that)), "{this} {that}");
        }
    }

    #[test]
    fn the_rest_is_equal_by_what_it_says() {
        for (this, that) in [
            (r#""\u0061\/""#, r#""a/""#),
            (r#"{"a":[1,{"b":null}],"\u0063":true}"#, r#"{ "c":true, "a":[1.0, {"b":null}] }"#),
            ("[ ]", "[]"),
        ] {
            assert!(Json::Text(this).equals(&Json::Text(that)), "{this} {that}");
        }
        for (this, that) in [("[1]", "[1,1]"), ("{\"a\":1}", "{\"a\":1,\"b\":1}"), ("true", "false"), ("{}", "[]")] {
            assert!(!Json::Text(this).equals(&Json::Text(that)), "{this} {that}");
        }
    }
}
