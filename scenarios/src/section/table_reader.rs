//! Reading the keys of one table, each into its own type, with every problem
//! reported and none stopping the next key.

#[cfg(test)]
use super::cluster::Backplane;
use super::{Form, Key, List, Presence, Section, value_type::FromItem};
use crate::{
    diagnostic::{Finding, Findings},
    suggest,
    tree::{self, Item, Origin, Table, Value},
};

/// A table being read.
pub(crate) struct Fields<'t> {
    section: &'static Section,
    table: &'t Table,
    origin: Origin,
    path: String,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) spot: Spot,
}

/// Where a value was written, for messages about it.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    origin: Origin,
    key: String,
    found: Option<String>,
}

impl Spot {
    /// A problem with the value here.
    pub(crate) fn finding(&self, what: impl Into<String>) -> Finding {
        let finding = Finding::new(&self.origin, &self.key, what);
        match &self.found {
            Some(found) => finding.found(found),
            None => finding,
        }
    }

    /// A problem with what is here, whatever its value.
    pub(crate) fn finding_of_place(&self, what: impl Into<String>) -> Finding {
        Finding::new(&self.origin, &self.key, what)
    }

    /// Something missing here.
    pub(crate) fn absence(&self, what: impl Into<String>) -> Finding {
        Finding::absence(&self.origin, &self.key, what)
    }
}

impl<'t> Fields<'t> {
    /// The top level of a file.
    pub(crate) fn top(
        section: &'static Section,
        table: &'t Table,
        findings: &mut Findings,
    ) -> Self {
        Self::new(section, table, Origin::File(0..0), String::new(), findings)
    }

    fn new(
        section: &'static Section,
        table: &'t Table,
        origin: Origin,
        path: String,
        findings: &mut Findings,
    ) -> Self {
        let fields = Self {
            section,
            table,
            origin,
            path,
        };
        fields.report_unknown_keys(findings);
        fields
    }

    /// The place of the table itself.
    pub(crate) fn spot(&self) -> Spot {
        Spot {
            origin: self.origin.clone(),
            key: self.path.clone(),
            found: None,
        }
    }

    /// The place of a key's value, or of the table where the key is missing.
    pub(crate) fn spot_of(&self, key: &Key) -> Spot {
        let item = self.table.get(key.name);
        Spot {
            origin: item.map_or_else(|| self.origin.clone(), |item| item.origin.clone()),
            key: self.path_of(key.name),
            found: item.map(Item::found),
        }
    }

    /// Whether the key is there, readable or not.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.table.get(key.name).is_some()
    }

    /// The key's value or its default. `None` where there is neither, or the
    /// value is refused; the latter, and a missing required key, are reported.
    pub(crate) fn read<T: FromItem>(&self, key: &Key, findings: &mut Findings) -> Option<At<T>> {
        let default;
        let item = match (self.table.get(key.name), key.presence) {
            (Some(item), _) => item,
            (None, Presence::Default(text)) => {
                default = tree::value(text, &self.origin);
                &default
            }
            (None, Presence::Required) => {
                self.report_missing(key, findings);
                return None;
            }
            (None, Presence::Optional) => return None,
        };
        let spot = Spot {
            origin: item.origin.clone(),
            key: self.path_of(key.name),
            found: Some(item.found()),
        };
        match T::from_item(item, &key.form) {
            Ok(value) => Some(At { value, spot }),
            Err(refusal) => {
                let accepted = refusal.accepted.unwrap_or_else(|| key.form.accepted());
                let finding = spot.finding(refusal.what).accepted(accepted);
                findings.add(finding.maybe_hint(refusal.hint));
                None
            }
        }
    }

    /// The table under a key. Where there is none and the key has a default, an
    /// empty one, in which the defaults of its own keys hold.
    pub(crate) fn table(
        &self,
        key: &Key,
        section: &'static Section,
        findings: &mut Findings,
    ) -> Option<Fields<'t>> {
        let path = self.path_of(key.name);
        let Some(item) = self.table.get(key.name) else {
            return match key.presence {
                Presence::Default(_) => {
                    let origin = self.origin.clone();
                    Some(Self::new(section, &tree::EMPTY, origin, path, findings))
                }
                _ => None,
            };
        };
        let Some(table) = item.as_table() else {
            findings.add(
                self.spot_of(key)
                    .finding("not a table")
                    .accepted(key.form.accepted()),
            );
            return None;
        };
        Some(Self::new(
            section,
            table,
            item.origin.clone(),
            path,
            findings,
        ))
    }

    /// The tables of a list that `--set` knows.
    pub(crate) fn tables(
        &self,
        key: &Key,
        list: &List,
        findings: &mut Findings,
    ) -> Vec<Fields<'t>> {
        let path_of = |index, table: &Table| list.path_of(index, table);
        self.elements(key, list.section, &path_of, findings)
    }

    /// The tables of a list.
    pub(crate) fn elements(
        &self,
        key: &Key,
        section: &'static Section,
        path_of: &dyn Fn(usize, &Table) -> String,
        findings: &mut Findings,
    ) -> Vec<Fields<'t>> {
        let Some(item) = self.table.get(key.name) else {
            return Vec::new();
        };
        let Value::List(items) = &item.value else {
            let finding = self.spot_of(key).finding("not a list of tables");
            let hint = format!("write {}, in double brackets", section.header);
            findings.add(finding.accepted(key.form.accepted()).hint(hint));
            return Vec::new();
        };
        if items.is_empty() && matches!(key.presence, Presence::Required) {
            let finding = self.spot_of(key).finding("an empty list");
            findings.add(finding.accepted(format!("at least one `{}`", section.header)));
        }
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_table() {
                Some(table) => {
                    let path = path_of(index, table);
                    let origin = item.origin.clone();
                    tables.push(Self::new(section, table, origin, path, findings));
                }
                None => findings.add(
                    Finding::new(&item.origin, &self.path_of(key.name), "not a table")
                        .found(item.found())
                        .accepted(key.form.accepted()),
                ),
            }
        }
        tables
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn report_missing(&self, key: &Key, findings: &mut Findings) {
        let what = match self.section.header {
            "" => "missing".to_owned(),
            header => format!("missing from this {header}"),
        };
        let finding = Finding::absence(&self.origin, &self.path_of(key.name), what);
        findings.add(finding.accepted(key.form.accepted()));
    }

    fn report_unknown_keys(&self, findings: &mut Findings) {
        let names = || self.section.keys.iter().map(|key| key.name);
        for entry in self.table.entries() {
            if names().any(|name| name == entry.key) {
                continue;
            }
            let finding = Finding::new(&entry.origin, &self.path_of(&entry.key), "unknown key")
                .accepted(suggest::list(names()))
                .maybe_hint(suggest::hint(&entry.key, names()));
            findings.add(finding);
        }
    }
}

impl Form {
    /// Whether a default of this form would be read; for tests of the tables.
    #[cfg(test)]
    pub(super) fn reads(&self, text: &str) -> bool {
        let item = tree::value(text, &Origin::Set(0));
        match self {
            Self::Count { .. } => u64::from_item(&item, self).is_ok(),
            Self::Size { .. } => u64::from_item(&item, self).is_ok(),
            Self::Duration { .. } => std::time::Duration::from_item(&item, self).is_ok(),
            Self::Choice(words) => words().contains(&text),
            Self::Backplane => Backplane::from_item(&item, self).is_ok(),
            Self::Flag => bool::from_item(&item, self).is_ok(),
            Self::Table => text == "{}",
            _ => String::from_item(&item, self).is_ok(),
        }
    }
}
