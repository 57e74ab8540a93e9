//! Following changes.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use larder_tests::Larder;
use serde_json::Value;

use crate::{Cli, Tested, assert_failed};

#[tokio::test]
async fn it_tells_what_is_there_what_changes_and_from_where_to_go_on() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("w/");
    let prefix = prefix.as_str();
    let (a, b) = (format!("{prefix}a"), format!("{prefix}b"));
    cli.told(&["put", &a, "1"])?;

    let mut command = cli.command(&["watch", prefix, "--existing", "--json", "--limit", "2", "--include", "value"])?;
    let mut watch = command.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().expect("it is piped")).lines();
    let mut next = || -> anyhow::Result<Value> {
        let line = lines.next().ok_or_else(|| anyhow::anyhow!("it ended"))??;
        Ok(serde_json::from_str(&line)?)
    };
    let existing = next()?;
    assert_eq!((&existing["op"], &existing["id"]), (&"existing".into(), &a.as_str().into()));
    let cursor = next()?["cursor"].as_str().unwrap().to_owned();
    cli.told(&["put", &b, "2"])?;
    cli.told(&["rm", &a])?;
    let mut changes = Vec::new();
    while changes.len() < 2 {
        let line = next()?;
        if line.get("op").is_some() {
            changes.push(line);
        }
    }
    // What was there may be told once more: it was applied while the list was read.
    let ops: Vec<_> = changes.iter().map(|change| (change["op"].clone(), change["id"].clone())).collect();
    assert!(ops.contains(&("put".into(), b.as_str().into())), "{changes:?}");
    assert!(watch.wait()?.success());

    // From that point on, the same is told again.
    let told = cli.json(&["watch", prefix, "--from", &cursor, "--limit", "2"])?;
    let again: Vec<_> = told.iter().filter(|line| line.get("op").is_some()).collect();
    assert_eq!(again.len(), 2, "{told:?}");
    assert_eq!(again[0]["id"], b.as_str());
    assert_failed(&cli.run(&["watch", "--from", "nonsense"])?, 7, "invalid-cursor");
    Ok(())
}
