//! The preset that a scenario names, with its parameters.

use super::{
    preset::{Parameter, Preset},
    registry,
};
use crate::{
    diagnostic::Diagnostic,
    suggest,
    tree::{TomlEntry, TomlItem, TomlTable, TomlValue},
};

/// The key that names the preset beside its parameters.
const NAME_KEY: &str = "name";

/// The value of `[target] preset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PresetChoice {
    pub(crate) name: String,
    /// The parameters that are written, with their values.
    pub(super) parameters: Vec<(String, String)>,
}

impl PresetChoice {
    /// Returns the form in words, for messages and the reference.
    pub(crate) fn expected() -> String {
        let names: Vec<String> = registry::names().map(|name| format!("{name:?}")).collect();
        format!(
            "{}, or a table such as {{ name = \"phoenix\", topic = \"room:1\" }}",
            names.join(", ")
        )
    }

    /// Reads a name, or a table of a name and parameters.
    pub(crate) fn read(item: &TomlItem) -> Result<Self, Diagnostic> {
        match &item.value {
            TomlValue::Text(name) => {
                find(name, item)?;
                Ok(Self {
                    name: name.clone(),
                    parameters: Vec::new(),
                })
            }
            TomlValue::Table(table) => Self::read_table(table, item),
            _ => Err(Diagnostic::new("neither a name nor a table")),
        }
    }

    fn read_table(table: &TomlTable, item: &TomlItem) -> Result<Self, Diagnostic> {
        let name = table.name().ok_or_else(|| {
            Diagnostic::new("a table without the name of a preset")
                .expected("{ name = \"NAME\", PARAMETER = \"…\" }")
        })?;
        let preset = find(name, item)?;
        let parameters = table.entries().filter(|entry| entry.key != NAME_KEY);
        let parameters = parameters.map(|entry| read_parameter(&preset, entry));
        Ok(Self {
            name: name.to_owned(),
            parameters: parameters.collect::<Result<_, _>>()?,
        })
    }
}

fn find(name: &str, item: &TomlItem) -> Result<Preset, Diagnostic> {
    registry::find(name, &item.span).ok_or_else(|| registry::unknown(name))
}

fn read_parameter(preset: &Preset, entry: &TomlEntry) -> Result<(String, String), Diagnostic> {
    let mut parameters = preset.parameters.iter();
    let parameter = parameters
        .find(|parameter| parameter.name == entry.key)
        .ok_or_else(|| unknown_parameter(preset, &entry.key))?;
    let value = match &entry.item.value {
        TomlValue::Text(text) => text.clone(),
        TomlValue::Integer(number) => number.to_string(),
        _ => {
            let message = format!("`{}` is not text in quotes", entry.key);
            return Err(Diagnostic::new(message).expected(parameter.about.clone()));
        }
    };
    check_secret(parameter, &value)?;
    Ok((parameter.name.clone(), value))
}

/// Checks that a credential is not written out, because records keep the scenario.
fn check_secret(parameter: &Parameter, value: &str) -> Result<(), Diagnostic> {
    let is_literal = !value.contains('{') && value != parameter.default;
    if !(parameter.is_secret && is_literal) {
        return Ok(());
    }
    let name = &parameter.name;
    let variable = name.to_uppercase();
    Err(
        Diagnostic::new(format!("`{name}` holds a credential, which is written out"))
            .expected("a variable of the environment or a column of the pool's data")
            .hint(format!(
                "write {name} = \"${{{variable}}}\", and set {variable}"
            )),
    )
}

fn unknown_parameter(preset: &Preset, key: &str) -> Diagnostic {
    let message = format!(
        "the preset {} has no parameter `{}`",
        preset.name,
        key.escape_debug()
    );
    let mut names = preset.parameter_names().peekable();
    let expected = match names.peek() {
        None => "no parameters".to_owned(),
        Some(_) => suggest::quoted_list(names),
    };
    Diagnostic::new(message)
        .expected(expected)
        .maybe_hint(suggest::did_you_mean(key, preset.parameter_names()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{diagnostic::SourceSpan, tree};

    fn read(text: &str) -> Result<PresetChoice, String> {
        let item = tree::parse_value(text, &SourceSpan::FILE);
        PresetChoice::read(&item).map_err(|diagnostic| diagnostic.to_string())
    }

    #[test]
    fn name_alone_and_table_are_accepted() {
        assert_eq!(read("\"phoenix\"").unwrap().parameters, []);
        let choice = read(r#"{ name = "stomp", login = 5000, host = "/a" }"#).unwrap();
        let written = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [written("login", "5000"), written("host", "/a")];
        assert_eq!(choice.parameters, expected);
    }

    #[test]
    fn problem_names_what_is_accepted() {
        let problems = [
            "7",
            "\"phenix\"",
            r#"{ topic = "a" }"#,
            r#"{ name = "phoenix", topik = "a" }"#,
            r#"{ name = "signalr", topic = "a" }"#,
            r#"{ name = "phoenix", topic = [] }"#,
            r#"{ name = "stomp", passcode = "s3cret" }"#,
        ]
        .map(|text| read(text).unwrap_err());
        expect![[r#"
            neither a name nor a table
            no preset of the name `phenix`; expected `socket.io`, `phoenix`, `stomp`, `mqtt`, `graphql-ws`, `signalr`, `action-cable`, `centrifugo` (did you mean `phoenix`?)
            a table without the name of a preset; expected { name = "NAME", PARAMETER = "…" }
            the preset phoenix has no parameter `topik`; expected `topic`, `params` (did you mean `topic`?)
            the preset signalr has no parameter `topic`; expected no parameters
            `topic` is not text in quotes; expected the topic that each socket joins
            `passcode` holds a credential, which is written out; expected a variable of the environment or a column of the pool's data (write passcode = "${PASSCODE}", and set PASSCODE)"#]].assert_eq(&problems.join("\n"));
    }

    #[test]
    fn credential_may_come_from_the_environment_or_be_the_default() {
        for value in ["guest", "${STOMP_PASSCODE}", "{pass}"] {
            let text = format!(r#"{{ name = "stomp", passcode = "{value}" }}"#);
            assert!(read(&text).is_ok(), "{value}");
        }
    }
}
