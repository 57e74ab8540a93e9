//! The command line: `larder` as a process, against a real Larder.

mod dead;
mod items;
mod many;
mod refusals;
mod settings;
mod status;
mod terminal;
mod up;
mod watch;

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use larder_system::built;
use larder_tests::Larder;
use serde_json::Value;
use tempfile::TempDir;

/// What every test here returns.
type Tested = anyhow::Result<()>;

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    error: String,
}

/// The command line of somebody without settings, and a folder for their files.
struct Cli {
    url: String,
    home: TempDir,
}

impl Cli {
    fn of(larder: &Larder) -> anyhow::Result<Self> {
        Self::at(larder.base())
    }

    fn at(url: &str) -> anyhow::Result<Self> {
        Ok(Self { url: url.to_owned(), home: TempDir::new()? })
    }

    /// The command, for this store. Nothing of the environment reaches it but the PATH.
    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(built("larder")?);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home.path());
        // Of a deployment that is tested.
        command.envs(std::env::var_os("LARDER_TOKEN").map(|token| ("LARDER_TOKEN", token)));
        command.env("LARDER_URL", &self.url).args(arguments).current_dir(self.home.path());
        Ok(command)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        self.run_with(arguments, &[], b"")
    }

    /// With these variables, and this on stdin.
    fn run_with(&self, arguments: &[&str], variables: &[(&str, &OsStr)], stdin: &[u8]) -> anyhow::Result<Ran> {
        let mut command = self.command(arguments)?;
        command.envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Whoever does not read it may have ended.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin);
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) })
    }

    /// The output of a command that shall succeed.
    fn told(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let Ran { code, out, error } = self.run(arguments)?;
        anyhow::ensure!(code == Some(0), "{arguments:?}: {code:?} {error}");
        Ok(out)
    }

    /// The same as JSON, one value a line.
    fn json(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let out = self.told(&[arguments, &["--json"]].concat())?;
        out.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Writes a file into the folder, and tells its name.
    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> anyhow::Result<String> {
        let path = self.home.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }
}

/// Checks how a command failed.
#[track_caller]
fn assert_failed(ran: &Ran, code: i32, says: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.error.contains(says), "{ran:?}");
}
