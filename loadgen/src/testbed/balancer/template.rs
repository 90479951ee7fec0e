//! Renders the templates in `deploy/`.

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

use super::super::TestbedError;

/// Renders a template with `values`.
pub(super) fn render(template: &str, values: &impl Serialize) -> Result<String, TestbedError> {
    let mut environment = Environment::new();
    // A misspelt name is an error. By default it would leave a gap in the configuration.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    Ok(environment.render_str(template, Serde(values))?)
}
