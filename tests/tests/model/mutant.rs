//! Scripts with a mistake, to see that the property finds it.

use larder_protocol::Script;
use larder_protocol::scripts::{ACCEPT, COMMIT, EXPIRE};

/// One mistake in a script.
pub struct Mutant {
    script: &'static str,
    source: String,
}

impl Mutant {
    fn new(script: &Script, text: &str, instead: &str) -> Self {
        assert_eq!(script.source().matches(text).count(), 1, "{}: {text}", script.name);
        Self { script: script.name, source: script.source().replace(text, instead) }
    }

    /// The source to run in the place of `script`.
    pub fn source(&self, script: &Script) -> Option<&str> {
        (self.script == script.name).then_some(self.source.as_str())
    }
}

/// What is wrong, and the script that is.
pub fn mutants() -> Vec<(&'static str, Mutant)> {
    let kept_end = "return string.match(call('GETRANGE', item_prefix .. id, 0, 63), '^%d+%-%d+ (%d+) ') or '-'";
    let none_match = "return not (if_none_match and named(if_none_match, current))";
    vec![
        ("If-None-Match is ignored", Mutant::new(&COMMIT, none_match, "return true")),
        ("an early refusal is wrong", Mutant::new(&ACCEPT, none_match, "return false")),
        ("revisions are taken for patterns", Mutant::new(&COMMIT, "' ', 1, true) ~= nil", "' ') ~= nil")),
        ("one write too many is accepted", Mutant::new(&ACCEPT, "pending >= ", "pending > ")),
        (
            "no idempotency record",
            Mutant::new(&ACCEPT, "if record then redis.call('SET'", "if false then redis.call('SET'"),
        ),
        ("another request's outcome is repeated", Mutant::new(&ACCEPT, "earlier_digest ~= digest", "false")),
        ("a rewrite keeps the old TTL", Mutant::new(&COMMIT, "' - ' .. content)", "' - ' .. content, 'KEEPTTL')")),
        ("a TTL that is over counts", Mutant::new(&COMMIT, "is_over = tonumber(ends) <= now", "is_over = false")),
        (
            "a deleted id stays in the index",
            Mutant::new(&COMMIT, "call('ZREM', index, id)\n  tell_change(current and", "tell_change(current and"),
        ),
        ("applied and not taken off", Mutant::new(&COMMIT, "if #done > 0 then left", "if false then left")),
        ("no rejection record", Mutant::new(&COMMIT, "if sort == 'rejected' then record(", "if false then record(")),
        ("a replacement forgets the TTL", Mutant::new(&COMMIT, kept_end, "return '-'")),
        ("Lua adds", Mutant::new(&COMMIT, "= add(value, by)", "= ('%.0f'):format((tonumber(value) or 0) + by), ''")),
        ("a sum leaves its key", Mutant::new(&COMMIT, "call('DEL', scratch)", "")),
        ("nobody is told", Mutant::new(&COMMIT, "if more.wait then", "if false then")),
        (
            "an outcome stays too long",
            Mutant::new(&COMMIT, "redis.pcall('PEXPIRE', outcome_prefix", "redis.pcall('TTL', outcome_prefix"),
        ),
        ("no change is told", Mutant::new(&COMMIT, "changes_kept == 0 or current == revision", "true")),
        ("a delete of nothing is told", Mutant::new(&COMMIT, "current and 'delete', id", "'delete', id")),
        (
            "what follows on an end that nobody told tells it neither",
            Mutant::new(&COMMIT, "if has_ended then", "if false then"),
        ),
        (
            "an end is told of what still lives",
            Mutant::new(&COMMIT, "call('ZSCORE', expiry, id) and not current", "call('ZSCORE', expiry, id)"),
        ),
        (
            "an expiry is not told",
            Mutant::new(&EXPIRE, "if changes_kept > 0 then append_change(", "if false then append_change("),
        ),
        (
            "a change is told before it is certain",
            Mutant::new(
                &COMMIT,
                "  call('ZREM', index, id)\n  tell_change(current and 'delete', id, current, revision, '-')\n",
                "  tell_change(current and 'delete', id, current, revision, '-')\n  call('ZREM', index, id)\n",
            ),
        ),
    ]
}
