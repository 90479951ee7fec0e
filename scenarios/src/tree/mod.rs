//! A scenario as written: keys and values, each with its span.

mod read;
mod value;

pub(crate) use self::{
    read::{parse, parse_value},
    value::{TomlEntry, TomlItem, TomlTable, TomlValue},
};
