//! What only happens on a terminal: questions, `top`, and stored bytes that would like to act on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use larder_tests::{Larder, eventually};
use nix::pty::{Winsize, openpty};

use crate::{Cli, Tested};

/// A command on a terminal of its own.
pub struct OnTerminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    fn start(cli: &Cli, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(cli, arguments, &[])
    }

    fn start_with(cli: &Cli, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = cli.command(arguments)?;
        command.envs(variables.iter().copied());
        Self::spawn(command)
    }

    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None)?;
        command.env("TERM", "xterm").stdin(Stdio::from(pty.slave.try_clone()?));
        command.stdout(Stdio::from(pty.slave.try_clone()?)).stderr(Stdio::from(pty.slave));
        let child = command.spawn()?;
        let (keyboard, mut output) = (File::from(pty.master.try_clone()?), File::from(pty.master));
        let screen = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&screen);
        // It ends with an error once nobody holds the other end.
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.lock().expect("nobody panics with it").extend(&bytes[..count]);
            }
        });
        Ok(Self { child, keyboard, screen })
    }

    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("nobody panics with it")).into_owned()
    }

    pub async fn sees(&self, text: &str) -> Tested {
        eventually(text, async || {
            anyhow::ensure!(self.seen().contains(text), "{}", self.seen().escape_debug());
            Ok(())
        })
        .await
    }

    pub fn types(&mut self, keys: &str) -> Tested {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    pub async fn ends(&mut self) -> anyhow::Result<Option<i32>> {
        let child = Mutex::new(&mut self.child);
        eventually("it ends", async || {
            let status = child.lock().expect("nobody panics with it").try_wait()?;
            status.map(|status| status.code()).ok_or_else(|| anyhow::anyhow!("it runs"))
        })
        .await
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn stored_bytes_do_not_act_on_a_terminal() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    // What reverses text is no control character of the kind that an id must not have.
    let prefix = larder.id("hostile/");
    let prefix = prefix.as_str();
    let id = format!("{prefix}\u{202e}gpj");
    let id = id.as_str();
    let file = cli.file("value", "a\u{1b}]0;owned\u{7}b\u{9b}2Jc\u{202e}\tline\nnext\r\n")?;
    cli.told(&["put", id, &format!("@{file}"), "--type", "text/plain"])?;
    for (arguments, says) in [
        (&["get", id][..], "a\\u{1b}]0;owned\\u{7}b\\u{9b}2Jc\\u{202e}\tline"),
        (&["ls", prefix][..], "\\u{202e}gpj"),
        (&["ls", "-l", prefix][..], "\\u{202e}gpj"),
        (&["ls", "--tree", prefix][..], "\\u{202e}gpj"),
        (&["rm", "--prefix", prefix, "--dry-run"][..], "\\u{202e}gpj"),
        (&["watch", prefix, "--from", "start", "--limit", "1", "--include", "value"][..], "\\u{202e}gpj"),
    ] {
        let mut command = OnTerminal::start(&cli, arguments)?;
        command.sees(says).await?;
        assert_eq!(command.ends().await?, Some(0), "{arguments:?}");
        let seen = command.seen();
        let act =
            seen.contains("\u{1b}]") || seen.contains(['\u{7}', '\u{9b}', '\u{202e}']) || seen.contains("\u{1b}[2J");
        assert!(!act, "{arguments:?}: {}", seen.escape_debug());
    }
    // Into a pipe they go as they are.
    assert_eq!(cli.told(&["get", id])?.as_bytes(), std::fs::read(cli.home.path().join("value"))?);
    assert_eq!(cli.told(&["ls", prefix])?, format!("{id}\n"));

    let binary = format!("{prefix}binary");
    cli.run_with(&["put", &binary, "-"], &[], b"\xff\x1b[2J")?;
    let mut command = OnTerminal::start(&cli, &["get", &binary])?;
    command.sees("-o FILE").await?;
    assert_eq!(command.ends().await?, Some(2));
    Ok(())
}

#[tokio::test]
async fn a_prefix_is_removed_after_a_yes_and_only_then() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("asked/");
    let prefix = prefix.as_str();
    cli.told(&["put", &format!("{prefix}a"), "x"])?;
    for (answer, code, left) in [("n", 1, 1), ("y", 0, 0)] {
        let mut command = OnTerminal::start(&cli, &["rm", "--prefix", prefix])?;
        command.sees("Delete 1 items for good?").await?;
        assert!(command.seen().contains(larder.base()), "which store? {}", command.seen());
        command.types(answer)?;
        assert_eq!(command.ends().await?, Some(code));
        assert_eq!(cli.told(&["ls", prefix])?.lines().count(), left);
    }
    Ok(())
}

#[tokio::test]
async fn a_conflict_of_an_edit_is_decided_by_who_edits() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let id = larder.id("edited");
    let id = id.as_str();
    cli.told(&["put", id, "one\n"])?;
    let itself = larder_system::built("larder")?;
    // The first time, somebody else stores another text meanwhile.
    let script = format!("test -e once || {} put {id} 'theirs\n'\ntouch once\necho mine >> \"$1\"\n", itself.display());
    let script = cli.file("editor.sh", script)?;
    let editor = format!("sh {script}");
    let mut command = OnTerminal::start_with(&cli, &["edit", id], &[("VISUAL", &editor)])?;
    command.sees("What now?").await?;
    assert!(command.seen().contains("-theirs") && command.seen().contains("+mine"), "{}", command.seen());
    // Edit again: the text is still there, and goes on top of theirs.
    command.types("\r")?;
    assert_eq!(command.ends().await?, Some(0), "{}", command.seen());
    assert_eq!(cli.told(&["get", id])?, "one\nmine\nmine\n");
    Ok(())
}

#[tokio::test]
async fn top_draws_and_leaves_the_terminal_as_it_was() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let leave = "\u{1b}[?1049l";
    let mut top = OnTerminal::start(&cli, &["top"])?;
    top.sees("ready").await?;
    top.types("q")?;
    assert_eq!(top.ends().await?, Some(0));
    top.sees(leave).await?;

    let mut top = OnTerminal::start(&cli, &["top"])?;
    top.sees("ready").await?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(top.child.id())?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
    assert_eq!(top.ends().await?, Some(0));
    top.sees(leave).await?;

    let ran = cli.run(&["top"])?;
    crate::assert_failed(&ran, 2, "larder status --json");
    Ok(())
}
