//! Title and legend of a drawing that stands alone. The page writes both
//! itself.

use plotters::{
    element::{Circle, PathElement, Rectangle, Text},
    style::{
        Color,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    chart::{Chart, Colour, Series, Shape},
    format::{FINE, Format, TEXT, width_of},
    render::{Area, Drawn, broken, fine, text},
    shapes::BAND,
};

/// Height of the title.
pub(super) const TITLE_HEIGHT: i32 = 28;
const LINE: i32 = 18;
const MARGIN: i32 = 6;
const KEY: i32 = 24;

/// An entry and where it stands below the title.
struct Entry<'a> {
    series: &'a Series,
    x: i32,
    y: i32,
}

/// Height of the legend, in as many lines as it takes.
pub(super) fn height(chart: &Chart, format: Format) -> i32 {
    entries(chart, format)
        .last()
        .map_or(0, |last| last.y + LINE)
}

/// Draws both.
pub(super) fn draw(area: &Area, chart: &Chart, format: Format) -> Drawn {
    let title = text(Colour::Ink, HPos::Left, VPos::Top, 15);
    area.draw(&Text::new(&*chart.title, fine(MARGIN, 6), title))?;
    for Entry { series, x, y } in entries(chart, format) {
        let middle = TITLE_HEIGHT + y + LINE / 2;
        key(area, series, x, middle)?;
        let style = text(Colour::Ink, HPos::Left, VPos::Center, TEXT);
        let at = fine(x + KEY + 5, middle);
        area.draw(&Text::new(series.label.as_str(), at, style))?;
    }
    Ok(())
}

fn entries(chart: &Chart, format: Format) -> Vec<Entry<'_>> {
    let (mut x, mut y) = (MARGIN, 0);
    let mut entries = Vec::new();
    for series in chart
        .series
        .iter()
        .filter(|series| !series.label.is_empty())
    {
        let width = KEY + 5 + width_of(&series.label) as i32 + 14;
        if x + width > format.width && x > MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        entries.push(Entry { series, x, y });
        x += width;
    }
    entries
}

fn key(area: &Area, series: &Series, x: i32, y: i32) -> Drawn {
    let colour = series.colour;
    match series.shape {
        Shape::Line(_) => {
            let ends = vec![fine(x, y), fine(x + KEY, y)];
            area.draw(&PathElement::new(ends, broken(colour, series.dash, 2)))
        }
        Shape::Dots(_) => {
            let style = colour.placeholder().filled();
            area.draw(&Circle::new(fine(x + KEY / 2, y), 4 * FINE, style))
        }
        Shape::Band(_) | Shape::Bars(_) => {
            let part = match series.shape {
                Shape::Band(_) => BAND,
                _ => 0.85,
            };
            let style = colour.placeholder().mix(part).filled();
            area.draw(&Rectangle::new(
                [fine(x, y - 5), fine(x + KEY, y + 5)],
                style,
            ))
        }
    }
}
