//! Each room of the handler imports only rooms before it, so there is no circle, and `web` imports
//! none.

use std::fs;
use std::path::{Path, PathBuf};

/// From the lowest to the highest, as `lib.rs` lists them.
const ROOMS: [&str; 11] =
    ["web", "access", "config", "store", "context", "writes", "items", "many", "service", "route", "handler"];

/// The files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("the folder is ours").path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

/// What stands behind each `crate::` in a text.
fn imports(text: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let behind = text.split("crate::").skip(1);
    let named = behind.flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default().split(',').map(|one| name(one.trim())).collect(),
        None => vec![name(rest)],
    });
    named.filter(|name: &String| !name.is_empty()).collect()
}

#[test]
fn each_room_imports_only_those_before_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (place, room) in ROOMS.iter().enumerate() {
        let face = source.join(room).with_extension("rs");
        for file in below(&source.join(room)).into_iter().chain([face]) {
            for import in imports(&fs::read_to_string(&file).expect("it is UTF-8")) {
                let allowed = ROOMS.iter().position(|room| *room == import);
                assert!(allowed.is_some_and(|of| of <= place), "{} imports {import}", file.display());
            }
            seen += 1;
        }
    }
    assert_eq!(seen + 1, below(&source).len(), "every file but lib.rs is in a room");
}

#[test]
fn imports_are_found_in_either_form() {
    assert_eq!(imports("use crate::store::{self, Part};\nuse crate::{items, many::bulk};"), ["store", "items", "many"]);
    assert!(imports("use larder_protocol::call;").is_empty());
}
