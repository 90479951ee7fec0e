//! The frames of a pool, compiled, and the values that all of its sockets share.

use std::collections::BTreeMap;

use highwater_scenarios::{
    Plan,
    frames::{CompiledFrames, ValueNames},
    plan::DevicePool,
};

use crate::access::SecretString;

/// The values of variables of the environment, by their names.
pub type Variables = BTreeMap<String, SecretString>;

/// The protocol of a pool's sockets.
#[derive(Debug)]
pub struct PoolProtocol {
    /// The frames.
    pub frames: CompiledFrames,
    /// Number of values that a socket takes from frames.
    pub taken_count: usize,
    /// The values of `${NAME}`, in the order of their numbers.
    environment: Box<[SecretString]>,
}

/// The reason why the frames of a plan cannot be used. The coordinator checks a scenario
/// before a run, so that only a worker of another version finds one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A template or a matcher does not compile.
    #[error("invalid frames of the pool {pool}: {problem}")]
    Invalid {
        /// Name of the pool.
        pool: String,
        /// The first problem.
        problem: String,
    },
    /// The coordinator sent no value for a variable.
    #[error("cannot fill in the frames of the pool {pool}: no value of the variable {variable}")]
    Variable {
        /// Name of the pool.
        pool: String,
        /// Name of the variable.
        variable: String,
    },
}

impl PoolProtocol {
    /// Compiles the frames of a pool; `None` where it has none.
    ///
    /// # Errors
    /// If they do not compile, or a variable has no value.
    pub fn compile(
        pool: &DevicePool,
        variables: &Variables,
    ) -> Result<Option<Self>, ProtocolError> {
        let Some((frames, names)) = compile_frames(pool)? else {
            return Ok(None);
        };
        let environment = names.environment.iter().map(|name| {
            let value = variables.get(name).cloned();
            value.ok_or_else(|| ProtocolError::Variable {
                pool: pool.name.clone(),
                variable: name.clone(),
            })
        });
        Ok(Some(Self {
            environment: environment.collect::<Result<_, _>>()?,
            taken_count: names.taken.len(),
            frames,
        }))
    }

    /// Compiles the frames of every pool of a plan, in its order.
    ///
    /// # Errors
    /// If they do not compile, or a variable has no value.
    pub fn compile_all(
        plan: &Plan,
        variables: &Variables,
    ) -> Result<Box<[Option<Self>]>, ProtocolError> {
        let pools = plan.devices.iter();
        pools.map(|pool| Self::compile(pool, variables)).collect()
    }

    /// Returns the value of the variable with this number.
    pub(super) fn environment(&self, number: usize) -> &str {
        let value = self.environment.get(number);
        value.map_or("", SecretString::expose_secret)
    }
}

/// Returns the names of the variables of the environment in the frames of a plan.
///
/// # Errors
/// If the frames do not compile.
pub fn variable_names(plan: &Plan) -> Result<Vec<String>, ProtocolError> {
    let mut variables = Vec::new();
    for pool in &plan.devices {
        if let Some((_, names)) = compile_frames(pool)? {
            variables.extend(names.environment);
        }
    }
    Ok(variables)
}

fn compile_frames(
    pool: &DevicePool,
) -> Result<Option<(CompiledFrames, ValueNames)>, ProtocolError> {
    let Some(spec) = pool.frames.as_deref() else {
        return Ok(None);
    };
    let mut names = ValueNames::default();
    match CompiledFrames::compile(spec, &mut names) {
        Ok(frames) => Ok(Some((frames, names))),
        Err(problems) => {
            let first = problems.first();
            Err(ProtocolError::Invalid {
                pool: pool.name.clone(),
                problem: first.map_or_else(String::new, |first| first.diagnostic.to_string()),
            })
        }
    }
}
