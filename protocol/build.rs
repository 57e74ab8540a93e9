//! Takes comments and empty lines out of the scripts: who runs a script has it in its binary, and the fragments once
//! for each script that needs them. Redis keeps the text, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let scripts = Path::new("src/scripts");
    println!("cargo::rerun-if-changed={}", scripts.display());
    for folder in ["", "fragment"] {
        fs::create_dir_all(out.join(folder))?;
        for entry in fs::read_dir(scripts.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "lua") {
                let name = path.file_name().ok_or_else(|| io::Error::other("a file has a name"))?;
                fs::write(out.join(folder).join(name), bare(&fs::read_to_string(&path)?))?;
            }
        }
    }
    Ok(())
}

/// The lines that Redis needs. A comment has its lines to itself in our scripts, and no text has two dashes at the
/// start of a line.
fn bare(script: &str) -> String {
    let needed = script.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"));
    needed.map(|line| format!("{line}\n")).collect()
}
