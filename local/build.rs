//! Puts the components into `larder-local`: those that `make components` has built, or those in the folder
//! `LARDER_COMPONENTS`. Without them it builds too, for checks and tools, and says at run time what it lacks.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=LARDER_COMPONENTS");
    let built = Path::new("../target/wasm32-wasip2/component");
    let folder = env::var_os("LARDER_COMPONENTS").map_or_else(|| built.to_path_buf(), PathBuf::from);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    for name in ["larder_wasip3.wasm", "larder_wasip2.wasm"] {
        let component = folder.join(name);
        // A file that is not there is looked for at each build.
        println!("cargo::rerun-if-changed={}", component.display());
        match fs::read(&component) {
            Ok(bytes) => fs::write(out.join(name), bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::write(out.join(name), [])?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
