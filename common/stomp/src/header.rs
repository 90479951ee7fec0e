//! The names of the headers that STOMP defines.

/// The versions that a client accepts.
pub const ACCEPT_VERSION: &str = "accept-version";
/// The acknowledgement mode of a subscription; in a MESSAGE of 1.2, the id for ACK.
pub const ACK: &str = "ack";
/// The bytes of the body.
pub const CONTENT_LENGTH: &str = "content-length";
/// The media type of the body.
pub const CONTENT_TYPE: &str = "content-type";
/// The name under which a message is sent and received.
pub const DESTINATION: &str = "destination";
/// The intervals of heart-beats.
pub const HEART_BEAT: &str = "heart-beat";
/// The virtual host.
pub const HOST: &str = "host";
/// The name of a subscription; in ACK and NACK of 1.2, the message.
pub const ID: &str = "id";
/// The user name.
pub const LOGIN: &str = "login";
/// A short text of an ERROR.
pub const MESSAGE: &str = "message";
/// The name of a message.
pub const MESSAGE_ID: &str = "message-id";
/// The password or token.
pub const PASSCODE: &str = "passcode";
/// The name by which a client asks for a RECEIPT.
pub const RECEIPT: &str = "receipt";
/// The name of the receipt that arrives.
pub const RECEIPT_ID: &str = "receipt-id";
/// The name of the server.
pub const SERVER: &str = "server";
/// The name of the session.
pub const SESSION: &str = "session";
/// The subscription that a message belongs to.
pub const SUBSCRIPTION: &str = "subscription";
/// The name of a transaction.
pub const TRANSACTION: &str = "transaction";
/// The version of the session.
pub const VERSION: &str = "version";
