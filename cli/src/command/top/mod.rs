//! `larder top`: what `status` tells, live.
//!
//! Each second it asks, takes the difference to the second before (`sample.rs`), and draws (`screen.rs`).

mod sample;
mod screen;

use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

use clap::Args;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use self::sample::{Sampler, View};
use crate::failure::Failure;
use crate::settings::Settings;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub struct Top {}

impl Top {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        if !stdout().is_terminal() {
            let why = "this draws on a terminal; for a program there is `larder status --json`";
            return Err(Failure::Usage(why.to_owned()).into());
        }
        let place = settings.place()?;
        // A look that fails is told at once; the next one comes in a second.
        let client = crate::client::Client::new(&place.url, place.token.as_ref(), 0)?;
        let mut sampler = Sampler::new(place.described(), client, place.admin(0)?);
        let mut keys = keys();
        // It also restores the terminal when something panics.
        let mut terminal = ratatui::try_init()?;
        let shown = show(&mut terminal, &mut sampler, &mut keys).await;
        ratatui::restore();
        shown
    }
}

async fn show(
    terminal: &mut ratatui::DefaultTerminal,
    sampler: &mut Sampler,
    keys: &mut mpsc::UnboundedReceiver<Key>,
) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut stop = std::pin::pin!(stopped());
    let mut view = View::default();
    loop {
        terminal.draw(|frame| screen::draw(frame, &view))?;
        tokio::select! {
            _ = ticks.tick() => view = sampler.look().await,
            key = keys.recv() => match key {
                Some(Key::Redraw) => {}
                Some(Key::Quit) | None => return Ok(()),
            },
            stopped = &mut stop => return stopped,
        }
    }
}

enum Key {
    Quit,
    Redraw,
}

/// Reads the keys in a thread of its own, which ends with the process.
fn keys() -> mpsc::UnboundedReceiver<Key> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let key = match event {
                Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
                    KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
                    _ => continue,
                },
                Event::Resize(..) => Key::Redraw,
                _ => continue,
            };
            if sender.send(key).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Until somebody ends it from outside: the terminal is restored then too.
#[cfg(unix)]
async fn stopped() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut hangup, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stopped() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
