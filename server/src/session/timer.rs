//! The timers of a session.

/// A deadline that a device may miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The device must send something within the idle timeout.
    Idle,
    /// The device must read something within the write timeout.
    Write,
    /// The close handshake must end within the close timeout.
    Close,
}

/// The next step after a timer was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recheck {
    Never,
    /// The timer is checked again at that second of the wheel.
    At(u32),
}
