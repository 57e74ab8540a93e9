//! What a Redis tells of itself, and whether it is set up as the guarantees demand (docs/guarantees.md, "What 202
//! rests on").
//!
//! A managed Redis may refuse `CONFIG`. What is not known is no reason to warn, and no reason to promise anything.

use redis::InfoDict;
use serde::Serialize;

/// The state and the settings of one Redis.
#[derive(Clone, Debug)]
pub struct RedisReport {
    /// Which server, such as `redis 7.0.15`.
    pub server: String,
    pub settings: Durability,
    pub memory_used_bytes: Option<u64>,
    /// `None` where there is none, or it is not known.
    pub memory_limit_bytes: Option<u64>,
    pub replicas: Option<u64>,
}

/// The settings that promises rest on, by their names in Redis' configuration; `None` where it does not tell.
#[derive(Clone, Debug, Serialize)]
pub struct Durability {
    pub appendonly: Option<String>,
    pub appendfsync: Option<String>,
    pub maxmemory_policy: Option<String>,
}

impl RedisReport {
    /// From what `INFO` and, where it is permitted, `CONFIG GET appendfsync` tell.
    pub fn new(info: &InfoDict, appendfsync: Option<String>) -> Self {
        let text = |field: &str| info.get::<String>(field);
        let number = |field: &str| info.get::<u64>(field);
        let server = match text("valkey_version") {
            Some(version) => format!("valkey {version}"),
            None => format!("redis {}", text("redis_version").unwrap_or_else(|| "of an unknown version".to_owned())),
        };
        let appendonly = number("aof_enabled").map(|enabled| if enabled == 0 { "no" } else { "yes" }.to_owned());
        Self {
            server,
            settings: Durability { appendonly, appendfsync, maxmemory_policy: text("maxmemory_policy") },
            memory_used_bytes: number("used_memory"),
            memory_limit_bytes: number("maxmemory").filter(|&limit| limit > 0),
            replicas: number("connected_slaves"),
        }
    }
}

impl Durability {
    /// Which promises are not kept, why, and what would keep them.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let appendonly = self.appendonly.as_deref();
        if appendonly == Some("no") {
            warnings.push("appendonly is no; a Redis that ends loses acknowledged writes. Set it to yes".to_owned());
        }
        // Without the file there is nothing to sync.
        if let Some(how) = self.appendfsync.as_deref().filter(|&how| how != "always" && appendonly != Some("no")) {
            warnings.push(format!(
                "appendfsync is {how}; a machine that fails loses the last acknowledged writes. Set it to always"
            ));
        }
        if let Some(policy) = self.maxmemory_policy.as_deref().filter(|&policy| policy != "noeviction") {
            warnings.push(format!(
                "maxmemory-policy is {policy}; a Redis that is full throws away what it holds. Set it to noeviction"
            ));
        }
        warnings
    }

    /// Whether all of them are as they should be. `None` where none is wrong and some are not known.
    pub fn keep_promises(&self) -> Option<bool> {
        let all_known = [&self.appendonly, &self.appendfsync, &self.maxmemory_policy].iter().all(|s| s.is_some());
        match self.warnings().is_empty() {
            true => all_known.then_some(true),
            false => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(info: &str, appendfsync: Option<&str>) -> RedisReport {
        RedisReport::new(&InfoDict::new(info), appendfsync.map(str::to_owned))
    }

    const DURABLE: &str = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1000\r\nmaxmemory:4000\r\n\
        maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n# Replication\r\nconnected_slaves:2\r\n";

    #[test]
    fn a_durable_redis_keeps_the_promises() {
        let report = report(DURABLE, Some("always"));
        assert_eq!((report.server.as_str(), report.replicas), ("redis 7.0.15", Some(2)));
        assert_eq!((report.memory_used_bytes, report.memory_limit_bytes), (Some(1000), Some(4000)));
        assert_eq!((report.settings.warnings(), report.settings.keep_promises()), (vec![], Some(true)));
    }

    #[test]
    fn each_setting_that_is_wrong_is_told() {
        for (info, appendfsync, says) in [
            (DURABLE.replace("aof_enabled:1", "aof_enabled:0"), "everysec", "appendonly is no"),
            (DURABLE.to_owned(), "everysec", "appendfsync is everysec"),
            (DURABLE.replace("noeviction", "volatile-lru"), "always", "maxmemory-policy is volatile-lru"),
        ] {
            let settings = report(&info, Some(appendfsync)).settings;
            let warnings = settings.warnings();
            assert!(warnings.len() == 1 && warnings[0].starts_with(says), "{warnings:?}");
            assert_eq!(settings.keep_promises(), Some(false));
        }
    }

    #[test]
    fn what_is_not_known_is_neither_right_nor_wrong() {
        let settings = report(DURABLE, None).settings;
        assert_eq!((settings.warnings(), settings.keep_promises()), (vec![], None));
        // One that is wrong is enough.
        assert_eq!(report("aof_enabled:0\r\n", None).settings.keep_promises(), Some(false));
        let report = report("valkey_version:9.1.2\r\nmaxmemory:0\r\n", None);
        assert_eq!((report.server.as_str(), report.memory_limit_bytes), ("valkey 9.1.2", None));
        assert_eq!(report.settings.keep_promises(), None);
    }
}
