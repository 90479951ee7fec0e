//! Frames and bodies as text of one line.

use highwater_loadgen::worker::observer::Message;
use highwater_types::format::{self, visible};

use super::secrets::Secrets;

/// Most characters of a text that a line shows.
const MAX_CHARS: usize = 200;
/// Most bytes of a binary frame that a line shows.
const MAX_BYTES: usize = 48;
/// Most lines of a head that are shown. A server may send more.
const MAX_HEAD_LINES: usize = 64;

/// The kind of a frame and its payload, for a line.
pub(super) fn frame(message: &Message, secrets: &Secrets) -> (&'static str, String) {
    match message {
        Message::Text(text) => ("text", text_line(text, secrets)),
        Message::Binary(bytes) => ("binary", hex(bytes)),
        Message::Ping(bytes) => ("ping", hex(bytes)),
        Message::Pong(bytes) => ("pong", hex(bytes)),
        Message::Close(None) => ("close", "without a code".to_owned()),
        Message::Close(Some(frame)) => {
            let reason = text_line(&frame.reason, secrets);
            let code = u16::from(frame.code);
            ("close", format!("{code} {reason}").trim_end().to_owned())
        }
        // tungstenite hands out whole frames only when it is asked to.
        Message::Frame(_) => ("frame", String::new()),
    }
}

/// Returns a text as one line: without secrets, with escapes, and cut.
pub(super) fn text_line(text: &str, secrets: &Secrets) -> String {
    let masked = secrets.mask(text);
    let shown: String = masked.chars().take(MAX_CHARS).collect();
    let escaped = shown
        .replace('\r', "\\r")
        .replace('\n', "\\n")
        .replace('\t', "\\t");
    let line = visible(&escaped).into_owned();
    match masked.chars().nth(MAX_CHARS) {
        None => line,
        Some(_) => format!("{line}… ({})", size(text.len())),
    }
}

/// Returns the lines of a head, without secrets.
pub(super) fn head_lines(head: &[u8], secrets: &Secrets) -> Vec<String> {
    let text = String::from_utf8_lossy(head);
    let lines = text.lines().filter(|line| !line.is_empty());
    let lines = lines.take(MAX_HEAD_LINES);
    // Masked before it is cut: a part of a secret would not be found.
    lines
        .map(|line| text_line(&secrets.mask_field(line), secrets))
        .collect()
}

/// Returns a body as one line.
pub(super) fn body(bytes: &[u8], secrets: &Secrets) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text_line(text, secrets),
        Err(_) => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(MAX_BYTES);
    let pairs: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
    let pairs = pairs.join(" ");
    match bytes.len() {
        0 => "empty".to_owned(),
        1..=MAX_BYTES => pairs,
        length => format!("{pairs} … ({})", size(length)),
    }
}

fn size(bytes: usize) -> String {
    format!("{} bytes", format::count(bytes as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_one_line_and_cut() {
        let secrets = Secrets::default();
        let line = |text: &str| text_line(text, &secrets);
        assert_eq!(
            line("CONNECTED\nversion:1.2\n\n\0"),
            r"CONNECTED\nversion:1.2\n\n\u{0}"
        );
        let long = line(&"x".repeat(1_500));
        assert_eq!(long, format!("{}… (1,500 bytes)", "x".repeat(MAX_CHARS)));
        // A terminal must not act on what a server sends.
        assert_eq!(line("\u{1b}[2J"), r"\u{1b}[2J");
    }

    #[test]
    fn bytes_are_hexadecimal_and_cut() {
        assert_eq!(hex(&[0xc0, 0]), "c0 00");
        assert_eq!(hex(&[]), "empty");
        let long = hex(&[0xff; 100]);
        assert!(long.ends_with("ff … (100 bytes)"), "{long}");
        assert_eq!(long.matches("ff").count(), MAX_BYTES);
    }
}
