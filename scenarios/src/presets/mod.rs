//! Presets: protocols of well-known servers as frames, ready to be named in a scenario.
//!
//! ```text
//! scenarios/presets/NAME.toml ─► Preset ─fill─► keys with values ─┐
//! [target] preset = "NAME"   ─► PresetChoice ──────────────────────┴─expand─► tree ─► sections
//! ```
//!
//! A preset holds keys of `[target]` and of `[[devices]]`, with placeholders for its own
//! parameters. They are put under the keys that a person wrote before the tree is read, so that
//! every rule sees one scenario, and what is written wins.
//!
//! A new preset is a file in `scenarios/presets/` and a line in [`registry`].
//!
//! - [`registry`]: all presets by name;
//! - [`preset`]: a preset, read from its file; [`summary`]: a preset as a list shows it;
//! - [`choice`]: the preset that a scenario names, with its parameters;
//! - [`fill`]: values in the place of parameters;
//! - [`expand`]: the keys of a preset under those of a scenario;
//! - [`address`]: path and query of a preset, for an address without them;
//! - [`starter`]: commented scenarios to begin with.

mod address;
mod choice;
mod expand;
mod fill;
mod preset;
mod registry;
mod starter;
mod summary;

pub(crate) use self::{
    choice::PresetChoice,
    expand::{expand, remove_choice},
};
pub use self::{registry::summaries, starter::starter, summary::PresetSummary};
