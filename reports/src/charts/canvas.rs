//! The drawing library's types as the charts use them, and its styles in the
//! theme's colours.

use plotters::{
    chart::ChartContext,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind},
    prelude::{Cartesian2d, SVGBackend},
    style::{
        Color, IntoFont, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::PlotAxis,
    chart::{Colour, Stroke},
    format::SCALE,
};

/// The area of a whole drawing.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// The plot between its axes.
pub(super) type PlotContext<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<PlotAxis, PlotAxis>>;
/// The result of drawing, with the library's error.
pub(super) type DrawResult = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Converts a place in CSS pixels to the drawing's coordinates.
pub(super) fn scaled(x: i32, y: i32) -> (i32, i32) {
    (x * SCALE, y * SCALE)
}

/// Returns the style of a line with this stroke, its width in CSS pixels.
pub(super) fn line_style(colour: Colour, stroke: Stroke, width: u32) -> ShapeStyle {
    colour.dashed(stroke).stroke_width(width * SCALE as u32)
}

/// Returns the style of text, its height in CSS pixels.
pub(super) fn text_style<'a>(colour: Colour, h: HPos, v: VPos, size: i32) -> TextStyle<'a> {
    // The SVG backend divides font sizes by 1.24, so they are multiplied first.
    ("sans-serif", f64::from(size * SCALE) * 1.24)
        .into_font()
        .color(&colour.placeholder())
        .pos(Pos::new(h, v))
}
