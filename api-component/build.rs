//! Packs what the component says of itself, compressed: the console, each file of `console/`, all of them below a path
//! that changes with any of them, so that a browser may keep them for ever; and the description of the API.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The page; it names the other files.
const PAGE: &str = "index.html";

/// What stands in the page for the folder of the other files.
const FOLDER: &str = "{folder}";

/// What stands in the page where it asks for all modules at once, rather than one import after the other.
const PRELOAD: &str = "<!-- {preload} -->";

/// The description of the API.
const OPENAPI: &str = "openapi.json";

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    pack_console(&out)?;
    println!("cargo::rerun-if-changed={OPENAPI}");
    let document = fs::read_to_string(OPENAPI)?;
    pack(&out, OPENAPI, &document)?;
    println!("cargo::rustc-env=LARDER_OPENAPI_DIGEST={:x}", Sha256::digest(document));
    Ok(())
}

fn pack_console(out: &Path) -> io::Result<()> {
    let source = Path::new("console");
    println!("cargo::rerun-if-changed={}", source.display());
    let mut names: Vec<PathBuf> = fs::read_dir(source)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    names.sort();
    let mut files = Vec::new();
    let mut digest = Sha256::new();
    for path in names {
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let name = name.ok_or_else(|| io::Error::other(format!("{} is no name for a file here", path.display())))?;
        let text = fs::read_to_string(&path)?;
        digest.update(format!("{name}\0{}\0", text.len()));
        digest.update(&text);
        files.push((name, text));
    }
    let folder = format!("/console/{}", &format!("{:x}", digest.finalize())[..16]);
    let modules = files.iter().filter(|(name, _)| name.ends_with(".mjs"));
    let preload: Vec<_> =
        modules.map(|(name, _)| format!("<link rel=\"modulepreload\" href=\"{folder}/{name}\">")).collect();

    let mut table = String::from("&[\n");
    for (name, text) in &files {
        let text = if name == PAGE {
            text.replace(FOLDER, &folder).replace(PRELOAD, &preload.join("\n"))
        } else {
            text.clone()
        };
        let packed = pack(out, name, &text)?;
        writeln!(table, "    ({name:?}, include_bytes!({packed:?})),").map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(out.join("console_files.rs"), table)?;
    println!("cargo::rustc-env=LARDER_CONSOLE_FOLDER={folder}");
    Ok(())
}

/// Compresses a file into the folder, and tells where it is.
fn pack(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let packed = folder.join(format!("{name}.gz"));
    let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()?;
    Ok(packed)
}
