//! Escapes in names and values of headers.

use std::borrow::Cow;

use crate::{command::Command, version::Version};

/// The escapes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// Each character stands for itself.
    None,
    /// `\n`, `\c` and `\\`; `\r` from 1.2 on.
    Of(Version),
}

impl Escapes {
    /// Returns the escapes of a command's headers in a version.
    pub(crate) fn new(command: Command, version: Version) -> Self {
        match command.is_escaped() && version > Version::V1_0 {
            true => Self::Of(version),
            false => Self::None,
        }
    }

    /// Replaces escapes by their characters. `None`: an escape is not defined.
    pub(crate) fn unescape(self, text: &str) -> Option<Cow<'_, str>> {
        let Self::Of(version) = self else {
            return Some(Cow::Borrowed(text));
        };
        if !text.contains('\\') {
            return Some(Cow::Borrowed(text));
        }
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            plain.push(match c {
                '\\' => unescaped(chars.next()?, version)?,
                _ => c,
            });
        }
        Some(Cow::Owned(plain))
    }

    /// Appends a text with its special characters escaped.
    ///
    /// # Errors
    ///
    /// The character that has no form.
    pub(crate) fn escape_name(self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        self.escape(text, true, out)
    }

    /// Does the same for a value, in which a `:` may stand where there are no escapes.
    pub(crate) fn escape_value(self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        self.escape(text, false, out)
    }

    fn escape(self, text: &str, is_name: bool, out: &mut Vec<u8>) -> Result<(), char> {
        for &byte in text.as_bytes() {
            let escape = match (self, byte) {
                (_, b'\0') => return Err('\0'),
                (Self::None, b'\r' | b'\n') => return Err(char::from(byte)),
                (Self::None, b':') if is_name => return Err(':'),
                (Self::None, _) => None,
                (Self::Of(Version::V1_2), b'\r') => Some(b'r'),
                (Self::Of(_), b'\r') => return Err('\r'),
                (Self::Of(_), b'\n') => Some(b'n'),
                (Self::Of(_), b':') => Some(b'c'),
                (Self::Of(_), b'\\') => Some(b'\\'),
                (Self::Of(_), _) => None,
            };
            match escape {
                Some(escape) => out.extend([b'\\', escape]),
                None => out.push(byte),
            }
        }
        Ok(())
    }
}

fn unescaped(escape: char, version: Version) -> Option<char> {
    match escape {
        'n' => Some('\n'),
        'c' => Some(':'),
        '\\' => Some('\\'),
        'r' if version == Version::V1_2 => Some('\r'),
        _ => None,
    }
}
