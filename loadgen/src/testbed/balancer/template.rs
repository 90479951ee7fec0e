//! Configurations from the templates in `deploy/`.

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

use super::super::TestbedError;

/// The template with its places filled in. A place without a value is an error.
pub(super) fn fill(template: &str, values: &impl Serialize) -> Result<String, TestbedError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    Ok(environment.render_str(template, Serde(values))?)
}
