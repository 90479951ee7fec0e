//! The title and the legend of a standalone drawing. The page writes both itself.

use plotters::{
    element::{Circle, PathElement, Rectangle, Text},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    canvas::{Area, DrawResult, line_style, scaled, text_style},
    chart::{Chart, Colour, Series, SeriesShape},
    format::{Format, SCALE, TEXT, width_of},
    shapes::{BAND, BAR},
};

/// Height of the title in CSS pixels.
pub(super) const TITLE_HEIGHT: i32 = 28;
const LINE_HEIGHT: i32 = 18;
const MARGIN: i32 = 6;
const SWATCH_WIDTH: i32 = 24;

/// An entry and its place below the title.
struct PlacedEntry<'a> {
    series: &'a Series,
    x: i32,
    y: i32,
}

/// Returns the height of the legend in CSS pixels.
pub(super) fn height(chart: &Chart, format: Format) -> i32 {
    entries(chart, format)
        .last()
        .map_or(0, |last| last.y + LINE_HEIGHT)
}

/// Draws the title and the legend.
pub(super) fn draw(area: &Area, chart: &Chart, format: Format) -> DrawResult {
    let title = text_style(Colour::Ink, HPos::Left, VPos::Top, 15);
    area.draw(&Text::new(&*chart.title, scaled(MARGIN, 6), title))?;
    for PlacedEntry { series, x, y } in entries(chart, format) {
        let middle = TITLE_HEIGHT + y + LINE_HEIGHT / 2;
        draw_swatch(area, series, x, middle)?;
        let style = text_style(Colour::Ink, HPos::Left, VPos::Center, TEXT);
        let at = scaled(x + SWATCH_WIDTH + 5, middle);
        area.draw(&Text::new(series.label.as_str(), at, style))?;
    }
    Ok(())
}

fn entries(chart: &Chart, format: Format) -> Vec<PlacedEntry<'_>> {
    let (mut x, mut y) = (MARGIN, 0);
    let mut entries = Vec::new();
    for series in chart.labelled_series() {
        let width = SWATCH_WIDTH + 5 + width_of(&series.label) as i32 + 14;
        // An entry wider than the drawing gets a line of its own and is cut off.
        if x + width > format.width && x > MARGIN {
            (x, y) = (MARGIN, y + LINE_HEIGHT);
        }
        entries.push(PlacedEntry { series, x, y });
        x += width;
    }
    entries
}

fn draw_swatch(area: &Area, series: &Series, x: i32, y: i32) -> DrawResult {
    let colour = series.colour;
    let filled = |opacity: f64| {
        let corners = [scaled(x, y - 5), scaled(x + SWATCH_WIDTH, y + 5)];
        let style = colour.placeholder().mix(opacity).filled();
        area.draw(&Rectangle::new(corners, style))
    };
    match series.shape {
        SeriesShape::Line(_) => {
            let ends = vec![scaled(x, y), scaled(x + SWATCH_WIDTH, y)];
            let style = line_style(colour, series.stroke, 2);
            area.draw(&PathElement::new(ends, style))
        }
        SeriesShape::Dots(_) => {
            let middle = scaled(x + SWATCH_WIDTH / 2, y);
            let style = colour.placeholder().filled();
            area.draw(&Circle::new(middle, 4 * SCALE, style))
        }
        SeriesShape::Band(_) => filled(BAND),
        SeriesShape::Bars(_) => filled(BAR),
    }
}
