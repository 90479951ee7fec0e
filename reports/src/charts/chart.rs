//! A chart as data: what is drawn, not how.

use highwater_scenarios::figures::Unit;

/// A point in the chart's own units.
pub(crate) type Point = (f64, f64);

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// Stem of its file: `sockets`.
    pub(crate) name: &'static str,
    /// What it shows, in a few words.
    pub(crate) title: &'static str,
    /// How to read it, in a sentence.
    pub(crate) about: String,
    /// What runs from left to right.
    pub(crate) x: XAxis,
    /// What runs upwards.
    pub(crate) y: YAxis,
    /// What is drawn, the first at the bottom.
    pub(crate) series: Vec<Series>,
}

/// What runs from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Seconds on the run's clock, with its phases and events.
    Time,
    /// log10(1 / (1 − p)), labelled with the percentile p.
    Percentile,
    /// A number of sockets.
    Sockets,
}

/// What runs upwards, from 0 or over powers of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct YAxis {
    /// What it is counted in.
    pub(crate) unit: Unit,
    /// How it is spaced.
    pub(crate) spacing: Spacing,
}

/// How an axis is spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// Evenly, from 0.
    Linear,
    /// By powers of ten.
    Logarithmic,
}

/// One thing drawn, with its entry in the legend.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// In the legend; empty for none.
    pub(crate) label: String,
    /// From the theme.
    pub(crate) colour: Colour,
    /// What is drawn.
    pub(crate) shape: Shape,
}

/// What a series looks like. Pieces of lines are apart where nothing was
/// measured.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Line(Vec<Vec<Point>>),
    Dashed(Vec<Vec<Point>>),
    Dots(Vec<Point>),
    /// x, lower and upper edge.
    Band(Vec<Vec<(f64, f64, f64)>>),
}

/// A colour of the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// The n-th series, from 0; they repeat.
    Series(usize),
    /// Text and what must stand out.
    Ink,
    /// Labels of axes, marks of events.
    Muted,
    /// Lines of the grid.
    Grid,
    /// Bands of phases.
    Phase,
}

impl YAxis {
    pub(crate) fn linear(unit: Unit) -> Self {
        Self {
            unit,
            spacing: Spacing::Linear,
        }
    }

    /// Times, which range from tenths of a millisecond to seconds.
    pub(crate) fn times() -> Self {
        Self {
            unit: Unit::Millis,
            spacing: Spacing::Logarithmic,
        }
    }
}

impl Series {
    pub(crate) fn line(label: impl Into<String>, colour: Colour, pieces: Vec<Vec<Point>>) -> Self {
        Self {
            label: label.into(),
            colour,
            shape: Shape::Line(pieces),
        }
    }

    pub(crate) fn dashed(
        label: impl Into<String>,
        colour: Colour,
        pieces: Vec<Vec<Point>>,
    ) -> Self {
        Self {
            shape: Shape::Dashed(pieces),
            ..Self::line(label, colour, Vec::new())
        }
    }

    /// All points, bands by their edges.
    pub(crate) fn points(&self) -> Vec<Point> {
        match &self.shape {
            Shape::Line(pieces) | Shape::Dashed(pieces) => pieces.concat(),
            Shape::Dots(dots) => dots.clone(),
            Shape::Band(pieces) => pieces
                .iter()
                .flatten()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)])
                .collect(),
        }
    }
}
