//! The sizes of drawings. Text keeps its size on the screen only if the drawing is about as
//! wide as its place. A page therefore has each chart twice, for wide and for narrow places,
//! and shows one of them.

/// Factor of the drawing's coordinates. They are whole numbers, so a larger drawing that the
/// view box scales down has smoother lines.
pub(super) const SCALE: i32 = 4;

/// The measures of a drawing in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// Class in the page, and part of the ids.
    pub(super) name: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
    /// Space for the labels of the upward axis.
    pub(super) left: i32,
    /// Space right of the plot.
    pub(super) right: i32,
    /// Whether title and legend are part of the drawing.
    pub(super) standalone: bool,
    /// Most marks on the axis from left to right, and on the upward one.
    pub(super) marks: (f64, f64),
}

/// Format for places from about 850 CSS pixels on, and for paper.
pub(super) const WIDE: Format = Format {
    name: "wide",
    width: 860,
    height: 270,
    left: 72,
    right: 30,
    standalone: false,
    marks: (10.0, 5.0),
};

/// Format for a phone.
pub(super) const NARROW: Format = Format {
    name: "narrow",
    width: 372,
    height: 250,
    left: 62,
    right: 26,
    standalone: false,
    marks: (5.0, 5.0),
};

/// Format of a file.
pub(super) const FILE: Format = Format {
    name: "file",
    height: 340,
    standalone: true,
    ..WIDE
};

/// Space below the plot.
pub(super) const BOTTOM: i32 = 26;
/// Height of text.
pub(super) const TEXT: i32 = 12;
/// Average width of a letter; the font is not known here.
pub(super) const LETTER: f64 = 6.6;
/// Height of a row of names above the plot.
pub(super) const ROW: i32 = 16;

impl Format {
    /// The width of the plot.
    pub(super) fn plot_width(self) -> i32 {
        self.width - self.left - self.right
    }
}

/// Estimates the width of a text.
pub(super) fn width_of(text: &str) -> f64 {
    // The reader's font decides the real width, so this is an average.
    text.chars().count() as f64 * LETTER
}
