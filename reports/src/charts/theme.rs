//! Named colours and dash patterns. The drawing library writes fixed colours and solid lines
//! only, so charts are drawn in placeholder colours. [`themed`] replaces these by CSS
//! variables and dash patterns.

use plotters::style::RGBColor;

use super::{
    chart::{Colour, Stroke},
    format::SCALE,
};

/// Most series with distinct colours. More of them are drawn as a band.
pub(crate) const SERIES: usize = 8;

/// CSS variables of the colours, for light and for dark, used by the page and by files.
pub(crate) const VARIABLES: &str = include_str!("../../templates/chart-colours.css");

/// First byte of a placeholder for a solid line; the stroke's index is added to it.
const RED: u8 = 0xA0;
/// Second byte of a placeholder.
const GREEN: u8 = 0x5E;

impl Colour {
    /// Returns the placeholder for the colour.
    pub(super) fn placeholder(self) -> RGBColor {
        self.dashed(Stroke::Solid)
    }

    /// Returns the placeholder for a line of this colour and stroke.
    pub(super) fn dashed(self, stroke: Stroke) -> RGBColor {
        RGBColor(RED + stroke.index() as u8, GREEN, self.code())
    }

    fn code(self) -> u8 {
        match self {
            Self::Series(index) => (index % SERIES) as u8,
            Self::Ink => 0x10,
            Self::Muted => 0x11,
            Self::Grid => 0x12,
            Self::Phase => 0x13,
        }
    }

    fn decoded(code: u8) -> Option<Self> {
        match code {
            0x10 => Some(Self::Ink),
            0x11 => Some(Self::Muted),
            0x12 => Some(Self::Grid),
            0x13 => Some(Self::Phase),
            code => (usize::from(code) < SERIES).then_some(Self::Series(code.into())),
        }
    }

    /// Returns the colour as a style sheet names it.
    pub(crate) fn variable(self) -> String {
        match self {
            Self::Series(index) => format!("var(--series-{})", index % SERIES + 1),
            Self::Ink => "var(--chart-ink)".to_owned(),
            Self::Muted => "var(--chart-muted)".to_owned(),
            Self::Grid => "var(--chart-grid)".to_owned(),
            Self::Phase => "var(--chart-phase)".to_owned(),
        }
    }
}

impl Stroke {
    /// Returns the lengths of strokes and gaps in CSS pixels; none for a solid line.
    pub(crate) fn pattern(self) -> &'static [i32] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[7, 4],
            Self::Dotted => &[2, 3],
            Self::DashDot => &[9, 3, 2, 3],
        }
    }
}

/// Replaces the placeholders of a drawing by variables and patterns.
pub(super) fn themed(svg: &str) -> String {
    // Colours appear in attributes only, so texts with a `#` stay as they are.
    let mut pieces = svg.split("=\"#");
    let mut themed = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let placeholder = piece.split_once('"');
        match placeholder.and_then(|(hex, rest)| Some((decoded(hex)?, rest))) {
            Some(((colour, stroke), rest)) => {
                themed.push_str(&format!("=\"{}\"{}", colour.variable(), attribute(stroke)));
                themed.push_str(rest);
            }
            None => {
                themed.push_str("=\"#");
                themed.push_str(piece);
            }
        }
    }
    themed
}

fn decoded(hex: &str) -> Option<(Colour, Stroke)> {
    let code = u32::from_str_radix(hex, 16).ok()?;
    let [_, red, green, blue] = code.to_be_bytes();
    // Any other colour is not a placeholder and stays as it is.
    let dash = red.checked_sub(RED).filter(|&dash| dash < 4)?;
    (green == GREEN).then_some((Colour::decoded(blue)?, Stroke::of(dash.into())))
}

fn attribute(stroke: Stroke) -> String {
    let scaled = |length: &i32| (length * SCALE).to_string();
    let lengths: Vec<String> = stroke.pattern().iter().map(scaled).collect();
    match lengths.is_empty() {
        true => String::new(),
        false => format!(" stroke-dasharray=\"{}\"", lengths.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_variables_and_patterns() {
        let found = themed(
            "<a stroke=\"#A15E02\" w=\"1\"/><b fill=\"#A05E10\"/><c fill=\"#123456\"/>#A05E10",
        );
        assert_eq!(
            found,
            "<a stroke=\"var(--series-3)\" stroke-dasharray=\"28 16\" w=\"1\"/>\
             <b fill=\"var(--chart-ink)\"/><c fill=\"#123456\"/>#A05E10"
        );
    }
}
