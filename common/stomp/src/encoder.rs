//! A frame to bytes.

use bytes::Bytes;

use crate::{
    error::EncodeError, escape::Escapes, frame::Frame, header, invalid_header::quote,
    version::Version,
};

/// The byte that keeps a connection alive between frames.
pub const HEART_BEAT: &[u8] = b"\n";

impl Frame {
    /// Returns the bytes of the frame, with the NUL.
    ///
    /// A `content-length` is written if the frame has the header, with the length of its
    /// body, and if the body contains a NUL. A frame that was decoded without the header is
    /// written without it, because some brokers make another kind of message of it.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if the version has no form for a header, or the command no body.
    pub fn encode(&self, version: Version) -> Result<Bytes, EncodeError> {
        if !self.body.is_empty() && !self.command.has_body() {
            return Err(EncodeError::UnexpectedBody(self.command));
        }
        let mut out = Vec::with_capacity(self.size_hint());
        out.extend(self.command.name().as_bytes());
        out.push(b'\n');
        let mut has_length = false;
        for (name, value) in self.headers.iter() {
            match name == header::CONTENT_LENGTH {
                true => {
                    has_length = true;
                    self.write_length(&mut out);
                }
                false => self.write_header(name, value, version, &mut out)?,
            }
        }
        if !has_length && self.body.contains(&0) {
            self.write_length(&mut out);
        }
        out.push(b'\n');
        out.extend(&self.body);
        out.push(0);
        Ok(Bytes::from(out))
    }

    fn write_header(
        &self,
        name: &str,
        value: &str,
        version: Version,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if name.is_empty() {
            return Err(EncodeError::NoName);
        }
        let escapes = Escapes::new(self.command, version);
        let in_header = |character| EncodeError::Header {
            name: quote(name),
            command: self.command,
            version,
            character,
        };
        escapes.escape_name(name, out).map_err(in_header)?;
        out.push(b':');
        escapes.escape_value(value, out).map_err(in_header)?;
        out.push(b'\n');
        Ok(())
    }

    fn write_length(&self, out: &mut Vec<u8>) {
        let line = format!("{}:{}\n", header::CONTENT_LENGTH, self.body.len());
        out.extend(line.as_bytes());
    }

    /// Returns the bytes of the frame, except for escapes.
    fn size_hint(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2)
            .sum();
        // The longest command, and the line of a length.
        headers + self.body.len() + 48
    }
}
