//! The keys of a preset under those of a scenario.

use super::{address::complete_address, choice::PresetChoice, preset::Preset, registry};
use crate::tree::{TomlItem, TomlTable, TomlValue};

/// The key of `[target]` that names the preset.
const PRESET_KEY: &str = "preset";

/// The key of the heartbeat, of which a person may write the period alone.
const HEARTBEAT_KEY: &str = "heartbeat";

/// The keys of a heartbeat's table that say what it consists of. A person who writes one of
/// them writes the whole heartbeat.
const HEARTBEAT_FRAME_KEYS: [&str; 2] = ["send", "watch"];

/// Puts the keys of the preset that `[target]` names under those that are written. A preset
/// that cannot be read is left as it is: the reading of its key reports it.
pub(crate) fn expand(root: &mut TomlTable) {
    let Some(preset) = chosen(root) else {
        return;
    };
    if let Some(target) = table_mut(root, "target") {
        complete_addresses(target, &preset);
        insert_missing(target, &preset.target);
    }
    let Some(TomlValue::List(pools)) = root.get_mut("devices").map(|item| &mut item.value) else {
        return;
    };
    for pool in pools {
        if let TomlValue::Table(pool) = &mut pool.value {
            merge_heartbeat(pool, &preset.devices);
            insert_missing(pool, &preset.devices);
        }
    }
}

/// Takes the name of the preset out of a tree that has its keys.
pub(crate) fn remove_choice(root: &mut TomlTable) {
    if let Some(target) = table_mut(root, "target") {
        target.remove(PRESET_KEY);
    }
}

fn chosen(root: &TomlTable) -> Option<Preset> {
    let item = root.get("target")?.as_table()?.get(PRESET_KEY)?;
    let choice = PresetChoice::read(item).ok()?;
    let preset = registry::find(&choice.name, &item.span)?;
    Some(preset.fill(&choice.parameters))
}

fn complete_addresses(target: &mut TomlTable, preset: &Preset) {
    let complete = |item: &mut TomlItem| {
        if let TomlValue::Text(address) = &mut item.value {
            *address = complete_address(address, &preset.path, &preset.query);
        }
    };
    match target.get_mut("ws") {
        Some(TomlItem {
            value: TomlValue::List(items),
            ..
        }) => items.iter_mut().for_each(complete),
        Some(item) => complete(item),
        None => {}
    }
}

fn insert_missing(table: &mut TomlTable, keys: &TomlTable) {
    for entry in keys.entries() {
        if table.get(&entry.key).is_none() {
            table.insert(&entry.key, entry.item.clone());
        }
    }
}

/// Completes a heartbeat of which only some keys are written, such as its period.
fn merge_heartbeat(pool: &mut TomlTable, preset: &TomlTable) {
    let Some(frames) = preset.get(HEARTBEAT_KEY).and_then(TomlItem::as_table) else {
        return;
    };
    let Some(own) = pool.get_mut(HEARTBEAT_KEY) else {
        return;
    };
    if let TomlValue::Text(_) = own.value {
        let period = own.clone();
        let mut table = TomlTable::default();
        table.insert("every", period);
        own.value = TomlValue::Table(table);
    }
    if let TomlValue::Table(table) = &mut own.value {
        let mut keys = HEARTBEAT_FRAME_KEYS.iter();
        if !keys.any(|key| table.get(key).is_some()) {
            insert_missing(table, frames);
        }
    }
}

fn table_mut<'t>(root: &'t mut TomlTable, key: &str) -> Option<&'t mut TomlTable> {
    match root.get_mut(key).map(|item| &mut item.value) {
        Some(TomlValue::Table(table)) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::SourceSpan, tree};

    fn expanded(text: &str) -> String {
        let mut root = tree::parse_embedded(text, &SourceSpan::FILE);
        expand(&mut root);
        tree::write(&root)
    }

    #[test]
    fn written_keys_win() {
        let text = expanded(
            "[target]\nws = ['ws://h', 'ws://i/x']\npreset = 'graphql-ws'\n\
             subprotocol = ['mine']\n[[devices]]\nname = 'a'\nanswer = []",
        );
        for line in [
            "ws = [\"ws://h/graphql\", \"ws://i/x\"]",
            "subprotocol = [\"mine\"]",
            "answer = []",
            "count_messages = { json = { type = \"next\" } }",
        ] {
            assert!(text.contains(line), "{line}:\n{text}");
        }
        assert!(!text.contains("graphql-transport-ws"), "{text}");
    }

    #[test]
    fn period_alone_keeps_the_frames_of_the_heartbeat() {
        let head = "[target]\npreset = 'phoenix'\n[[devices]]\nheartbeat = ";
        for (written, expected) in [
            ("'7s'", "heartbeat = { every = \"7s\", send = '[null"),
            (
                "{ every = '7s' }",
                "heartbeat = { every = \"7s\", send = '[null",
            ),
            (
                "{ every = '7s', send = 'x' }",
                "heartbeat = { every = \"7s\", send = \"x\" }\n",
            ),
            (
                "{ every = '7s', watch = { text = 'x' } }",
                "{ text = \"x\" } }\n",
            ),
        ] {
            let text = expanded(&format!("{head}{written}"));
            assert!(text.contains(expected), "{written}:\n{text}");
        }
    }

    #[test]
    fn unknown_preset_changes_nothing() {
        let text = expanded("[target]\nws = 'ws://h'\npreset = 'phenix'\n[[devices]]\n");
        assert!(text.contains("ws = \"ws://h\""), "{text}");
    }
}
