//! The components stay small. Each node fetches them and compiles them, and each instance starts with their data.

use std::fs;

/// 1 MiB. docs/performance-notes.md tells what takes how much of it, and how to look.
const MOST_BYTES: u64 = 1024 * 1024;

#[test]
fn both_components_are_below_a_mebibyte() {
    for name in ["larder_wasip3", "larder_wasip2"] {
        let path = format!("{}/../target/wasm32-wasip2/component/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        let file = fs::metadata(&path).unwrap_or_else(|error| panic!("{path}: {error}; `make components` builds it"));
        assert!(
            file.len() < MOST_BYTES,
            "{name}.wasm has {} bytes, which is {} too many; docs/performance-notes.md tells where to look",
            file.len(),
            file.len() - MOST_BYTES + 1
        );
    }
}
