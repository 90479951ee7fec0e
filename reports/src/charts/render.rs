//! The rendering of a chart as SVG, in the frame that all charts share.

use plotters::{
    chart::ChartBuilder,
    drawing::IntoDrawingArea,
    element::{PathElement, Rectangle, Text},
    prelude::SVGBackend,
    style::{
        Color, TRANSPARENT,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    axis::PlotAxis,
    canvas::{Area, DrawResult, PlotContext, line_style, scaled, text_style},
    chart::{Chart, Colour, Series, Stroke, XAxis},
    format::{BOTTOM, Format, ROW, SCALE, TEXT},
    labels::{PlotLabel, PlotLabels, labels},
    legend::{self, TITLE_HEIGHT},
    shapes,
    theme::themed,
    timeline::Timeline,
};

/// Space above the plot in CSS pixels, where no name stands there.
const LEAST_TOP: i32 = 8;

/// Renders the chart as an `<svg>` element whose colours are CSS variables.
pub(super) fn render(chart: &Chart, timeline: &Timeline, format: Format) -> Result<String, String> {
    let above = match chart.x {
        XAxis::Time => labels(timeline, format),
        _ => PlotLabels::default(),
    };
    let head = match format.standalone {
        true => TITLE_HEIGHT + legend::height(chart, format),
        false => 0,
    };
    let top = head + LEAST_TOP + above.rows as i32 * ROW;
    let mut svg = String::new();
    draw(chart, timeline, format, &above, (head, top), &mut svg)
        .map_err(|error| error.to_string())?;
    Ok(accessible_svg(chart, format, top, &themed(&svg)))
}

/// Draws everything. `head` is the height of title and legend, `top` that of everything above
/// the plot.
fn draw(
    chart: &Chart,
    timeline: &Timeline,
    format: Format,
    above: &PlotLabels,
    (head, top): (i32, i32),
    svg: &mut String,
) -> DrawResult {
    let size = (
        (format.width * SCALE) as u32,
        (format.height * SCALE) as u32,
    );
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    if format.standalone {
        legend::draw(&area, chart, format)?;
    }
    let (x, y) = axes(chart, timeline, format);
    let mut plane = ChartBuilder::on(&area)
        .margin_top(top * SCALE)
        .margin_right(format.right * SCALE)
        .x_label_area_size(BOTTOM * SCALE)
        .y_label_area_size(format.left * SCALE)
        .build_cartesian_2d(x.clone(), y.clone())?;
    if chart.x == XAxis::Time {
        draw_phases(&mut plane, timeline, &y)?;
    }
    // The grid lies over the tint of the phases and below the series.
    draw_mesh(&mut plane, &x, &y)?;
    for series in &chart.series {
        shapes::draw(&mut plane, series, &y)?;
    }
    if chart.x == XAxis::Time {
        draw_event_marks(&mut plane, timeline, &y)?;
        for label in above.events.iter() {
            draw_label(&area, label, Colour::Ink, format, head)?;
        }
        for label in above.phases.iter() {
            draw_label(&area, label, Colour::Muted, format, head)?;
        }
    }
    if let (true, Some(text)) = (chart.series.is_empty(), chart.empty_text) {
        let across = format.left + format.plot_width() / 2;
        let down = (top + format.height - BOTTOM) / 2;
        let style = text_style(Colour::Ink, HPos::Center, VPos::Center, TEXT + 2);
        area.draw(&Text::new(text, scaled(across, down), style))?;
    }
    // The plot borrows the area, which must be free to write the end of the drawing.
    drop(plane);
    area.present()
}

fn axes(chart: &Chart, timeline: &Timeline, format: Format) -> (PlotAxis, PlotAxis) {
    let points: Vec<_> = chart.series.iter().flat_map(Series::points).collect();
    let most_x = points.iter().map(|&(x, _)| x).fold(0.0, f64::max);
    let ys = points.iter().map(|&(_, y)| y);
    let most_y = ys.clone().fold(chart.y.at_least, f64::max);
    // A logarithmic axis begins at the lowest value that has a logarithm.
    let least_y = ys.filter(|&y| y > 0.0).fold(f64::INFINITY, f64::min);
    let (across, up) = format.marks;
    let x = match &chart.x {
        XAxis::Time => PlotAxis::time(timeline.end, across),
        XAxis::Percentile => PlotAxis::percentiles(most_x),
        XAxis::Sockets => PlotAxis::sockets(most_x, across),
        XAxis::Groups(names) => PlotAxis::groups(names),
    };
    let y = PlotAxis::y(chart.y, least_y.min(most_y), most_y, up);
    (x.without_overlaps(f64::from(format.plot_width())), y)
}

fn draw_mesh(plane: &mut PlotContext, x: &PlotAxis, y: &PlotAxis) -> DrawResult {
    let label = text_style(Colour::Muted, HPos::Left, VPos::Top, TEXT);
    let line = line_style(Colour::Grid, Stroke::Solid, 1);
    plane
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(line)
        .light_line_style(TRANSPARENT)
        .axis_style(line)
        .set_all_tick_mark_size(4 * SCALE)
        .label_style(label)
        .x_label_formatter(&|place| x.label(*place))
        .y_label_formatter(&|place| y.label(*place))
        .draw()
}

/// Tints every other phase: the ramp and the drain.
fn draw_phases(plane: &mut PlotContext, timeline: &Timeline, y: &PlotAxis) -> DrawResult {
    for &(_, from, to) in timeline.phases.iter().step_by(2) {
        let tint = Colour::Phase.placeholder().mix(0.12).filled();
        plane.draw_series([Rectangle::new([(from, y.from), (to, y.to)], tint)])?;
    }
    Ok(())
}

fn draw_event_marks(plane: &mut PlotContext, timeline: &Timeline, y: &PlotAxis) -> DrawResult {
    for mark in &timeline.marks {
        let ends = vec![(mark.at, y.from), (mark.at, y.to)];
        let style = line_style(Colour::Muted, Stroke::Dashed, 1);
        plane.draw_series([PathElement::new(ends, style)])?;
    }
    Ok(())
}

fn draw_label(
    area: &Area,
    label: &PlotLabel,
    colour: Colour,
    format: Format,
    head: i32,
) -> DrawResult {
    let x = format.left + label.left.round() as i32;
    let y = head + label.row as i32 * ROW + 3;
    let style = text_style(colour, HPos::Left, VPos::Top, TEXT);
    area.draw(&Text::new(label.text.as_str(), scaled(x, y), style))
}

/// Adds a title and a description for screen readers, and the place of the plot for the
/// page's script. The library's size is dropped, because the view box scales the drawing.
fn accessible_svg(chart: &Chart, format: Format, top: i32, svg: &str) -> String {
    // The library's own `<svg>` tag is replaced by the one below.
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let body = body.replace(" opacity=\"1\"", "");
    let (width, height) = (format.width * SCALE, format.height * SCALE);
    let plot = [
        format.left,
        top,
        format.width - format.right,
        format.height - BOTTOM,
    ];
    let [left, top, right, bottom] = plot.map(|pixels| pixels * SCALE);
    let (class, id) = (format.name, format!("{}-{}", chart.name, format.name));
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" data-plot=\"{left} {top} {right} {bottom}\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>{body}",
        escaped(&chart.title),
        escaped(&chart.about)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
