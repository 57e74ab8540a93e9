//! The format of the data in Redis: a number that changes with all that a program must know to read and write it. A
//! program that knows another one says so, and leaves the data as it is (docs/operations.md, "Upgrades").
//!
//! The data of a partition says its format in one place ([`crate::keys::terms`]), and scripts compare it with that of
//! their caller before anything else (`fragment/format.lua`). What is read without them says its format itself, unless
//! it is the first: an item in the first words of its header block, an entry of the feed of changes in its first field.

/// What this program reads and writes. It stays in one piece in the binary: `strings` finds it, and so does the test
/// that makes programs of other formats.
pub static STAMP: &str = "larder data format 1";

/// The field of the hash that says the format.
pub const FIELD: &str = "format";

/// The format that this program knows.
///
/// # Panics
/// Never: the stamp ends with a number.
#[must_use]
pub fn known() -> u32 {
    let stamp = std::hint::black_box(STAMP);
    stamp.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("the stamp ends with a number")
}

/// The data has another format than this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data has format {found}, and this version of Larder knows format {}: {} is too old", known(), self.older())]
pub struct OtherFormat {
    found: u32,
}

impl OtherFormat {
    /// The code of the error with which a script refuses its caller; the format of the data follows.
    pub const CODE: &str = "FORMAT";

    /// Reads the message with which a script refused its caller.
    #[must_use]
    pub fn from_refusal(message: &str) -> Option<Self> {
        Some(Self { found: message.split_whitespace().next_back()?.parse().ok()? })
    }

    /// Checks what the data of a partition says of itself.
    ///
    /// # Errors
    /// Where that is another format, or no number.
    pub fn check(said: Option<&str>) -> Result<(), Self> {
        let found = said.map_or(Ok(FIRST), str::parse).unwrap_or(u32::MAX);
        if found == known() { Ok(()) } else { Err(Self { found }) }
    }

    /// What an item says of itself that is not of the first format.
    pub(crate) fn of_item(stored: &[u8]) -> Option<Self> {
        let rest = stored.strip_prefix(b"format ")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        Some(Self { found: std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()? })
    }

    fn older(self) -> &'static str {
        if self.found > known() { "this version" } else { "the data" }
    }
}

/// That of data which does not say.
const FIRST: u32 = 1;
