//! The page from its template: one file, nothing to load.

use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig, value::Serde};

use super::content::content;
use crate::{
    charts::{ChartContext, Drawing},
    summary::Summary,
};

/// The name's ending makes the template engine escape everything.
const TEMPLATE: &str = "report.html";
/// Tables and charts.
const MACROS: &str = "macros.html";

/// The page as HTML; with a baseline, its figures stand beside the run's.
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

/// With one template, and the macros that all of them share.
pub(crate) fn environment(
    name: &'static str,
    template: &'static str,
) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    // A field that a template misspells is an error, not an empty place on the page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template(MACROS, include_str!("../../templates/macros.html"))?;
    environment.add_template(name, template)?;
    Ok(environment)
}
