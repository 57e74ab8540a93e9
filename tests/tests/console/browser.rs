//! A real Chromium, headless, and what a person does with a page in it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use larder_system::{Port, workspace_root};
use larder_tests::{Larder, eventually};
use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};
use tokio::process::{Child, Command};

use crate::Tested;

/// A tab with the console.
pub struct Page {
    pub driver: WebDriver,
    /// Where downloads go.
    pub folder: tempfile::TempDir,
    _process: Child,
}

/// Opens the console in a browser of its own, and does `test` there. Afterwards the browser has complained of
/// nothing: no error in a script, nothing blocked by the policy, nothing that failed to load.
pub async fn browse(larder: &Larder, test: impl AsyncFnOnce(&Page) -> Tested) -> Tested {
    let page = Page::open().await?;
    page.go(larder, "").await?;
    let mut result = test(&page).await;
    if result.is_err() {
        let (text, complaints) = (page.text().await?, page.complaints().await?.join("\n"));
        let _ = page.picture_into(workspace_root().join("target/console"), "failed").await;
        result = result.with_context(|| format!("the page is:\n{text}\nand the browser says:\n{complaints}"));
    } else {
        let complaints = page.complaints().await?;
        result = if complaints.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("{complaints:?}")) };
    }
    page.driver.clone().quit().await?;
    result
}

impl Page {
    async fn open() -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={}", port.number())).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.kill_on_drop(true).spawn().context("no chromedriver: run local/setup.sh test")?;
        let mut capabilities = ChromeCapabilities::new();
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        // Root has no sandbox to start in, and /dev/shm is small in a container.
        for argument in
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1360,860"]
        {
            capabilities.add_arg(argument)?;
        }
        let url = format!("http://127.0.0.1:{}", port.number());
        let driver =
            eventually("the browser starts", async || Ok(WebDriver::new(&url, capabilities.clone()).await?)).await?;
        let folder = tempfile::tempdir()?;
        let downloads = json!({"behavior": "allow", "downloadPath": folder.path()});
        driver.cdp().send_raw("Browser.setDownloadBehavior", downloads).await?;
        Ok(Self { driver, folder, _process: process })
    }

    /// Goes to a place of the console: the fragment of its address.
    pub async fn go(&self, larder: &Larder, place: &str) -> Tested {
        Ok(self.driver.goto(format!("{}/console#{place}", larder.base())).await?)
    }

    /// What a script returns.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.driver.execute(script, arguments).await?.json().clone())
    }

    /// What can be read on the page.
    pub async fn text(&self) -> anyhow::Result<String> {
        let text = self.run("return document.body.innerText", vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until something visible that a selector matches has a text in it.
    pub async fn see(&self, selector: &str, text: &str) -> Tested {
        let script = "return [...document.querySelectorAll(arguments[0])]
            .some((one) => one.checkVisibility() && (one.innerText.includes(arguments[1]) || one.value?.includes?.(arguments[1])))";
        eventually("the page shows it", async || {
            let seen = self.run(script, vec![json!(selector), json!(text)]).await?;
            ensure!(seen == true, "no {selector} with \"{text}\"");
            tokio::time::sleep(Duration::ZERO).await;
            Ok(())
        })
        .await
    }

    /// Waits until nothing that a selector matches has a text in it.
    pub async fn see_no(&self, selector: &str, text: &str) -> Tested {
        let script =
            "return [...document.querySelectorAll(arguments[0])].some((one) => one.innerText.includes(arguments[1]))";
        eventually("it is gone", async || {
            let seen = self.run(script, vec![json!(selector), json!(text)]).await?;
            ensure!(seen == false, "there is {selector} with \"{text}\"");
            Ok(())
        })
        .await
    }

    /// Presses a button, or follows a link, with this name.
    pub async fn press(&self, name: &str) -> Tested {
        let path = format!(
            "(//dialog[@open]//button[normalize-space()='{name}'] | //button[normalize-space()='{name}'] | //a[normalize-space()='{name}'] | //summary[normalize-space()='{name}'] | //label[normalize-space()='{name}'])"
        );
        eventually("it can be pressed", async || {
            for found in self.driver.find_all(By::XPath(&path)).await? {
                if found.is_displayed().await? && found.is_enabled().await? {
                    return Ok(found.click().await?);
                }
            }
            anyhow::bail!("nothing is called \"{name}\"")
        })
        .await
    }

    /// Types keys, to whatever has the focus.
    pub async fn keys(&self, keys: impl Into<TypingData>) -> Tested {
        Ok(self.driver.action_chain().send_keys(keys).perform().await?)
    }

    /// Gives the field with this label a text, in place of what it has.
    pub async fn fill(&self, label: &str, text: &str) -> Tested {
        let field = self.field(label).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// The control with this label.
    pub async fn field(&self, label: &str) -> anyhow::Result<WebElement> {
        let path = format!("//*[@id=//label[normalize-space()='{label}']/@for]");
        eventually("there is such a field", async || Ok(self.driver.find(By::XPath(&path)).await?)).await
    }

    /// What the browser complains of: errors of scripts, of the policy, of loading. That a request was refused is no
    /// complaint; the page says so.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.driver.browser_log().await?;
        let all = entries.into_iter().filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING");
        Ok(all
            .map(|entry| entry.message)
            .filter(|text| !text.contains("the server responded with a status of"))
            .collect())
    }

    /// Lets axe-core check what is on the page: WCAG 2.2 AA, and its best practices.
    pub async fn accessible(&self, what: &str) -> Tested {
        let file = workspace_root().join("target/axe/axe.min.js");
        let axe = std::fs::read_to_string(&file).with_context(|| format!("no {}: run make {0}", file.display()))?;
        self.driver.execute(axe, vec![]).await?;
        let script = "const done = arguments[0]; axe.run().then(({violations, passes}) => done({passes: passes.length,
            violations: violations.map(({id, help, nodes}) => [id, help, nodes.map(({html, any}) => [html, any.map(({message}) => message)])])}),
            (error) => done(String(error)))";
        let found = self.driver.execute_async(script, vec![]).await?.json().clone();
        ensure!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "{what}: axe did not run: {found}");
        ensure!(found["violations"] == json!([]), "{what}: {:#}", found["violations"]);
        Ok(())
    }

    /// Dark or light, as a system would have it, and the size of the window.
    pub async fn look(&self, scheme: &str, width: u32, height: u32) -> Tested {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await?;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    /// Takes a picture of the page: for the documentation where `LARDER_PICTURES` is set, else into target/.
    pub async fn picture(&self, name: &str) -> Tested {
        let folder = if std::env::var_os("LARDER_PICTURES").is_some() { "docs/console" } else { "target/console" };
        self.picture_into(workspace_root().join(folder), name).await
    }

    async fn picture_into(&self, folder: PathBuf, name: &str) -> Tested {
        std::fs::create_dir_all(&folder)?;
        Ok(self.driver.screenshot(&folder.join(name).with_extension("png")).await?)
    }
}
