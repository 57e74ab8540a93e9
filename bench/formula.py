"""What a store takes, in bytes: the formulas of docs/sizing.md, which `python -m bench sizes` checks.

They are those of Redis 7.0 on a machine of 64 bits, with jemalloc as Debian builds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

PARTITIONS = 64

# `larder:{5hpy}:`; ten of the 64 numbers have one digit.
PREFIX = (10 * 14 + 54 * 15) / 64

# `1795410646296-0`, which is a revision; and a time in ms.
REVISION, TIME = 15, 13

# A time to live of some hours, in ms.
TTL = 8

# `<revision> <SHA-256 in hexadecimal>`, and what the commit appends: ` created` and a line's end.
RECORD, OUTCOME = REVISION + 1 + 64, 9

# A node of a stream holds so much, or so many entries. It begins with the names of the fields, the tree that it is in
# takes some more, and an entry has its number and flags.
NODE_BYTES, NODE_ENTRIES, NODE_HEAD, NODE, ENTRY = 4096, 100, 34, 60, 9


@dataclass(frozen=True)
class Write:
    """One kind of write, to an item that was not there."""

    id: int
    value: int
    # Content type and metadata, as `text/plain` and `name: text` lines.
    head: int = len("text/plain")
    ttl: bool = False
    # The length of an `Idempotency-Key`; 0 for none.
    key: int = 0
    # Whether the workers keep a feed of changes.
    feed: bool = False

    @property
    def content(self) -> int:
        """The value, and what stands before it in the entry."""
        return self.head + 2 + self.value

    @property
    def item(self) -> int:
        """The string that a read gets."""
        return REVISION + 1 + (TIME if self.ttl else 1) + 1 + self.content

    @property
    def item_key(self) -> float:
        """The length of the item's key."""
        return PREFIX + len("item:") + self.id

    @property
    def record_key(self) -> float:
        """The length of the key that remembers the `Idempotency-Key`, in an open store."""
        return PREFIX + len("idem:") + len(str(self.id)) + 1 + self.id + 2 + self.key


def allocated(size: float) -> float:
    """What jemalloc gives for so many bytes: a multiple of 16, above 128 one of four sizes in each doubling."""
    whole = int(size)
    if whole < size:
        return allocated(whole) * (1 - size + whole) + allocated(whole + 1) * (size - whole)
    step = 16 if whole <= 128 else 1 << (whole - 1).bit_length() - 3
    return -(-whole // step) * step


def text(size: float) -> float:
    """A string of Redis in memory, with its head and a zero behind it."""
    return allocated(size + 1 + (1 if size < 32 else 3 if size < 256 else 5 if size < 65536 else 9))


def table(entries: float) -> float:
    """The share of one entry in the buckets of a hash table, which double."""
    return 8 * (1 << max(2, int(entries - 1).bit_length())) / entries


def member(id: int, entries: float) -> float:
    """A member of a sorted set of so many: its text, a node of the skip list, an entry of the hash table."""
    node = 0.75 * sum(0.25**level * allocated(40 + 16 * level) for level in range(8))
    return text(id) + node + 32 + table(entries)


def memory_of_item(write: Write, items: int) -> float:
    """An item: its key and string, its place in the index, and where it ends, in the set of those that do."""
    each = text(write.item_key) + 16 + text(write.item) + 32 + table(items) + member(write.id, items / PARTITIONS)
    return each + (32 + table(items) + member(write.id, items / PARTITIONS) if write.ttl else 0)


def memory_of_key(write: Write, items: int) -> float:
    """An `Idempotency-Key`, for 24 hours. What is appended to a string makes Redis reserve as much again."""
    return text(write.record_key) + 16 + text(2 * (RECORD + OUTCOME)) + 2 * (32 + table(items))


def element(size: float) -> float:
    """A text in a node of a stream, with its length before and behind it."""
    return size + (1 if size < 64 else 2 if size < 4096 else 5) + (1 if size < 126 else 2 if size < 16382 else 3)


def memory_of_entry(fields: Iterable[float], entries: float) -> float:
    """An entry of a stream of so many, and its share of the node. The last node is as large as a full one."""
    entry = ENTRY + sum(element(field) for field in fields)
    held = max(1, min(NODE_ENTRIES, (NODE_BYTES - NODE_HEAD) // entry))
    unused = NODE_BYTES / 2 / entries if held > 1 else 0
    return (allocated(held * entry + NODE_HEAD) + NODE) / held + unused


def memory_of_pending(write: Write, writes: int) -> float:
    """A write that is accepted and not yet applied: op, id, ttl and content."""
    fields = [3, write.id, 4 if write.ttl else 1, write.content, *([write.record_key] if write.key else [])]
    return memory_of_entry(fields, writes / PARTITIONS)


def memory_of_change(write: Write, changes: int) -> float:
    """A change in the feed: op, id, revision and the moment at which the item ends."""
    return memory_of_entry([3, write.id, REVISION, 8 if write.ttl else 1], changes / PARTITIONS)


def command(*arguments: float) -> float:
    """A command in the append-only file."""
    return 5 + sum(5 + len(str(int(size))) + size for size in arguments)


# Before and behind the commands of a script, where there are several.
TRANSACTION = command(5) + command(4) - 2


def file_of_pending(write: Write, accepted: float = 1) -> float:
    """What a write adds to the append-only file when it is accepted, so many in one call of a script."""
    record = [4, write.record_key] if write.key else []
    size = command(4, PREFIX + 6, REVISION, 2, 3, 2, write.id, 3, TTL if write.ttl else 1, 4, write.content, *record)
    size += command(3, write.record_key, RECORD, 4, TIME) if write.key else 0
    return size + (TRANSACTION / accepted if write.key or accepted > 1 else 0)


def file_of_write(write: Write, accepted: float = 1, committed: float = 1) -> float:
    """The same until it is applied, so many in one call."""
    size = file_of_pending(write, accepted)
    expiry = [4, TIME] if write.ttl else []
    size += command(4, PREFIX + 5, 1, write.id) + command(3, write.item_key, write.item, *expiry)
    size += command(6, write.record_key, OUTCOME) if write.key else 0
    if write.ttl:
        size += command(4, PREFIX + 6, TIME, write.id)
    if write.feed:
        size += command(4, PREFIX + 7, REVISION, 2, 3, 2, write.id, 8, REVISION, 7, TIME if write.ttl else 1)
        size += (command(6, 1, 4) - 5) / committed
    return size + (TRANSACTION + command(4, PREFIX + 6)) / committed + command(REVISION) - 5


def file_of_item(write: Write) -> float:
    """What is left of it when Redis has rewritten its file, where the value cannot be compressed."""

    def stored(size: float) -> float:
        return size + (1 if size < 64 else 2 if size < 16384 else 5)

    size = 1 + stored(write.item_key) + stored(write.item) + stored(write.id) + 8
    if write.ttl:
        size += 9 + stored(write.id) + 8
    if write.key:
        size += 1 + 9 + stored(write.record_key) + stored(RECORD + OUTCOME)
    return size
