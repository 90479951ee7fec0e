//! The page from its template: one file without external resources.

use highwater_types::format::visible;
use minijinja::{
    Environment, UndefinedBehavior, Value, context, escape_formatter, syntax::SyntaxConfig,
    value::Serde,
};

use super::content::content;
use crate::{
    charts::{ChartContext, Drawing},
    summary::Summary,
};

/// Name of the template. Its ending makes the template engine escape every value.
const TEMPLATE: &str = "report.html";
/// Name of the template of tables and charts.
const MACROS: &str = "macros.html";

/// Renders the page as HTML. With a baseline, its metrics stand beside those of the run.
pub(crate) fn page(
    context: &ChartContext,
    summary: &Summary,
    baseline: Option<&Summary>,
    drawings: &[Drawing],
) -> Result<String, minijinja::Error> {
    let environment = environment(TEMPLATE, include_str!("../../templates/report.html"))?;
    let template = environment.get_template(TEMPLATE)?;
    let content = content(context, summary, baseline, drawings)?;
    template.render(context! { page => Serde(&content) })
}

/// Creates an environment with one template and the macros that all templates share.
pub(crate) fn environment(
    name: &'static str,
    template: &'static str,
) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    // Without this, every tag of the template would leave an empty line in the page.
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    // A field that a template misspells is an error, not an empty place on the page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Values may come from files, servers and logs.
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(visible(text).into_owned()))
        }
        _ => escape_formatter(out, state, value),
    });
    environment.add_template(MACROS, include_str!("../../templates/macros.html"))?;
    environment.add_template(name, template)?;
    Ok(environment)
}
