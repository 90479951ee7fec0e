//! Value types: the form that a key accepts, and the reading of its value.
//!
//! Each file holds the types of one kind; a new one copies its neighbour. Declarations call
//! the functions of this module: `count: u64 = count(1, 1_000), required;`.
//!
//! - [`value_type`]: a form of values;
//! - [`text`], [`name`], [`address`], [`headers`], [`subprotocol`]: texts, checked
//!   strictly;
//! - [`request`], [`http_take`], [`placeholders`]: requests, and the values in them;
//! - [`number`], [`quantity`]: whole numbers, and numbers with a unit;
//! - [`boolean`], [`word`], [`list`]: a closed set of values;
//! - [`backplane`]: a word or an address.

mod address;
mod backplane;
mod boolean;
mod headers;
mod http_take;
mod list;
mod name;
mod number;
mod placeholders;
mod quantity;
mod request;
mod subprotocol;
mod text;
mod value_type;
mod word;

pub(crate) use self::{
    address::{DEVICE_PLACEHOLDER, command_path, http_address, http_addresses, ws_addresses},
    backplane::{BackplaneAddress, backplane},
    boolean::boolean,
    headers::{headers, request_headers},
    http_take::http_takes,
    list::list_of,
    name::{consumer_name, name, node_name, topic_name},
    number::count,
    quantity::{duration, rate, share, size},
    request::{data_file, form_body, json_body, request_url, text_body},
    subprotocol::subprotocols,
    text::{file_path, gate_check, text},
    value_type::{Accepts, FixedForm, ValueType},
    word::{quoted_words, word},
};
