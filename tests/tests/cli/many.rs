//! Many items: ls, rm --prefix, export, import, diff, bench.

use std::process::Stdio;
use std::time::{Duration, Instant};

use larder_system::System;
use larder_tests::Larder;
use serde_json::{Value, json};

use crate::{Cli, Tested, assert_failed};

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// An import of `count` items with this prefix.
fn items(prefix: &str, count: usize, value: &str) -> String {
    (0..count).map(|n| line(&format!("{prefix}{n:05}"), &format!("{value}{n}"))).collect()
}

fn line(id: &str, value: &str) -> String {
    let item = json!({"id": id, "value": value, "content_type": "text/plain", "revision": "0-1-0",
        "modified": "2026-11-25T00:00:00Z", "meta": {"n": "1"}});
    format!("{item}\n")
}

#[tokio::test]
async fn a_listing_is_ids_a_table_folders_or_a_tree() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("ls/");
    let prefix = prefix.as_str();
    for (id, value) in [("a", "12345"), ("fruit/apple", "x"), ("fruit/citrus/lime", "y")] {
        cli.told(&["put", &format!("{prefix}{id}"), value, "--ttl", "1h"])?;
    }
    let all: Vec<_> = ["a", "fruit/apple", "fruit/citrus/lime"].iter().map(|id| format!("{prefix}{id}")).collect();
    assert_eq!(lines(&cli.told(&["ls", prefix])?), all);
    assert_eq!(lines(&cli.told(&["ls", prefix, "--keys-only", "--limit", "2"])?), all[..2]);
    let folders = cli.told(&["ls", prefix, "--delimiter", "/"])?;
    assert_eq!(lines(&folders), [all[0].clone(), format!("{prefix}fruit/")]);
    let table = cli.told(&["ls", "-l", prefix, "--delimiter", "/"])?;
    assert!(table.contains("5 B") && table.contains("in 59m") && table.contains("text/plain"), "{table}");
    let tree = cli.told(&["ls", "--tree", prefix])?;
    assert!(tree.contains("fruit/\n") && tree.contains("  lime\n") && tree.matches("citrus/").count() == 1, "{tree}");
    let listed = cli.json(&["ls", prefix])?;
    assert_eq!((&listed[0]["id"], &listed[0]["size"]), (&all[0].clone().into(), &5.into()));
    assert_eq!(cli.json(&["ls", prefix, "--keys-only"])?[1], all[1].as_str());

    // Whoever reads only the first line is not told that this is an error.
    let mut head = cli.command(&["ls", prefix])?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(head.stdout.take());
    let output = head.wait_with_output()?;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn a_prefix_is_removed_by_those_who_mean_it() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("rm/");
    let prefix = prefix.as_str();
    let file = cli.file("items.ndjson", items(prefix, 1_200, "v"))?;
    cli.told(&["import", &file])?;
    let dry = cli.run(&["rm", "--prefix", prefix, "--dry-run"])?;
    assert!(dry.code == Some(0) && dry.error.contains("1200 items in the store http://"), "{dry:?}");
    assert!(dry.error.contains("… and 1190 more"), "{dry:?}");
    assert_failed(&cli.run(&["rm", "--prefix", prefix])?, 2, "needs --yes");
    assert_failed(&cli.run(&["rm", "--prefix", prefix, "--yes", "--read-only"])?, 4, "read-only");
    assert_eq!(lines(&cli.told(&["ls", prefix])?).len(), 1_200);
    let all_but_one = format!("{prefix}0");
    assert_eq!(cli.told(&["rm", "--prefix", &all_but_one, "--yes"])?, "1200 deleted\n");
    assert_eq!(cli.told(&["ls", prefix])?, "");
    Ok(())
}

#[tokio::test]
async fn what_is_exported_is_imported_with_all_that_belongs_to_it() -> Tested {
    let Some(from) = Larder::own(System::builder()).await? else { return Ok(()) };
    let Some(to) = Larder::own(System::builder()).await? else { return Ok(()) };
    let (from, to) = (Cli::of(&from)?, Cli::of(&to)?);
    let bytes: Vec<u8> = (0..=255).collect();
    let value = from.file("bytes", &bytes)?;
    from.told(&["put", "a/bytes", &format!("@{value}"), "--type", "image/png", "--metadata", "owner=ada"])?;
    from.told(&["put", "a/text", "{\"a\": 1}", "--type", "application/json", "--ttl", "1h"])?;
    from.told(&["put", "a/short", "x", "--ttl", "1s"])?;
    from.told(&["put", "b", "elsewhere"])?;
    let export = from.home.path().join("export.ndjson").display().to_string();
    from.told(&["export", "a/", "-o", &export])?;
    assert_failed(&from.run(&["export", "a/", "-o", &export])?, 2, "is there already");
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    assert_failed(&to.run(&["diff", &export])?, 1, "3 differ");
    assert_eq!(to.told(&["import", &export])?, "2 stored, 1 have ended meanwhile\n");
    let item = &to.json(&["get", "a/bytes"])?[0];
    assert_eq!((&item["content_type"], &item["meta"]["owner"]), (&"image/png".into(), &"ada".into()));
    assert_eq!(to.command(&["get", "a/bytes"])?.output()?.stdout, bytes);
    let item = &to.json(&["get", "a/text"])?[0];
    assert_eq!((&item["value"], &item["content_type"]), (&"{\"a\": 1}".into(), &"application/json".into()));
    assert!(item["expires"].is_string(), "{item}");
    assert_eq!(
        to.told(&["import", &export, "--new-only"])?,
        "0 stored, 2 were there already, 1 have ended meanwhile\n"
    );

    // By stdin, and to the other store; then both are the same, but for what is changed.
    assert_eq!(to.told(&["diff", &from.url, "--prefix", "a/"])?, "");
    to.told(&["put", "a/text", "other", "--type", "application/json"])?;
    to.told(&["put", "a/new", "x"])?;
    to.told(&["rm", "a/bytes"])?;
    let differ = to.run(&["diff", &from.url, "--prefix", "a/"])?;
    assert_failed(&differ, 1, "3 differ");
    assert_eq!(differ.out, "- a/bytes\n+ a/new\n~ a/text  (value, end)\n");
    let text = from.told(&["export", "b"])?;
    let ran = to.run_with(&["import", "-"], &[], text.as_bytes())?;
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "1 stored\n"), "{ran:?}");
    assert_eq!(to.told(&["get", "b"])?, "elsewhere");
    Ok(())
}

