//! The frames of a pool, compiled, and the values that all of its sockets share.

use highwater_scenarios::{
    Plan,
    diagnostic::Diagnostic,
    frames::{CompiledCommand, CompiledExchange, CompiledFrames, CompiledStomp, ValueNames},
    plan::{DevicePool, SystemSpec},
};

use crate::access::Environment;

/// The protocol of a pool's sockets.
#[derive(Debug)]
pub struct PoolProtocol {
    /// The frames.
    pub frames: CompiledFrames,
    /// The texts of the pool's sessions of STOMP; `None` in other dialects.
    pub stomp: Option<CompiledStomp>,
    /// The messages of the pool's devices, by the number of the load in the plan.
    exchanges: Box<[(usize, CompiledExchange)]>,
    /// The requests of the scenario's own, by the number of the load in the plan.
    commands: Box<[(usize, CompiledCommand)]>,
    /// Number of values that a socket takes from frames.
    pub taken_count: usize,
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
    /// Compiles the frames of a pool, and those of the loads that use it; `None` without any.
    ///
    /// # Errors
    /// If they do not compile, or a variable has no value.
    pub fn compile(
        plan: &Plan,
        pool: &DevicePool,
        environment: &Environment,
    ) -> Result<Option<Self>, ProtocolError> {
        let known = environment.names();
        let Some(compiled) = CompiledPool::compile(plan, pool, known.clone())? else {
            return Ok(None);
        };
        let names = compiled.names;
        // Names that are not known were added behind the others.
        if let Some(variable) = names.environment.get(known.len()) {
            return Err(ProtocolError::Variable {
                pool: pool.name.clone(),
                variable: variable.clone(),
            });
        }
        Ok(Some(Self {
            taken_count: names.frame_value_count(),
            frames: compiled.frames,
            stomp: compiled.stomp,
            exchanges: compiled.exchanges,
            commands: compiled.commands,
        }))
    }

    /// Compiles the frames of every pool of a plan, in its order.
    ///
    /// # Errors
    /// If they do not compile, or a variable has no value.
    pub fn compile_all(
        plan: &Plan,
        environment: &Environment,
    ) -> Result<Box<[Option<Self>]>, ProtocolError> {
        let pools = plan.devices.iter();
        pools
            .map(|pool| Self::compile(plan, pool, environment))
            .collect()
    }

    /// Yields the messages of the pool's devices, each with the number of its load.
    pub fn exchanges(&self) -> impl Iterator<Item = (usize, &CompiledExchange)> {
        self.exchanges
            .iter()
            .map(|(load, exchange)| (*load, exchange))
    }

    /// Returns the messages of load number `load`.
    pub fn exchange(&self, load: usize) -> Option<&CompiledExchange> {
        let mut exchanges = self.exchanges();
        exchanges.find_map(|(number, exchange)| (number == load).then_some(exchange))
    }

    /// Returns the request of the scenario's own of command load number `load`.
    pub fn command(&self, load: usize) -> Option<&CompiledCommand> {
        let mut commands = self.commands.iter();
        commands.find_map(|(number, command)| (*number == load).then_some(command))
    }
}

/// Returns the names of the variables of the environment in the frames of a plan.
///
/// # Errors
/// If the frames do not compile.
pub fn variable_names(plan: &Plan) -> Result<Vec<String>, ProtocolError> {
    let mut variables = Vec::new();
    for pool in &plan.devices {
        if let Some(compiled) = CompiledPool::compile(plan, pool, Vec::new())? {
            variables.extend(compiled.names.environment);
        }
    }
    Ok(variables)
}

/// The texts of a pool, compiled, and the names in them.
struct CompiledPool {
    frames: CompiledFrames,
    stomp: Option<CompiledStomp>,
    exchanges: Box<[(usize, CompiledExchange)]>,
    commands: Box<[(usize, CompiledCommand)]>,
    names: ValueNames,
}

impl CompiledPool {
    /// Compiles the texts of a pool; `None` where it has none. `environment` are the names of
    /// the variables that have numbers already.
    fn compile(
        plan: &Plan,
        pool: &DevicePool,
        environment: Vec<String>,
    ) -> Result<Option<Self>, ProtocolError> {
        let messages = plan.messages.iter().enumerate();
        let messages: Vec<_> = messages
            .filter(|(_, load)| load.pool == pool.name)
            .collect();
        let commands = plan.commands.iter().enumerate();
        let commands =
            commands.filter(|(_, load)| load.is_for(&pool.name) && load.is_own_request());
        let commands: Vec<_> = commands.collect();
        let stomp = match &plan.system {
            SystemSpec::Target(target) => target.stomp.as_ref(),
            SystemSpec::Cluster(_) => None,
        };
        let has_texts = !messages.is_empty() || !commands.is_empty();
        if pool.frames.is_none() && stomp.is_none() && !has_texts {
            return Ok(None);
        }
        let invalid = |first: Option<&Diagnostic>| ProtocolError::Invalid {
            pool: pool.name.clone(),
            problem: first.map_or_else(String::new, Diagnostic::to_string),
        };
        let mut names = ValueNames {
            environment,
            ..ValueNames::of_pool(pool)
        };
        let frames = pool.frames.as_deref().cloned().unwrap_or_default();
        let frames = CompiledFrames::compile(&frames, &mut names)
            .map_err(|problems| invalid(problems.first().map(|first| &first.diagnostic)))?;
        let stomp = stomp.map(|spec| {
            CompiledStomp::compile(spec, &pool.subscribe, &mut names)
                .map_err(|problems| invalid(problems.first().map(|first| &first.diagnostic)))
        });
        let stomp = stomp.transpose()?;
        let exchanges = messages.into_iter().map(|(number, load)| {
            let exchange = CompiledExchange::compile(load.into(), &mut names)
                .map_err(|problems| invalid(problems.first().map(|first| &first.diagnostic)))?;
            Ok((number, exchange))
        });
        let exchanges = exchanges.collect::<Result<_, ProtocolError>>()?;
        let commands = commands.into_iter().map(|(number, load)| {
            let command = CompiledCommand::compile(load.into(), &mut names)
                .map_err(|problems| invalid(problems.first().map(|first| &first.diagnostic)))?;
            Ok((number, command))
        });
        Ok(Some(Self {
            commands: commands.collect::<Result<_, ProtocolError>>()?,
            frames,
            stomp,
            exchanges,
            names,
        }))
    }
}
