//! The names of nodes in the system's answers.

/// Longest name, in bytes, as in `docs/protocol.md`.
const MAX_LEN: usize = 64;

/// Returns `text` if it is a valid name: at most 64 letters, digits, `.`, `_` and `-`.
///
/// Any server may answer anything. A valid name can stand in the record as part of a
/// counter's name or of a tag.
pub fn parse_node_name(text: &[u8]) -> Option<&str> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let is_name = (1..=MAX_LEN).contains(&text.len()) && text.iter().all(is_allowed);
    is_name.then(|| std::str::from_utf8(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_name_is_not_parsed() {
        let longest = "n".repeat(MAX_LEN);
        for name in ["n1", "a.B-c_9", &longest] {
            assert_eq!(parse_node_name(name.as_bytes()), Some(name));
        }
        let longer = "n".repeat(MAX_LEN + 1);
        for other in ["", "n 1", "n,1", "n1\n", "n\u{e4}", "(other)", &longer] {
            assert_eq!(parse_node_name(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(parse_node_name(&[b'n', 0xff]), None);
    }
}
