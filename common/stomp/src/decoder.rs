//! Bytes to frames.

use bytes::{Buf, BytesMut};

use crate::{
    command::Command, error::DecodeError, escape::Escapes, frame::Frame, header, headers::Headers,
    invalid_header::quote, limits::Limits, version::Version,
};

/// A result of a decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A whole frame.
    Frame(Frame),
    /// Some ends of lines between frames.
    HeartBeat,
}

/// A decoder of one connection's frames: the bytes of a stream, or the messages of a WebSocket.
///
/// A frame may span pieces, and a piece may contain several frames. Memory is bounded by the
/// limits and one piece if calls of [`Decoder::next_frame`] follow every [`Decoder::push`] until
/// they return `None`. Between frames the decoder holds no memory on the heap.
///
/// Each byte of a head is looked at once, and each byte of a body at most twice, whatever the
/// size of the pieces.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    version: Version,
    buffer: BytesMut,
    part: Part,
}

/// The part of a frame that the buffer begins with.
#[derive(Debug)]
enum Part {
    /// Ends of lines, or a command.
    Between,
    /// A command and headers.
    Head {
        /// The bytes in which there is no further end of a line.
        scanned: usize,
        /// The first byte of the line that is not complete.
        line_start: usize,
        /// The complete lines.
        lines: usize,
    },
    /// A body, after its head was taken from the buffer.
    Body {
        frame: Box<Frame>,
        length: Option<usize>,
        /// The bytes in which there is no NUL.
        scanned: usize,
    },
}

const NEW_HEAD: Part = Part::Head {
    scanned: 0,
    line_start: 0,
    lines: 0,
};

