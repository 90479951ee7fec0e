//! Problems of a scenario, each with its place, the value found, what is expected and a hint.
//!
//! ```text
//! value types, rules ─► Diagnostic ─► DiagnosticSink ─► Diagnostics
//!                       (message)     (with its span)   (with line, column and excerpt)
//! ```
//!
//! - [`message`]: a problem in words;
//! - [`span`]: places before lines are counted;
//! - [`sink`]: the list that every level adds to;
//! - [`located`]: the finished list, and its text for a terminal;
//! - [`excerpt`]: the line of the file that a problem is on.

mod excerpt;
mod located;
mod message;
mod sink;
mod span;

pub use self::{
    excerpt::Excerpt,
    located::{Diagnostics, LocatedDiagnostic, Location},
    message::Diagnostic,
};
pub(crate) use self::{
    sink::DiagnosticSink,
    span::{SourceSpan, ValueLocation},
};
