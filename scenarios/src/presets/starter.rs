//! Commented scenarios to begin with.

use super::{preset::Preset, registry};
use crate::{
    diagnostic::{Diagnostic, SourceSpan},
    text_layout::wrap,
    tree::{self, TomlTable},
};

/// A scenario for a server without a preset.
const PLAIN: &str = include_str!("starter/plain.toml");
/// The parts of a scenario around the keys of a preset.
const HEAD: &str = include_str!("starter/head.toml");
const POOL: &str = include_str!("starter/pool.toml");
const GATES: &str = include_str!("starter/gates.toml");

/// The address in [`PLAIN`].
const PLAIN_ADDRESS: &str = "ws://127.0.0.1:8080/ws";

/// Columns of a comment.
const WIDTH: usize = 90;

/// Returns a commented scenario for a server at `ws`, or at the address where such servers
/// listen by default.
///
/// # Errors
///
/// Fails when no preset has this name.
pub fn starter(preset: Option<&str>, ws: Option<&str>) -> Result<String, Diagnostic> {
    let Some(name) = preset else {
        return Ok(PLAIN.replace(PLAIN_ADDRESS, ws.unwrap_or(PLAIN_ADDRESS)));
    };
    let preset = registry::find(name, &SourceSpan::FILE).ok_or_else(|| registry::unknown(name))?;
    let target = target(&preset, ws);
    // The keys with the defaults of the parameters, as a person would write them.
    let keys = preset.fill(&[]);
    let (target_keys, pool_keys) = (shadowed(&keys.target), shadowed(&keys.devices));
    Ok(format!(
        "{}{target}{target_keys}\n{}{pool_keys}\n{GATES}",
        HEAD.replace("NAME", &name.replace('.', "-")),
        POOL,
    ))
}

/// Returns the table of the target, with a line for each parameter.
fn target(preset: &Preset, ws: Option<&str>) -> String {
    let address = ws.unwrap_or(&preset.address);
    let path = &preset.path;
    let about = comment(&preset.about);
    let mut text = format!(
        "\n[target]\n# The path {path} is added to an address without one.\nws = {address:?}\n\
         # headers = {{ Authorization = \"Bearer ${{TOKEN}}\", Origin = \"https://app.example\" }}\n\
         \n{about}[target.preset]\nname = {:?}\n",
        preset.name
    );
    for parameter in &preset.parameters {
        let mut about = parameter.about.clone();
        if parameter.is_secret {
            about.push_str("; write it as ${NAME}, and set NAME in the environment");
        }
        text.push_str(&comment(&about));
        let mut line = TomlTable::default();
        let value = tree::text_item(&parameter.default, &SourceSpan::FILE);
        line.insert(&parameter.name, value);
        text.push_str(&tree::write_keys(&line));
    }
    text
}

/// Returns the keys that a preset adds, as comments: each shows what a person may replace.
fn shadowed(keys: &TomlTable) -> String {
    let keys = tree::write_keys(keys);
    if keys.is_empty() {
        return String::new();
    }
    let lines = keys.lines().map(|line| format!("# {line}\n"));
    let note = "# The preset adds these keys here. One that is written takes its place:\n";
    note.to_owned() + &lines.collect::<String>()
}

fn comment(text: &str) -> String {
    let lines = wrap(text, WIDTH).into_iter();
    lines.map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{expand, parse, presets::summaries};

    #[test]
    fn scenario_of_every_preset_is_valid_with_and_without_an_address() {
        for preset in summaries() {
            for ws in [None, Some("wss://chat.example/x?device={device}")] {
                let text = starter(Some(preset.name), ws).unwrap();
                let plan = parse(preset.name, &text, &[]);
                let plan = plan.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
                assert_eq!(plan.sockets(), 100);
            }
        }
        for ws in [None, Some("ws://10.0.0.1/live")] {
            let text = starter(None, ws).unwrap();
            parse("plain", &text, &[]).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        }
    }

    #[test]
    fn expanded_scenario_has_the_same_plan() {
        for preset in summaries() {
            let text = starter(Some(preset.name), None).unwrap();
            let mut plan = parse("a", &text, &[]).unwrap();
            let expanded = expand("a", &text, &[]).unwrap();
            let own = parse("b", &expanded, &[]);
            let own = own.unwrap_or_else(|problems| panic!("{problems}\n{expanded}"));
            if let crate::plan::SystemSpec::Target(target) = &mut plan.system {
                assert_eq!(target.preset.take().as_deref(), Some(preset.name));
            }
            assert_eq!(own, plan, "{expanded}");
        }
    }

    /// A parameter that no key uses would change nothing.
    #[test]
    fn every_parameter_changes_the_plan() {
        for preset in summaries() {
            for (parameter, default, _) in &preset.parameters {
                let written = match parameter.as_str() {
                    "watch" => "7s",
                    _ => "of-{device}",
                };
                assert_ne!(written, default, "{} {parameter}", preset.name);
                let text = starter(Some(preset.name), None).unwrap();
                let set = |name: &str, value: &str| format!("target.preset.{name}={value:?}");
                // A parameter of an optional step shows only with the step.
                let all = preset
                    .parameters
                    .iter()
                    .filter(|(name, ..)| name != parameter);
                let mut sets: Vec<String> = all
                    .filter(|(_, default, _)| default.is_empty())
                    .map(|(name, ..)| set(name, "{n}"))
                    .collect();
                let before = expand("a", &text, &sets).unwrap();
                sets.push(set(parameter, written));
                let after = expand("a", &text, &sets).unwrap();
                assert_ne!(before, after, "{} {parameter}", preset.name);
            }
        }
    }
}
