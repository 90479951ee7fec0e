//! The texts of a plan that may name variables of the environment.

use crate::{
    mask::mask_address,
    plan::{LoginSpec, Plan, SystemSpec},
};

/// A text of a plan with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanText {
    /// The place of the text, in words: `the header field Cookie`.
    pub place: String,
    /// Whether the text is an address.
    pub is_address: bool,
    /// The text as written.
    pub text: String,
}

impl Plan {
    /// Returns the addresses of a target and of its logins, as written.
    pub fn target_addresses(&self) -> Vec<&str> {
        let target = match &self.system {
            SystemSpec::Target(target) => Some(target),
            SystemSpec::Cluster(_) => None,
        };
        let own = target
            .into_iter()
            .flat_map(|target| target.ws.iter().chain(&target.http));
        let logins = self.logins().map(|(_, login)| &login.url);
        own.chain(logins).map(String::as_str).collect()
    }

    /// Returns the texts in which `${NAME}` stands for a variable of the environment.
    pub fn texts_with_variables(&self) -> Vec<PlanText> {
        let addresses = self.target_addresses().into_iter();
        let mut texts: Vec<PlanText> = addresses
            .map(|address| PlanText {
                place: format!("the address {}", mask_address(address)),
                is_address: true,
                text: address.to_owned(),
            })
            .collect();
        if let SystemSpec::Target(target) = &self.system {
            texts.extend(target.headers.iter().map(|header| PlanText {
                place: format!("the header field {}", header.name),
                is_address: false,
                text: header.value.clone(),
            }));
        }
        for (pool, login) in self.logins() {
            let headers = login.headers.iter().map(|header| header.value.clone());
            let bodies = login.body.iter().flat_map(|body| body.texts());
            texts.extend(headers.chain(bodies).map(|text| PlanText {
                place: format!("the login of {pool}"),
                is_address: false,
                text,
            }));
        }
        texts
    }

    /// Yields the logins with the names of their pools.
    fn logins(&self) -> impl Iterator<Item = (&str, &LoginSpec)> {
        let pools = self.devices.iter();
        pools.filter_map(|pool| Some((pool.name.as_str(), pool.login.as_ref()?)))
    }
}
