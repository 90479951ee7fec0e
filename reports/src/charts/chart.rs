//! A chart as data, independent of how it is drawn.

use std::borrow::Cow;

use highwater_scenarios::metrics::Unit;

/// A point in the chart's own units.
pub(crate) type Point = (f64, f64);

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// Stem of its file: `sockets`.
    pub(crate) name: Cow<'static, str>,
    /// Title in a few words.
    pub(crate) title: Cow<'static, str>,
    /// Caption: the findings of this run and the meaning of the lines, in a few sentences.
    pub(crate) about: String,
    /// Axis from left to right.
    pub(crate) x: XAxis,
    /// Upward axis.
    pub(crate) y: YAxis,
    /// Series, drawn in this order: the first one at the bottom.
    pub(crate) series: Vec<Series>,
    /// Text of an empty plot. An empty chart without such a text is left out.
    pub(crate) empty_text: Option<&'static str>,
}

/// The axis from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Seconds on the run's clock, with its phases and events.
    Time,
    /// log10(1 / (1 − p)), labelled with the percentile p.
    Percentile,
    /// A number of sockets.
    Sockets,
    /// Named groups, each of width 1, the first from 0 to 1.
    Groups(Vec<String>),
}

/// The upward axis, from 0 or over powers of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct YAxis {
    /// Unit of the values.
    pub(crate) unit: Unit,
    /// Spacing of the marks.
    pub(crate) spacing: Spacing,
    /// Value that the axis reaches at least, so that charts side by side have one scale.
    pub(crate) at_least: f64,
}

/// The spacing of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// Even, from 0.
    Linear,
    /// Powers of ten.
    Logarithmic,
}

/// A series with its entry in the legend.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Name in the legend; empty for no entry.
    pub(crate) label: String,
    /// Colour of the theme.
    pub(crate) colour: Colour,
    /// Stroke, which tells series apart without their colours.
    pub(crate) stroke: Stroke,
    /// Shape with its points.
    pub(crate) shape: SeriesShape,
}

/// The shape of a series. A line has several pieces where nothing was measured in between.
#[derive(Debug, Clone)]
pub(crate) enum SeriesShape {
    Line(Vec<Vec<Point>>),
    Dots(Vec<Point>),
    /// Pieces of x, lower edge and upper edge.
    Band(Vec<Vec<(f64, f64, f64)>>),
    /// Left edge, right edge and height of each bar.
    Bars(Vec<(f64, f64, f64)>),
}

/// A colour of the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Colour of the n-th series, from 0; colours repeat.
    Series(usize),
    /// Text, and lines that must stand out.
    Ink,
    /// Labels of axes, marks of events.
    Muted,
    /// Lines of the grid.
    Grid,
    /// Bands of phases.
    Phase,
}

/// The stroke of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
    Dotted,
    DashDot,
}

impl Chart {
    /// Returns the series with an entry in the legend. A series without a label belongs to the
    /// entry of another one.
    pub(crate) fn labelled_series(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| !series.label.is_empty())
    }
}

impl YAxis {
    pub(crate) fn linear(unit: Unit) -> Self {
        Self {
            unit,
            spacing: Spacing::Linear,
            at_least: 0.0,
        }
    }

    /// Creates an axis of times.
    pub(crate) fn times() -> Self {
        // Times range from tenths of a millisecond to seconds.
        Self {
            unit: Unit::Millis,
            spacing: Spacing::Logarithmic,
            at_least: 0.0,
        }
    }
}

impl Stroke {
    const ALL: [Self; 4] = [Self::Solid, Self::Dashed, Self::Dotted, Self::DashDot];

    /// Returns the stroke of the n-th series of a kind; strokes repeat.
    pub(crate) fn of(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    /// The index that [`Self::of`] takes.
    pub(crate) fn index(self) -> usize {
        // The variants stand in the order of `ALL`.
        self as usize
    }
}

impl Series {
    /// Creates a series with a solid stroke.
    pub(crate) fn new(label: impl Into<String>, colour: Colour, shape: SeriesShape) -> Self {
        Self {
            label: label.into(),
            colour,
            stroke: Stroke::Solid,
            shape,
        }
    }

    pub(crate) fn line(label: impl Into<String>, colour: Colour, pieces: Vec<Vec<Point>>) -> Self {
        Self::new(label, colour, SeriesShape::Line(pieces))
    }

    /// Returns the band from least to most of `count` processes, and their median. `group`
    /// names them all: `nodes`.
    pub(crate) fn band_and_median(
        group: &str,
        count: usize,
        colour: Colour,
        band: Vec<Vec<(f64, f64, f64)>>,
        medians: Vec<Vec<Point>>,
    ) -> Vec<Self> {
        let label = format!("{group}, least to most of {count}");
        vec![
            Self::new(label, colour, SeriesShape::Band(band)),
            Self::line(format!("{group}, median"), colour, medians),
        ]
    }

    /// Moves all points to the right.
    pub(crate) fn shift(&mut self, by: f64) {
        match &mut self.shape {
            SeriesShape::Line(pieces) => {
                pieces.iter_mut().flatten().for_each(|point| point.0 += by)
            }
            SeriesShape::Dots(dots) => dots.iter_mut().for_each(|dot| dot.0 += by),
            SeriesShape::Band(pieces) => pieces.iter_mut().flatten().for_each(|edge| edge.0 += by),
            // A bar has two places on this axis: its left and its right edge.
            SeriesShape::Bars(bars) => bars.iter_mut().for_each(|bar| {
                bar.0 += by;
                bar.1 += by;
            }),
        }
    }

    pub(crate) fn with_stroke(self, stroke: Stroke) -> Self {
        Self { stroke, ..self }
    }

    /// Returns all points, with the edges of bands and the tops of bars.
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
