//! Value types: the form that a key accepts, and the reading of its value.
//!
//! Each file holds the types of one kind; a new one copies its neighbour. Declarations call
//! the functions of this module: `count: u64 = count(1, 1_000), required;`.
//!
//! - [`value_type`]: a form of values;
//! - [`text`], [`name`], [`address`], [`headers`], [`subprotocol`], [`stomp`], [`process_source`],
//!   [`proxy`]: texts, checked strictly; [`own_metrics`]: selectors with their names;
//! - [`request`], [`http_take`], [`placeholders`], [`variables`]: requests, and the values in
//!   texts;
//! - [`number`], [`quantity`]: whole numbers, and numbers with a unit;
//! - [`boolean`], [`word`], [`list`], [`preset`](mod@preset): a closed set of values;
//! - [`backplane`], [`command`]: a word or an address, and the parts of a command;
//! - [`hold_when`]: the condition that holds a ramp;
//! - [`frame`], [`mqtt`], [`matcher`]: frames to send, and tests on received ones;
//! - [`take`](mod@take): values that answers give.

mod address;
mod backplane;
mod boolean;
mod command;
mod frame;
mod headers;
mod hold_when;
mod http_take;
mod list;
mod matcher;
mod mqtt;
mod name;
mod number;
mod own_metrics;
mod placeholders;
mod preset;
mod process_source;
mod proxy;
mod quantity;
mod request;
mod stomp;
mod subprotocol;
mod take;
mod text;
mod value_type;
mod variables;
mod word;

pub(crate) use self::{
    address::{
        DEVICE_PLACEHOLDER, command_path, http_address, http_addresses, metrics_addresses,
        server_name, ws_addresses,
    },
    backplane::{BackplaneAddress, backplane, telemetry_queue},
    boolean::boolean,
    command::{reply, statuses, template},
    frame::{frame, frames, separator},
    headers::{basic_credentials, headers, request_headers},
    hold_when::hold_when,
    http_take::http_takes,
    list::list_of,
    matcher::matcher,
    name::{consumer_name, name, node_name, topic_name},
    number::count,
    own_metrics::own_metrics,
    preset::preset,
    process_source::{cgroup_path, container_name},
    proxy::proxy_address,
    quantity::{duration, rate, share, size},
    request::{data_file, form_body, json_body, request_url, text_body},
    stomp::stomp_text,
    subprotocol::subprotocols,
    take::takes,
    text::{file_path, gate_check, text},
    value_type::{Accepts, FixedForm, ValueType},
    word::{quoted_words, word},
};
