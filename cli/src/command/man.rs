//! `larder man`.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_mangen::Man as Page;

use crate::cli::Cli;

#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command into this folder, in place of one to stdout.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Man {
    pub fn run(self) -> anyhow::Result<()> {
        if let Some(folder) = self.folder {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            return clap_mangen::generate_to(Cli::command(), &folder)
                .with_context(|| format!("cannot write into {}", folder.display()));
        }
        let mut page = Vec::new();
        Page::new(Cli::command()).render(&mut page)?;
        Ok(io::stdout().write_all(&page)?)
    }
}