impl Decoder {
    /// Creates a decoder for a new connection. Until [`Decoder::set_version`], it reads
    /// escapes as 1.2 defines them.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            version: Version::V1_2,
            buffer: BytesMut::new(),
            part: Part::Between,
        }
    }

    /// Sets the version of the frames behind the last one that was returned.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Sets the bounds of the frames behind the last one that was returned.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Appends what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the bytes that belong to no whole frame yet.
    pub fn partial_bytes(&self) -> usize {
        let head = match &self.part {
            Part::Body { frame, .. } => {
                let sizes = frame.headers.iter().map(|(n, v)| n.len() + v.len());
                sizes.sum()
            }
            _ => 0,
        };
        head + self.buffer.len()
    }

    /// Returns the next frame or heart-beat; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not a frame within the limits. The connection is of no
    /// use after it.
    pub fn next_frame(&mut self) -> Result<Option<Decoded>, DecodeError> {
        if let Part::Between = self.part {
            if self.skip_ends_of_lines()? {
                return Ok(Some(Decoded::HeartBeat));
            }
            match self.buffer.first() {
                // Gives the memory of the last frame back.
                None => self.buffer = BytesMut::new(),
                Some(b'\r') => return Ok(None),
                Some(_) => self.part = NEW_HEAD,
            }
        }
        if let Part::Head { .. } = self.part
            && let Some(head_bytes) = self.find_head_end()?
        {
            self.take_head(head_bytes)?;
        }
        match self.part {
            Part::Body { .. } => self.take_body(),
            _ => Ok(None),
        }
    }

    /// Drops whole ends of lines. Whether there was one.
    fn skip_ends_of_lines(&mut self) -> Result<bool, DecodeError> {
        let mut end = 0;
        loop {
            match &self.buffer[end..] {
                [b'\n', ..] => end += 1,
                [b'\r', b'\n', ..] => end += 2,
                [b'\r', _, ..] => return Err(DecodeError::ControlByte { byte: b'\r' }),
                _ => break,
            }
        }
        self.buffer.advance(end);
        Ok(end > 0)
    }

    /// Returns the bytes of command and headers with the empty line, once that has arrived.
    fn find_head_end(&mut self) -> Result<Option<usize>, DecodeError> {
        let Part::Head {
            scanned,
            line_start,
            lines,
        } = &mut self.part
        else {
            return Ok(None);
        };
        while let Some(&byte) = self.buffer.get(*scanned) {
            *scanned += 1;
            match byte {
                0 => return Err(DecodeError::ControlByte { byte }),
                b'\n' => {
                    let line = without_cr(&self.buffer[*line_start..*scanned - 1]);
                    *line_start = *scanned;
                    if line.is_empty() {
                        return Ok(Some(*scanned));
                    }
                    *lines += 1;
                    // The first line is the command.
                    if *lines > self.limits.max_headers.saturating_add(1) {
                        let max = self.limits.max_headers;
                        return Err(DecodeError::TooManyHeaders { max });
                    }
                }
                _ if *scanned > self.limits.max_head_bytes => {
                    let max = self.limits.max_head_bytes;
                    return Err(DecodeError::HeadTooLong { max });
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Parses command and headers and goes on with the body.
    fn take_head(&mut self, head_bytes: usize) -> Result<(), DecodeError> {
        let head = self.buffer.split_to(head_bytes);
        let head = std::str::from_utf8(&head).map_err(|_| DecodeError::NotUtf8)?;
        let frame = parse_head(head, self.version)?;
        let length = frame.get(header::CONTENT_LENGTH);
        let length = length.map(parse_length).transpose()?;
        let max = self.limits.max_body_bytes;
        if length.is_some_and(|length| length > max) {
            return Err(DecodeError::BodyTooLong { max });
        }
        self.part = Part::Body {
            frame: Box::new(frame),
            length,
            scanned: 0,
        };
        Ok(())
    }

    /// Returns the frame, once its body and the NUL have arrived.
    fn take_body(&mut self) -> Result<Option<Decoded>, DecodeError> {
        let Some(body_bytes) = self.find_body_end()? else {
            return Ok(None);
        };
        let Part::Body { mut frame, .. } = std::mem::replace(&mut self.part, Part::Between) else {
            return Ok(None);
        };
        frame.body = self.buffer.split_to(body_bytes).freeze();
        self.buffer.advance(1);
        if !frame.body.is_empty() && !frame.command.has_body() {
            let command = frame.command;
            return Err(DecodeError::UnexpectedBody { command });
        }
        Ok(Some(Decoded::Frame(*frame)))
    }

    fn find_body_end(&mut self) -> Result<Option<usize>, DecodeError> {
        let Part::Body {
            length, scanned, ..
        } = &mut self.part
        else {
            return Ok(None);
        };
        if let Some(length) = *length {
            return match self.buffer.get(length) {
                None => Ok(None),
                Some(0) => Ok(Some(length)),
                Some(_) => Err(DecodeError::Unterminated { length }),
            };
        }
        let found = self.buffer[*scanned..].iter().position(|byte| *byte == 0);
        let end = found.map(|at| *scanned + at);
        *scanned = end.unwrap_or(self.buffer.len());
        if *scanned > self.limits.max_body_bytes {
            let max = self.limits.max_body_bytes;
            return Err(DecodeError::BodyTooLong { max });
        }
        Ok(end)
    }
}

/// Parses a command and headers, each with its end of a line, and the empty line.
fn parse_head(head: &str, version: Version) -> Result<Frame, DecodeError> {
    let mut lines = head.split('\n').map(|line| match line.strip_suffix('\r') {
        Some(line) => line,
        None => line,
    });
    let name = lines.next().unwrap_or_default();
    let command =
        Command::from_name(name).ok_or_else(|| DecodeError::Command { found: quote(name) })?;
    let escapes = Escapes::new(command, version);
    let mut headers = Headers::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.contains('\r') {
            return Err(DecodeError::ControlByte { byte: b'\r' });
        }
        let name_and_value = line.split_once(':').filter(|(name, _)| !name.is_empty());
        let Some((name, value)) = name_and_value else {
            return Err(DecodeError::Header { found: quote(line) });
        };
        let (Some(name), Some(value)) = (escapes.unescape(name), escapes.unescape(value)) else {
            return Err(DecodeError::Escape {
                found: quote(line),
                version,
            });
        };
        headers.add(&name, &value);
    }
    Ok(Frame {
        command,
        headers,
        body: bytes::Bytes::new(),
    })
}

fn parse_length(text: &str) -> Result<usize, DecodeError> {
    // `usize::from_str` alone would take a sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|_| is_number);
    length.ok_or_else(|| DecodeError::ContentLength { found: quote(text) })
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
