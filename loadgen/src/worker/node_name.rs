//! The names of nodes in what the system answers: anybody's bytes until they are
//! found to be a name.

/// Longest name, in bytes.
const MAX_LEN: usize = 64;

/// The header field in which a node names itself.
pub const NODE_HEADER: &str = "x-highwater-node";

/// The name that `text` is: letters, digits, `.`, `_` and `-`, at most 64 of them.
/// Such a name can stand in the record as a part of a counter or of a tag.
pub fn parse_node_name(text: &[u8]) -> Option<&str> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let is_name = (1..=MAX_LEN).contains(&text.len()) && text.iter().all(fits);
    is_name.then(|| std::str::from_utf8(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_names() {
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
