//! `highwater init`.

use std::{fs::File, io::Write, path::PathBuf};

use anyhow::anyhow;
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use highwater_scenarios::presets;

use crate::{exit::Exit, failure::CliFailure, output::print};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater init --ws ws://127.0.0.1:8080/ws --output ours.toml
  highwater init --preset phoenix --output chat.toml
      A commented scenario for a server of yours; `highwater try` is next.
  highwater init --preset socket.io
      On standard output.

Nothing is started, and no question is asked.")]
pub(crate) struct InitArgs {
    /// Protocol of the server
    #[arg(long, value_name = "NAME", value_parser = preset_names())]
    pub(crate) preset: Option<String>,
    /// WebSocket address of the server
    ///
    /// A path that the preset needs is added when the scenario is read.
    #[arg(long, value_name = "URL")]
    pub(crate) ws: Option<String>,
    /// File to write [default: standard output]
    ///
    /// A file that exists is never replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Writes a commented scenario for a server that is not the reference cluster.
pub(crate) fn execute(args: &InitArgs) -> Result<Exit, CliFailure> {
    let text = presets::starter(args.preset.as_deref(), args.ws.as_deref())
        .map_err(|diagnostic| CliFailure::new(Exit::Usage, anyhow!("{diagnostic}")))?;
    // The address is the only part that may be invalid.
    if let Err(problems) = highwater_scenarios::parse("the new scenario", &text, &[]) {
        let failure = CliFailure::new(Exit::Usage, anyhow!("cannot use --ws:\n{problems}"));
        return Err(failure);
    }
    let Some(path) = &args.output else {
        print(&text)?;
        return Ok(Exit::Passed);
    };
    // Never over a file: it may be somebody's scenario.
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CliFailure::path("write the scenario", path, error))?;
    let path = path.display();
    print(&format!("scenario  {path}\nnext      highwater try {path}"))?;
    Ok(Exit::Passed)
}

fn preset_names() -> PossibleValuesParser {
    let presets = presets::summaries().into_iter();
    PossibleValuesParser::new(
        presets.map(|preset| PossibleValue::new(preset.name).help(preset.about)),
    )
}
