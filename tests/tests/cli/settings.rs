//! Contexts, the read-only switch, tokens, completions and man pages.

use larder_system::System;
use larder_tests::Larder;
use serde_json::Value;

use crate::{Cli, Tested, assert_failed};

#[tokio::test]
async fn a_context_brings_its_own_address_and_switch() -> Tested {
    let Some(one) = Larder::own(System::builder()).await? else { return Ok(()) };
    let Some(two) = Larder::own(System::builder()).await? else { return Ok(()) };
    let cli = Cli::of(&one)?;
    let (one, two) = (one.base(), two.base());
    cli.told(&["context", "add", "dev", one])?;
    cli.told(&["context", "add", "prod", two, "--read-only"])?;
    let list = cli.told(&["context", "list"])?;
    assert!(list.contains("* dev") && list.contains("  prod") && list.contains("read-only"), "{list}");

    // What is named on the command line counts before the environment, and that before the current one.
    let store = |cli: &Cli, arguments: &[&str]| -> anyhow::Result<String> {
        let told = cli.json(&[&["status"], arguments].concat())?;
        Ok(told[0]["store"].as_str().unwrap_or_default().trim_end_matches('/').to_owned())
    };
    assert_eq!(store(&cli, &[])?, one);
    assert_eq!(store(&cli, &["--context", "prod"])?, two);
    assert_eq!(store(&cli, &["--url", two])?, two);
    cli.told(&["context", "use", "prod"])?;
    let without = |arguments: &[&str]| -> anyhow::Result<_> {
        let mut command = cli.command(arguments)?;
        Ok(command.env_remove("LARDER_URL").output()?)
    };
    let output = without(&["put", "a", "x"])?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(4) && error.contains("read_only"), "{error}");
    assert!(without(&["--context", "dev", "put", "a", "x"])?.status.success());
    let copied = without(&["--context", "dev", "cp", "a", "b", "--to-context", "prod"])?;
    assert_eq!(copied.status.code(), Some(4));
    let output = without(&["status"])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("prod ({two})")), "{said}");

    assert_failed(&cli.run(&["get", "a", "--context", "dev", "--url", two])?, 2, "give one of them");
    assert_failed(&cli.run(&["get", "a", "--context", "none"])?, 2, "known: dev, prod");
    cli.told(&["context", "remove", "prod"])?;
    assert_failed(&cli.run(&["context", "use", "prod"])?, 2, "no context");
    Ok(())
}

#[test]
fn read_only_means_every_command_that_writes() -> Tested {
    // Nobody listens there: what would write does not even ask.
    let cli = Cli::at("http://127.0.0.1:1")?;
    let file = cli.file("a", "")?;
    let file = file.as_str();
    for arguments in [
        &["put", "a", "x"][..],
        &["rm", "a"][..],
        &["rm", "--prefix", "a", "--yes"][..],
        &["cp", "a", "b"][..],
        &["edit", "a"][..],
        &["import", file][..],
        &["bench"][..],
        &["dead", "retry", "--all"][..],
        &["dead", "drop", "--all", "--yes"][..],
    ] {
        let ran = cli.run_with(arguments, &[("LARDER_READ_ONLY", "true".as_ref())], b"")?;
        assert_failed(&ran, 4, "read-only");
    }
    Ok(())
}

#[test]
fn tokens_are_made_listed_and_checked_without_a_store() -> Tested {
    let cli = Cli::at("http://127.0.0.1:1")?;
    let made = &cli.json(&["token", "new", "--name", "ci", "--scope", "write", "--prefix", "ci/", "--days", "1"])?[0];
    let entries = Value::Array(vec![made["entry"].clone()]).to_string();
    let file = cli.file("tokens.json", entries)?;
    let list = cli.told(&["token", "list", &file])?;
    assert!(list.contains("ci ") && list.contains("write") && list.contains("ci/"), "{list}");
    assert_eq!(cli.json(&["token", "list", &file])?, [made["entry"].clone()]);
    let check = |token: &str| cli.run_with(&["token", "check", &file], &[("LARDER_TOKEN", token.as_ref())], b"");
    let ran = check(made["token"].as_str().unwrap())?;
    assert!(ran.code == Some(0) && ran.out.contains("has the entry 1"), "{ran:?}");
    let ran = check("larder_other")?;
    assert!(ran.code != Some(0) && ran.error.contains("none of these"), "{ran:?}");
    let wrong = cli.file("wrong.json", "[{\"name\":\"ci\"}]")?;
    let ran = cli.run(&["token", "check", &wrong])?;
    assert!(ran.code != Some(0) && ran.error.contains("entry 1 has no digest"), "{ran:?}");
    Ok(())
}

#[test]
fn completions_and_man_pages_name_the_commands() -> Tested {
    let cli = Cli::at("http://127.0.0.1:1")?;
    for shell in ["bash", "zsh", "fish"] {
        assert!(cli.told(&["completions", shell])?.contains("export"), "{shell}");
    }
    assert!(cli.told(&["man"])?.contains("larder\\-export(1)"));
    cli.told(&["man", "--folder", "man"])?;
    let page = std::fs::read_to_string(cli.home.path().join("man/larder-put.1"))?;
    assert!(page.contains("if\\-none\\-match"), "{page}");
    Ok(())
}
