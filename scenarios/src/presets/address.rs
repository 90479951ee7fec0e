//! Path and query of a preset, for an address without them.

/// Adds a preset's path to an address that has none, and those parts of its query that the
/// address lacks.
pub(super) fn complete_address(address: &str, path: &str, query: &str) -> String {
    // A scheme that is missing is reported when the address is read.
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (own_path, own_query) = tail.split_once('?').unwrap_or((tail, ""));
    let path = match own_path {
        "" | "/" => path,
        own => own,
    };
    let is_missing = |part: &&str| !parts(own_query).any(|own| name_of(own) == name_of(part));
    let query: Vec<&str> = parts(own_query)
        .chain(parts(query).filter(is_missing))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}{path}{mark}{}", query.join("&"))
}

fn parts(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|part| !part.is_empty())
}

fn name_of(part: &str) -> &str {
    part.split('=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_parts_of_an_address_stay() {
        for (address, complete) in [
            ("ws://h:1", "ws://h:1/socket/websocket?vsn=2.0.0"),
            ("wss://h/", "wss://h/socket/websocket?vsn=2.0.0"),
            ("ws://h/live", "ws://h/live?vsn=2.0.0"),
            (
                "ws://h?a={device}",
                "ws://h/socket/websocket?a={device}&vsn=2.0.0",
            ),
            ("ws://h/x?vsn=1.0.0", "ws://h/x?vsn=1.0.0"),
            ("wss://${HOST}", "wss://${HOST}/socket/websocket?vsn=2.0.0"),
            ("h:1", "h:1"),
        ] {
            let completed = complete_address(address, "/socket/websocket", "vsn=2.0.0");
            assert_eq!(completed, complete);
        }
        assert_eq!(complete_address("ws://h", "/cable", ""), "ws://h/cable");
    }
}
