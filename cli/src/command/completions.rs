//! `larder completions`.

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::cli::Cli;

#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "larder", &mut script);
        Ok(io::Write::write_all(&mut io::stdout(), &script)?)
    }
}