#[tokio::test]
async fn an_export_that_was_cut_goes_on_and_ends_like_a_whole_one() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("e/");
    let prefix = prefix.as_str();
    let file = cli.file("items.ndjson", items(prefix, 1_000, "v"))?;
    cli.told(&["import", &file])?;
    let export = cli.home.path().join("export");
    let name = export.display().to_string();
    cli.told(&["export", prefix, "-o", &name])?;
    let whole = std::fs::read(&export)?;
    let ids = |bytes: &[u8]| -> anyhow::Result<Vec<String>> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines: Vec<Value> = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        Ok(lines.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect())
    };
    assert_eq!(ids(&whole)?.len(), 1_000);
    for cut in [whole.len() / 2, whole.len() - 3, 20] {
        std::fs::write(&export, &whole[..cut])?;
        // What is in it is imported, and that it is not all is said.
        if cut > 100 {
            assert_failed(&cli.run(&["import", &name, "--restart"])?, 6, "the export is not complete");
        }
        cli.told(&["export", prefix, "-o", &name, "--resume"])?;
        assert_eq!(ids(&std::fs::read(&export)?)?, ids(&whole)?, "cut at {cut}");
    }
    let other = format!("{prefix}0");
    assert_failed(&cli.run(&["export", &other, "-o", &name, "--resume"])?, 2, "is an export of");
    assert_failed(&cli.run(&["export", prefix, "-o", &file, "--resume"])?, 2, "no export");
    Ok(())
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_where_it_was() -> Tested {
    const COUNT: usize = 20_000;
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let prefix = larder.id("i/");
    let prefix = prefix.as_str();
    let value = "v".repeat(300);
    let mut text = items(prefix, COUNT, &value);
    // The same id once more, at the end: the later one counts.
    let first = format!("{prefix}00000");
    text += &line(&first, "last");
    let file = cli.file("items.ndjson", text)?;
    let state = cli.home.path().join("items.ndjson.larder-import");
    let mut import = cli.command(&["import", &file])?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let start = Instant::now();
    while !state.exists() {
        anyhow::ensure!(import.try_wait()?.is_none() && start.elapsed() < Duration::from_secs(30), "it ended too soon");
        std::thread::sleep(Duration::from_millis(1));
    }
    import.kill()?;
    import.wait()?;
    let there = lines(&cli.told(&["ls", prefix])?).len();
    assert!((1..COUNT).contains(&there), "{there} are there after the kill");

    assert_failed(&cli.run(&["import", &file, "--prefix", "x"])?, 2, "--restart begins anew");
    let ran = cli.run(&["import", &file])?;
    assert!(ran.code == Some(0) && ran.error.contains("goes on at byte"), "{ran:?}");
    let stored: usize = ran.out.split(' ').next().unwrap().parse()?;
    assert!(stored <= COUNT, "it began anew: {stored}");
    assert!(!state.exists());
    assert_eq!(lines(&cli.told(&["ls", prefix])?).len(), COUNT);
    assert_eq!(cli.told(&["get", &first])?, "last");
    assert_eq!(cli.told(&["get", &format!("{prefix}19999")])?, format!("{value}19999"));
    cli.told(&["rm", "--prefix", prefix, "--yes"])?;
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_stored_is_told_and_keeps_nothing_else_out() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let id = larder.id("bad/");
    let id = id.as_str();
    let large = "x".repeat(2 << 20);
    let text = [
        line(&format!("{id}a"), "1"),
        line(&format!("{id}\u{1b}[2J"), "2"),
        line(&format!("{id}large"), &large),
        line(&format!("{id}z"), "3"),
    ];
    let file = cli.file("items.ndjson", text.concat())?;
    let ran = cli.run(&["import", &file])?;
    assert_failed(&ran, 6, "2 items are not stored");
    assert!(
        ran.out == "2 stored\n" && !ran.error.contains('\u{1b}') && ran.error.contains("value-too-large"),
        "{ran:?}"
    );
    assert_eq!(cli.told(&["get", &format!("{id}z")])?, "3");

    let file = cli.file("broken.ndjson", [&line(&format!("{id}b"), "1"), "{\"id\": 1}\n"].concat())?;
    assert_failed(&cli.run(&["import", &file])?, 7, "line 2");
    Ok(())
}

#[tokio::test]
async fn a_bench_measures_and_leaves_nothing() -> Tested {
    let Some(larder) = Larder::own(System::builder()).await? else { return Ok(()) };
    let cli = Cli::of(&larder)?;
    let measured = cli.json(&["bench", "--seconds", "1", "--clients", "4"])?;
    assert_eq!(measured.len(), 3);
    for measured in &measured {
        assert!(measured["per_second"].as_f64() > Some(1.0) && measured["failed"] == 0, "{measured}");
        assert!(measured["p50_ms"].as_f64() <= measured["p99_ms"].as_f64(), "{measured}");
    }
    assert_eq!(cli.told(&["ls"])?, "");
    assert_failed(&cli.run(&["bench", "--read-only"])?, 4, "read-only");
    Ok(())
}
