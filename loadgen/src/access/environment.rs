//! The variables of the environment that a plan names, with their values.

use highwater_scenarios::{
    Plan,
    frames::{AddressTemplate, ValueNames, ValueRef, Values, variables_of},
    secrets::mask_address,
};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::Uri;

use super::{
    SecretString,
    variables::{VariableError, check_printable, value_of},
};

/// The variables of the environment that a plan names. The coordinator looks them up, and
/// workers get them over the control link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(Vec<Variable>);

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Variable {
    name: String,
    value: SecretString,
    /// Whether it stands in hosts of addresses alone, which are no secret.
    is_host: bool,
}

impl Environment {
    /// Looks up every variable that the texts of `plan` name, and those of its frames.
    ///
    /// # Errors
    /// If a variable has no value, or one that is too long, that cannot stand in its place, or
    /// that makes no host.
    pub fn resolve(
        plan: &Plan,
        frame_variables: &[String],
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VariableError> {
        let mut environment = Self::default();
        for text in plan.texts_with_variables() {
            for name in variables_of(&text.text) {
                let value = environment.add(name, &text.place, &look_up)?;
                check_printable(&text.place, name, value)?;
            }
        }
        for name in frame_variables {
            environment.add(name, "the frames of the devices", &look_up)?;
        }
        let elsewhere = secret_variables(plan, frame_variables);
        for variable in &mut environment.0 {
            variable.is_host = !elsewhere.contains(&variable.name);
        }
        for address in plan.target_addresses() {
            environment.origin(address)?;
        }
        Ok(environment)
    }

    /// Returns the names of the variables, in the order of their numbers.
    pub fn names(&self) -> Vec<String> {
        let names = self.0.iter().map(|variable| variable.name.clone());
        names.collect()
    }

    /// Returns the value of a variable; `None` for one that the plan does not name.
    pub fn value(&self, name: &str) -> Option<&SecretString> {
        let mut variables = self.0.iter();
        let variable = variables.find(|variable| variable.name == name)?;
        Some(&variable.value)
    }

    /// Yields the values that no record shows: all but hosts.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = self.0.iter().filter(|variable| !variable.is_host);
        secrets.map(|variable| variable.value.expose_secret())
    }

    /// Returns scheme, host and port of an address of the plan.
    ///
    /// # Errors
    /// If they are not an address.
    pub fn origin(&self, address: &str) -> Result<Uri, VariableError> {
        let not_a_host = || VariableError::NotAHost {
            address: mask_address(address),
        };
        let mut names = ValueNames {
            environment: self.names(),
            ..ValueNames::default()
        };
        let template = AddressTemplate::parse_origin(address, &mut names);
        let mut origin = String::new();
        template
            .map_err(|_| not_a_host())?
            .render(self, &mut origin);
        let (_, authority) = origin.split_once("://").ok_or_else(not_a_host)?;
        // A variable must not bring a path, or a user's name that would be sent to the host.
        let is_host = !authority.is_empty() && !authority.contains(['/', '?', '#', '@']);
        let uri: Option<Uri> = is_host.then(|| origin.parse().ok()).flatten();
        uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty()))
            .ok_or_else(not_a_host)
    }

    fn add(
        &mut self,
        name: &str,
        place: &str,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<&str, VariableError> {
        let known = self.0.iter().position(|variable| variable.name == name);
        let number = match known {
            Some(number) => number,
            None => {
                self.0.push(Variable {
                    name: name.to_owned(),
                    value: value_of(place, name, look_up)?.into(),
                    is_host: false,
                });
                self.0.len() - 1
            }
        };
        Ok(self.0[number].value.expose_secret())
    }
}

/// Returns the variables that stand anywhere but in the host of an address.
fn secret_variables(plan: &Plan, frame_variables: &[String]) -> Vec<String> {
    let texts = plan.texts_with_variables().into_iter();
    let named = texts.flat_map(|text| {
        let text = match text.is_address {
            true => AddressTemplate::behind_host(&text.text).to_owned(),
            false => text.text,
        };
        let names = variables_of(&text).into_iter().map(str::to_owned);
        names.collect::<Vec<_>>()
    });
    named.chain(frame_variables.iter().cloned()).collect()
}

impl Values for Environment {
    fn append(&self, value: ValueRef, out: &mut String) {
        if let ValueRef::Environment(number) = value
            && let Some(variable) = self.0.get(number)
        {
            out.push_str(variable.value.expose_secret());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(target: &str) -> Result<Environment, VariableError> {
        let text = format!(
            "name = \"e\"\nduration = \"1s\"\n[[devices]]\nname = \"home\"\ncount = 1\n\
             ramp = \"1/s\"\n[target]\ndialect = \"plain\"\n{target}"
        );
        let plan = highwater_scenarios::parse("e.toml", &text, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        Environment::resolve(&plan, &["FRAME".to_owned()], |name| match name {
            "TOKEN" => Some("t0k\n".to_owned()),
            "FRAME" => Some("größe".to_owned()),
            "HOST" => Some("h.example:8443".to_owned()),
            "PATH_IN_HOST" => Some("h/x@y".to_owned()),
            "BAD" => Some("a\nb".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_looked_up_once() {
        let environment = resolved(
            "ws = \"wss://${HOST}/${TOKEN}\"\nheaders = { A = \"${TOKEN}-${TOKEN}.\", B = \"$X }\" }",
        )
        .unwrap();
        assert_eq!(environment.names(), ["HOST", "TOKEN", "FRAME"]);
        let origin = environment.origin("wss://${HOST}/{device}").unwrap();
        assert_eq!(origin.host(), Some("h.example"));
        assert_eq!(origin.port_u16(), Some(8443));
        let mut text = String::new();
        environment.append(ValueRef::Environment(1), &mut text);
        assert_eq!(text, "t0k");
        // Hosts stand in messages.
        let secrets: Vec<&str> = environment.secrets().collect();
        assert_eq!(secrets, ["t0k", "größe"]);
        assert!(!format!("{environment:?}").contains("t0k"));
    }

    #[test]
    fn unusable_variable_is_an_error_with_its_place() {
        let error = |target| resolved(target).unwrap_err().to_string();
        assert_eq!(
            error("ws = \"ws://h/\"\nheaders = { A = \"${NONE}\" }"),
            "cannot fill in the header field A: the variable NONE is not set"
        );
        assert_eq!(
            error("ws = \"ws://h/?k=${BAD}&p=s3cr3t\""),
            "invalid variable BAD for the address ws://h/?k=${BAD}&p=***: expected printable ASCII"
        );
        let text = error("ws = \"ws://${PATH_IN_HOST}/\"");
        assert!(
            text.starts_with("invalid host in the address ws://${PATH_IN_HOST}/"),
            "{text}"
        );
        assert!(!text.contains("h/x"), "{text}");
    }
}
