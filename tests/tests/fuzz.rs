//! Schemathesis makes requests out of the OpenAPI document, good ones and bad ones, and holds the
//! answers against it: a second judge, who has not read our code.
//!
//! It is a Python program; `make python` installs it into `target/python`.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use larder_system::{System, workspace_root};
use larder_tests::Larder;
use tokio::process::Command;

/// The same requests each time; `LARDER_SEED` makes others (`make fuzz`).
const SEED: &str = "1";

async fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let root = workspace_root();
    let path = Path::new("target/python/bin").join(program);
    let mut command = Command::new(root.join(path));
    command
        .args(arguments)
        .current_dir(&root)
        .env("PYTHONPATH", root.join("tests"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("{program} does not start; try `make python`"))?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    println!("{text}");
    ensure!(output.status.success(), "{program} is not content");
    Ok(())
}

#[tokio::test]
async fn the_document_is_openapi() -> anyhow::Result<()> {
    run("openapi-spec-validator", &["api-component/openapi.json"]).await
}

#[tokio::test]
async fn schemathesis_finds_nothing() -> anyhow::Result<()> {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let url = format!("{}/openapi.json", larder.base());
    let seed = std::env::var("LARDER_SEED").unwrap_or_else(|_| SEED.to_owned());
    run("schemathesis", &["--config-file", "tests/schemathesis.toml", "run", &url, "--seed", &seed]).await
}
