//! What an AMQP URL says.

use highwater_types::BrokerUrl;
use lapin::uri::AMQPUri;

use super::error::broken;
use crate::backplane::remote::TransportError;

/// Seconds between heartbeats; either end takes the other for gone after two.
/// RabbitMQ advises against less.
const HEARTBEAT_S: u16 = 5;
/// The client library keeps 32 frames of this size for reading and as much for
/// writing, per connection; RabbitMQ's own choice is 128 KiB.
const FRAME_BYTES: u32 = 32 * 1024;

/// The URL as the client library wants it.
pub(in crate::backplane) fn uri(url: &BrokerUrl) -> Result<AMQPUri, TransportError> {
    let mut uri: AMQPUri = url.expose_secret().parse().map_err(broken)?;
    // To the letter `amqp://host/` names a virtual host without a name, which is
    // never what is meant.
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    uri.query.heartbeat = Some(HEARTBEAT_S);
    uri.query.frame_max = Some(FRAME_BYTES);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::BackplaneUrl;

    fn parsed(text: &str) -> AMQPUri {
        let Ok(BackplaneUrl::Amqp(url)) = text.parse() else {
            panic!("{text} is no AMQP URL")
        };
        uri(&url).unwrap()
    }

    #[test]
    fn hosts_users_and_virtual_hosts() {
        let it = parsed("amqp://u%40x:p%3A@h:1/my%2fhost").authority;
        assert_eq!((it.host.as_str(), it.port), ("h", 1));
        assert_eq!(it.userinfo.username, "u@x");
        assert_eq!(it.userinfo.password, "p:");
        let it = parsed("amqp://h").authority;
        assert_eq!((it.port, it.userinfo.username.as_str()), (5672, "guest"));
        for (text, vhost) in [
            ("amqp://h", "/"),
            ("amqp://h/", "/"),
            ("amqp://h/%2f", "/"),
            ("amqp://h/my%2fhost", "my/host"),
        ] {
            assert_eq!(parsed(text).vhost, vhost, "{text}");
        }
        let it = parsed("amqp://127.0.0.1:5").authority;
        assert_eq!((it.host.as_str(), it.port), ("127.0.0.1", 5));
    }
}
