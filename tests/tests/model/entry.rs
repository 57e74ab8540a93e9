//! What lies on a write channel: a write, or something that a stranger put there.

use larder_protocol::{ItemId, Operation, Write};

/// An entry of the stream.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "most entries are writes")]
pub enum Entry {
    Write { id: ItemId, write: Write },
    Malformed { fields: Vec<String>, reason: &'static str },
}

const NO_TTL: &str = "the ttl is neither milliseconds nor - nor keep";
const NO_ITEM: &str = "the item has no header block";
const NO_BY: &str = "the by is no integer";
const NO_WAIT: &str = "the wait is not milliseconds";
const MORE: &str = "a field is unknown or repeated";

/// Entries that nothing of ours writes, with `ID` for the id, and what is wrong with each.
pub const MALFORMED: &[(&str, &str)] = &[
    ("hello|world", "the entry does not start with op and id"),
    ("id|ID|op|delete", "the entry does not start with op and id"),
    ("op|rename|id|ID", "the op is none of put, increment, delete and barrier"),
    ("op|increment|id|ID", NO_TTL),
    ("op|increment|id|ID|ttl|keep", NO_BY),
    ("op|increment|id|ID|ttl|keep|by|1.5", NO_BY),
    ("op|increment|id|ID|ttl|keep|by|", NO_BY),
    ("op|increment|id|ID|ttl|keep|item|t/p\n\n1", NO_BY),
    ("op|increment|id|ID|ttl|keep|by|1|by|1", MORE),
    ("op|put|id|ID", NO_TTL),
    ("op|put|id|ID|ttl|soon|item|t/p\n\nv", NO_TTL),
    ("op|put|id|ID|ttl|-5|item|t/p\n\nv", NO_TTL),
    ("op|put|id|ID|ttl|1e3|item|t/p\n\nv", NO_TTL),
    ("op|put|id|ID|ttl|99999999999999999999|item|t/p\n\nv", NO_TTL),
    ("op|put|id|ID|ttl|-", NO_ITEM),
    ("op|put|id|ID|ttl|-|item|t/p\nv", NO_ITEM),
    ("op|put|id|ID|ttl|-|item|t/p\n\nv|colour|red", MORE),
    ("op|delete|id|ID|if-match|*|if-match|*", MORE),
    ("op|delete|id|ID|ttl|-", MORE),
    ("op|barrier|id|ID|wait|1|item|t/p\n\nv", MORE),
    ("op|delete|id|ID|wait|long", NO_WAIT),
    ("op|delete|id|ID|wait|99999999999999999999", NO_WAIT),
];

impl Entry {
    pub fn malformed(kind: usize, id: &ItemId) -> Self {
        let (fields, reason) = MALFORMED[kind % MALFORMED.len()];
        let fields = fields.split('|').map(|field| if field == "ID" { id.to_string() } else { field.to_owned() });
        Self::Malformed { fields: fields.collect(), reason }
    }

    /// Names and values, as they are in Redis.
    pub fn fields(&self) -> Vec<String> {
        match self {
            Self::Write { id, write } => {
                write.fields(id).iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
            }
            Self::Malformed { fields, .. } => fields.clone(),
        }
    }

    /// The id of the item that it is for, where it tells one.
    pub fn id(&self) -> String {
        match self.fields().as_slice() {
            [_, _, name, id, ..] if name == "id" => id.clone(),
            _ => String::new(),
        }
    }

    /// How many bytes count for the bound of a commit call: those of the fourth field.
    pub fn size(&self) -> usize {
        self.fields().get(7).map_or(0, String::len)
    }

    /// The same, with nobody who waits and no record: what a retry puts back.
    pub fn again(self) -> Self {
        match self {
            Self::Write { id, write } => Self::Write { id, write: Write { wait: None, idempotency: None, ..write } },
            // Its flaw is in what stays behind.
            Self::Malformed { reason: NO_WAIT, ref fields } => {
                let id = ItemId::new(fields[3].as_str()).expect("it was made of one");
                Self::Write { id, write: Operation::Delete.into() }
            }
            Self::Malformed { fields, reason } => {
                let kept = fields.chunks(2).filter(|pair| !["wait", "idem"].contains(&pair[0].as_str()));
                Self::Malformed { fields: kept.flatten().cloned().collect(), reason }
            }
        }
    }
}
