//! Component and worker of one format of the data, and of another one, in front of the same store.
//!
//! There is one format yet. Programs of another are made of the real ones: each has its format in it as a text, of
//! which the digit is changed. Which of two is the older one is a matter of the digit alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use larder_protocol::{Partition, format, keys};
use larder_system::{ApiProcess, ApiSettings, Output, Port, Runtime, System, Wasi, built, workspace_root};
use larder_tests::{Direct, Larder, eventually, http};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Tested;
use crate::access::assert_refused;

/// A worker and the manifest of a component, both of one format.
struct Programs {
    folder: TempDir,
    manifest: PathBuf,
    worker: PathBuf,
}

impl Programs {
    fn of(format: u32) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let (manifest, worker) = (folder.path().join("spin.toml"), folder.path().join("larder-worker"));
        let ours = Wasi::from_env()?.manifest(&workspace_root());
        let mut text = fs::read_to_string(&ours)?;
        let source = text.split_once("source = \"").and_then(|(_, rest)| rest.split_once('"')).context("no source")?.0;
        let source = source.to_owned();
        restamp(&workspace_root().join(&source), &folder.path().join("component.wasm"), format)?;
        text = text.replace(&source, "component.wasm");
        fs::write(&manifest, text)?;
        let written = folder.path().join("written");
        restamp(&built("larder-worker")?, &written, format)?;
        fs::set_permissions(&written, fs::Permissions::from_mode(0o755))?;
        // By a process of its own: what a child of ours, just forked, still has open for writing cannot be run (ETXTBSY).
        ensure!(std::process::Command::new("cp").arg(&written).arg(&worker).status()?.success());
        Ok(Self { folder, manifest, worker })
    }

    /// Starts the worker, whose `/ready` is at this address.
    fn start_worker(&self, redis: &str, admin: &Port) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.worker);
        command.env("LARDER_REDIS", redis).env("LARDER_CONTROL_LISTEN", "off");
        command.env("LARDER_ADMIN_LISTEN", admin.address().to_string());
        Ok(command.stdin(Stdio::null()).kill_on_drop(true).spawn()?)
    }

    fn start_component(&self, redis: &str, listen: &Port) -> anyhow::Result<ApiProcess> {
        let log = Output::File(self.folder.path().join("component.log"));
        let settings = ApiSettings::new(Runtime::from_env()?, Wasi::from_env()?, listen.address(), redis, log);
        ApiProcess::start(ApiSettings { manifest: Some(self.manifest.clone()), ..settings })
    }
}

/// Copies a program, and changes the format that it knows.
fn restamp(program: &Path, copy: &Path, format: u32) -> Tested {
    let (mut bytes, text) = (fs::read(program)?, format::STAMP.as_bytes());
    let digit = text.len() - 1;
    let places: Vec<_> =
        bytes.windows(text.len()).enumerate().filter(|(_, part)| *part == text).map(|(at, _)| at).collect();
    ensure!(!places.is_empty(), "{} does not say its format", program.display());
    for at in places {
        bytes[at + digit] = b'0' + u8::try_from(format)?;
    }
    Ok(fs::write(copy, bytes)?)
}

#[tokio::test]
async fn a_program_too_new_for_the_data_leaves_it_alone() -> Tested {
    check(format::known(), format::known() + 1, "the data is too old").await
}

#[tokio::test]
async fn a_program_too_old_for_the_data_leaves_it_alone() -> Tested {
    check(format::known() + 1, format::known(), "this version is too old").await
}

/// A store of programs of one format, and then each of its programs beside one of another.
async fn check(format: u32, other: u32, blames: &str) -> Tested {
    let (right, wrong) = (Programs::of(format)?, Programs::of(other)?);
    let builder = System::builder().workers(0).manifest(&right.manifest);
    let Some(mut larder) = Larder::own_alone(builder).await? else { return Ok(()) };
    let redis = larder.system().redis.url();
    let (admin, wrong_admin, port) = (Port::reserve()?, Port::reserve()?, Port::reserve()?);
    let says = format!("the data has format {format}, and this version of Larder knows format {other}: {blames}");

    // The first worker that comes chooses the format, and writes and reads go their way.
    let mut worker = right.start_worker(&redis, &admin)?;
    is_ready(&admin, "ready").await?;
    let id = larder.id("a");
    larder.put(&id, "right").await?;
    let direct = Direct::open(&redis).await?;
    for p in Partition::all() {
        let said: String = direct.command(&["HGET", &keys::terms(p), format::FIELD]).await?;
        assert_eq!(said, format.to_string(), "partition {p}");
    }

    // The other component reads what it can read, and changes nothing.
    let api = wrong.start_component(&redis, &port)?;
    let through = larder.through(&api);
    eventually("the other component answers", async || {
        ensure!(through.get(&id).await?.text().await? == "right", "another value");
        Ok(())
    })
    .await?;
    for (method, path) in [(Method::PUT, format!("/items/{}", id.to_path())), (Method::GET, "/items".to_owned())] {
        let request = through.request(method, &path).body("wrong");
        assert_refused(request, StatusCode::SERVICE_UNAVAILABLE, "unknown-format", &says).await?;
    }
    let ready = || through.request(Method::GET, "/health/ready");
    assert_refused(ready(), StatusCode::SERVICE_UNAVAILABLE, "not-ready", &format!("format: {says}")).await?;

    // The other worker leaves what waits for one that knows it.
    worker.kill().await?;
    let waits = larder.item(Method::PUT, &id).body("waits").send().await?;
    assert_eq!(waits.status(), StatusCode::ACCEPTED);
    let mut other_worker = wrong.start_worker(&redis, &wrong_admin)?;
    is_ready(&wrong_admin, &says).await?;
    ensure!(other_worker.try_wait()?.is_none(), "it waits, as for a Redis that is away");
    assert_eq!(larder.get(&id).await?.text().await?, "right");
    let mut worker = right.start_worker(&redis, &admin)?;
    larder.applied(waits).await?;
    assert_eq!(larder.get(&id).await?.text().await?, "waits");
    let dead = Partition::all().map(async |p| direct.command::<u64>(&["XLEN", &keys::dead(p)]).await);
    ensure!(futures::future::try_join_all(dead).await?.iter().all(|&dead| dead == 0), "there are dead letters");

    // The number may change while a worker is at work: it leaves the data to the other, though nobody writes.
    for p in Partition::all() {
        let () = direct.command(&["HSET", &keys::terms(p), format::FIELD, &other.to_string()]).await?;
    }
    is_ready(&admin, &format!("the data has format {other}, and this version of Larder knows format {format}")).await?;
    ensure!(worker.try_wait()?.is_none(), "it waits");
    is_ready(&wrong_admin, "ready").await
}

/// Waits until `/ready` of the worker says this.
async fn is_ready(admin: &Port, says: &str) -> Tested {
    let url = format!("http://{}/ready", admin.address());
    eventually(says, async || {
        let said = http().get(&url).send().await?.text().await?;
        ensure!(said.contains(says) && (says == "ready") == (said == "ready\n"), "{said}");
        Ok(())
    })
    .await
}
