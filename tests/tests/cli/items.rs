//! One item: put, get, rm, cp, edit.

use larder_tests::Larder;

use crate::{Cli, Ran, Tested, assert_failed};

#[tokio::test]
async fn what_is_put_is_got_byte_for_byte() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let id = larder.id("a b/ü?#%");
    let id = id.as_str();
    let out = cli.told(&["put", id, "Hello", "--ttl", "1h", "--metadata", "owner=ada"])?;
    assert!(out.starts_with(&format!("{id} created, revision ")), "{out}");
    assert_eq!(cli.told(&["get", id])?, "Hello");

    let item = &cli.json(&["get", id])?[0];
    assert_eq!((&item["value"], &item["meta"]["owner"]), (&"Hello".into(), &"ada".into()));
    assert_eq!(item["content_type"], "text/plain; charset=utf-8");
    let head = cli.told(&["get", id, "--head"])?;
    assert!(head.contains("owner: ada") && head.contains("expires   20"), "{head}");

    // Any bytes, from a file and from stdin, into a file and into a pipe.
    let bytes: Vec<u8> = (0..=255).collect();
    let path = cli.file("a.json", &bytes)?;
    cli.told(&["put", id, &format!("@{path}")])?;
    assert_eq!(cli.json(&["get", id, "--head"])?[0]["content_type"], "application/json");
    cli.told(&["get", id, "-o", "copy"])?;
    assert_eq!(std::fs::read(cli.home.path().join("copy"))?, bytes);
    let ran = cli.run_with(&["put", id, "-", "--type", "image/png"], &[], &bytes[1..])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let got = cli.command(&["get", id])?.output()?;
    assert_eq!(got.stdout, bytes[1..]);
    assert!(cli.json(&["get", id])?[0]["value_base64"].is_string());
    Ok(())
}

#[tokio::test]
async fn conditions_decide_and_say_so_by_the_exit_code() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let id = larder.id("cas");
    let id = id.as_str();
    assert_failed(&cli.run(&["get", id])?, 1, "There is no item");
    assert_failed(&cli.run(&["put", id, "x", "--if-match", "*"])?, 3, "The item is not there");
    let first = cli.json(&["put", id, "1", "--if-none-match"])?[0].clone();
    assert_eq!(first["outcome"], "created");
    let first = first["revision"].as_str().unwrap();
    let conflict = cli.run(&["put", id, "2", "--if-none-match"])?;
    assert_failed(&conflict, 3, first);
    assert!(conflict.error.contains("read the item again"), "{conflict:?}");
    let second = cli.json(&["put", id, "2", "--if-match", first])?[0]["revision"].as_str().unwrap().to_owned();
    assert_failed(&cli.run(&["rm", id, "--if-match", first])?, 3, &second);
    assert_eq!(cli.told(&["get", id, "--min-revision", &second])?, "2");
    cli.told(&["rm", id, "--if-match", &second])?;
    assert_failed(&cli.run(&["rm", id, "--if-match", "*"])?, 3, "not there");
    // Without a condition, that there is nothing is no failure.
    cli.told(&["rm", id])?;
    Ok(())
}

#[tokio::test]
async fn a_copy_has_all_that_belongs_to_the_item() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let (from, to) = (larder.id("from"), larder.id("to"));
    let (from, to) = (from.as_str(), to.as_str());
    cli.told(&["put", from, "{}", "--type", "application/json", "--ttl", "1h", "--metadata", "a=b"])?;
    cli.told(&["cp", from, to, "--if-none-match"])?;
    let copy = &cli.json(&["get", to])?[0];
    assert_eq!((&copy["content_type"], &copy["meta"]["a"]), (&"application/json".into(), &"b".into()));
    assert!(copy["expires"].is_string(), "{copy}");
    assert_failed(&cli.run(&["cp", from, to, "--if-none-match"])?, 3, "412");
    assert_failed(&cli.run(&["cp", &format!("{from}/none"), to])?, 1, "There is no item");
    Ok(())
}

fn edit(cli: &Cli, id: &str, editor: &str) -> anyhow::Result<Ran> {
    cli.run_with(&["edit", id], &[("EDITOR", editor.as_ref())], b"")
}

#[tokio::test]
async fn an_edit_is_stored_unless_somebody_else_was_faster() -> Tested {
    let larder = Larder::start().await?;
    let cli = Cli::of(&larder)?;
    let id = larder.id("edited");
    let id = id.as_str();
    cli.told(&["put", id, "one\ntwo\n", "--metadata", "a=b", "--type", "text/css"])?;
    let ran = edit(&cli, id, "sed -i s/two/2/")?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(cli.told(&["get", id])?, "one\n2\n");
    let item = &cli.json(&["get", id])?[0];
    assert_eq!((&item["content_type"], &item["meta"]["a"]), (&"text/css".into(), &"b".into()));

    let ran = edit(&cli, id, "true")?;
    assert!(ran.code == Some(0) && ran.error.contains("Nothing has changed"), "{ran:?}");
    assert_failed(&edit(&cli, id, "false")?, 7, "nothing is stored");

    // While the editor is open, somebody else stores another text.
    let larder_itself = larder_system::built("larder")?;
    let editor = cli.file(
        "editor.sh",
        format!("{} put {id} 'one\nzwei\n' >&2\nsed -i s/2/TWO/ \"$1\"\n", larder_itself.display()),
    )?;
    let ran = edit(&cli, id, &format!("sh {editor}"))?;
    assert_failed(&ran, 3, "-zwei");
    assert!(ran.error.contains("+TWO"), "{ran:?}");
    assert_eq!(cli.told(&["get", id])?, "one\nzwei\n");
    let path = ran.error.split_whitespace().find(|word| word.contains("larder-") && word.contains(".css"));
    let path = path.unwrap().trim_end_matches(':');
    assert_eq!(std::fs::read_to_string(path)?, "one\nTWO\n");
    std::fs::remove_file(path)?;

    // One that is not there is made.
    let new = format!("{id}/new");
    let write = cli.file("write.sh", "printf new > \"$1\"")?;
    assert_eq!(edit(&cli, &new, &format!("sh {write}"))?.code, Some(0));
    assert_eq!(cli.told(&["get", &new])?, "new");
    Ok(())
}
