//! The bounds of frames that a peer sends.

/// The bounds of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of command and headers together, as they are on the wire.
    pub max_head_bytes: usize,
    /// The most headers, repeated ones included.
    pub max_headers: usize,
    /// The most bytes of a body.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head_bytes: 16 * 1024,
            max_headers: 64,
            max_body_bytes: 64 * 1024,
        }
    }
}
