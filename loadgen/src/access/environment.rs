//! Variables of the environment that a plan names.

use highwater_scenarios::{
    Plan,
    frames::{AddressTemplate, ValueNames, ValueRef, Values, variables_of},
};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::Uri;

use super::SecretString;

/// The variables of the environment that a plan names, by name. The coordinator looks them up,
/// and workers get them over the control link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(Vec<(String, SecretString)>);

/// The reason why a variable cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A variable is not set, or is not text.
    #[error("cannot fill in {place}: the variable {variable} is not set")]
    Unset {
        /// The place that needs it, in words.
        place: String,
        /// Name of the variable.
        variable: String,
    },
    /// A variable holds characters that a header field must not hold.
    #[error("invalid variable {variable} for {place}: expected printable ASCII")]
    Unprintable {
        /// The place that needs it, in words.
        place: String,
        /// Name of the variable.
        variable: String,
    },
    /// The variables of an address do not give a host.
    #[error("invalid host in the address {address}: expected variables with a host and a port")]
    NotAHost {
        /// The address as written.
        address: String,
    },
}

impl Environment {
    /// Looks up every variable that `plan` names.
    ///
    /// # Errors
    /// If a variable has no value, or one that is not printable ASCII, or makes no host.
    pub fn resolve(
        plan: &Plan,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VariableError> {
        let mut environment = Self::default();
        for text in plan.texts_with_variables() {
            for variable in variables_of(&text.text) {
                environment.add(variable, &text.place, &look_up)?;
            }
        }
        for address in plan.target_addresses() {
            environment.origin(address)?;
        }
        Ok(environment)
    }

    /// Returns the names of the variables, in the order of their numbers.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns scheme, host and port of an address of the plan.
    ///
    /// # Errors
    /// If they are not an address.
    pub fn origin(&self, address: &str) -> Result<Uri, VariableError> {
        let not_a_host = || VariableError::NotAHost {
            address: address.to_owned(),
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

    /// Returns a text with `***` in place of every value of a variable.
    pub fn redact(&self, text: &str) -> String {
        let values = self.0.iter().map(|(_, value)| value.expose_secret());
        let values = values.filter(|value| !value.is_empty());
        values.fold(text.to_owned(), |text, value| text.replace(value, "***"))
    }

    fn add(
        &mut self,
        variable: &str,
        place: &str,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<(), VariableError> {
        if self.0.iter().any(|(name, _)| name == variable) {
            return Ok(());
        }
        let (place, variable) = (place.to_owned(), variable.to_owned());
        let Some(value) = look_up(&variable) else {
            return Err(VariableError::Unset { place, variable });
        };
        // Files and shells leave a line end behind secrets.
        let value = value.trim();
        // CR and LF would end the field and begin another one (RFC 9110, section 5.5).
        if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(VariableError::Unprintable { place, variable });
        }
        self.0.push((variable, value.to_owned().into()));
        Ok(())
    }
}

impl Values for Environment {
    fn append(&self, value: ValueRef, out: &mut String) {
        if let ValueRef::Environment(number) = value
            && let Some((_, value)) = self.0.get(number)
        {
            out.push_str(value.expose_secret());
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
        Environment::resolve(&plan, |name| match name {
            "TOKEN" => Some("t0k\n".to_owned()),
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
        assert_eq!(environment.names(), ["HOST", "TOKEN"]);
        let origin = environment.origin("wss://${HOST}/{device}").unwrap();
        assert_eq!(origin.host(), Some("h.example"));
        assert_eq!(origin.port_u16(), Some(8443));
        let mut text = String::new();
        environment.append(ValueRef::Environment(1), &mut text);
        assert_eq!(text, "t0k");
        assert_eq!(environment.redact("x t0k y"), "x *** y");
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
            error("ws = \"ws://h/?k=${BAD}\""),
            "invalid variable BAD for the address ws://h/?k=${BAD}: expected printable ASCII"
        );
        let text = error("ws = \"ws://${PATH_IN_HOST}/\"");
        assert!(
            text.starts_with("invalid host in the address ws://${PATH_IN_HOST}/"),
            "{text}"
        );
        assert!(!text.contains("h/x"), "{text}");
    }
}
