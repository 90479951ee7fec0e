//! A scenario as written: keys and values, each with its span.

mod read;
mod value;
mod write;

pub(crate) use self::{
    read::{parse, parse_embedded, parse_value},
    value::{TomlEntry, TomlItem, TomlTable, TomlValue, text_item},
    write::{write, write_keys},
};
