//! A chart as data: what is drawn, not how.

use std::borrow::Cow;

use highwater_scenarios::metrics::Unit;

/// A point in the chart's own units.
pub(crate) type Point = (f64, f64);

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// Stem of its file: `sockets`.
    pub(crate) name: Cow<'static, str>,
    /// What it shows, in a few words.
    pub(crate) title: Cow<'static, str>,
    /// What to see in this run and how to read it, in a few sentences.
    pub(crate) about: String,
    /// What runs from left to right.
    pub(crate) x: XAxis,
    /// What runs upwards.
    pub(crate) y: YAxis,
    /// What is drawn, the first at the bottom.
    pub(crate) series: Vec<Series>,
    /// Written where nothing is drawn. A chart that has no such text is left out
    /// when it is empty.
    pub(crate) empty_text: Option<&'static str>,
}

/// What runs from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Seconds on the run's clock, with its phases and events.
    Time,
    /// log10(1 / (1 − p)), labelled with the percentile p.
    Percentile,
    /// A number of sockets.
    Sockets,
    /// Groups by name, each one wide, the first from 0 to 1.
    Groups(Vec<String>),
}

/// What runs upwards, from 0 or over powers of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct YAxis {
    /// What it is counted in.
    pub(crate) unit: Unit,
    /// How it is spaced.
    pub(crate) spacing: Spacing,
    /// It reaches at least this far, so that charts side by side have one scale.
    pub(crate) at_least: f64,
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
    /// So that no series is told by its colour alone.
    pub(crate) stroke: Stroke,
    /// What is drawn.
    pub(crate) shape: SeriesShape,
}

/// What a series looks like. Pieces of lines are apart where nothing was
/// measured.
#[derive(Debug, Clone)]
pub(crate) enum SeriesShape {
    Line(Vec<Vec<Point>>),
    Dots(Vec<Point>),
    /// x, lower and upper edge.
    Band(Vec<Vec<(f64, f64, f64)>>),
    /// Left and right edge, height.
    Bars(Vec<(f64, f64, f64)>),
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

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
    Dotted,
    DashDot,
}

impl YAxis {
    pub(crate) fn linear(unit: Unit) -> Self {
        Self {
            unit,
            spacing: Spacing::Linear,
            at_least: 0.0,
        }
    }

    /// Times, which range from tenths of a millisecond to seconds.
    pub(crate) fn times() -> Self {
        Self {
            unit: Unit::Millis,
            spacing: Spacing::Logarithmic,
            at_least: 0.0,
        }
    }

    pub(crate) fn with_at_least(self, reach: f64) -> Self {
        Self {
            at_least: reach,
            ..self
        }
    }
}

impl Stroke {
    const ALL: [Self; 4] = [Self::Solid, Self::Dashed, Self::Dotted, Self::DashDot];

    /// Of the n-th of several series of a kind; they repeat.
    pub(crate) fn of(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    /// Its place in [`Self::of`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl Series {
    pub(crate) fn line(label: impl Into<String>, colour: Colour, pieces: Vec<Vec<Point>>) -> Self {
        Self {
            label: label.into(),
            colour,
            stroke: Stroke::Solid,
            shape: SeriesShape::Line(pieces),
        }
    }

    pub(crate) fn with_stroke(self, dash: Stroke) -> Self {
        Self {
            stroke: dash,
            ..self
        }
    }

    /// All points; bands by their edges, bars by their tops.
    pub(crate) fn points(&self) -> Vec<Point> {
        match &self.shape {
            SeriesShape::Line(pieces) => pieces.concat(),
            SeriesShape::Dots(dots) => dots.clone(),
            SeriesShape::Band(pieces) => pieces
                .iter()
                .flatten()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)])
                .collect(),
            SeriesShape::Bars(bars) => bars.iter().map(|&(_, right, y)| (right, y)).collect(),
        }
    }
}
