//! The local addresses of workers' sockets.

use std::net::IpAddr;

use anyhow::anyhow;
use clap::Args;
use highwater_loadgen::worker::source_address::{
    ForeignSource, InvalidSource, check_sources, parse_sources,
};

use crate::{exit::Exit, failure::CliFailure};

#[derive(Debug, Args)]
pub(crate) struct BindArgs {
    /// Local addresses of the sockets: ADDRESS or FIRST-LAST, with commas
    ///
    /// Sockets spread over all of them. Each has ports of its own, by default some
    /// 28,000 for one address and port of the target.
    #[arg(long, value_name = "ADDRS", value_delimiter = ',', value_parser = parse_range)]
    bind: Vec<AddressRange>,
}

/// The addresses of one part of `--bind`.
#[derive(Debug, Clone)]
struct AddressRange(Vec<IpAddr>);

fn parse_range(text: &str) -> Result<AddressRange, InvalidSource> {
    parse_sources(text).map(AddressRange)
}

impl BindArgs {
    /// Returns all addresses in the order given, each once; none leave the choice to the kernel.
    pub(crate) fn into_addresses(self) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for address in self.bind.into_iter().flat_map(|range| range.0) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Returns the same addresses, if all are of this machine.
    pub(crate) fn into_local_addresses(self) -> Result<Vec<IpAddr>, CliFailure> {
        let addresses = self.into_addresses();
        check_sources(&addresses).map_err(|ForeignSource { address, source }| {
            let error = anyhow!("cannot connect from {address}: {source}");
            let hint = "name addresses of this machine with --bind; `ip address` lists them";
            CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
        })?;
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        bind: BindArgs,
    }

    #[test]
    fn addresses_and_ranges_are_one_list_without_repeats() {
        let parse = |text| Command::try_parse_from(["command", "--bind", text]);
        let parsed = parse("192.0.2.7,192.0.2.1-192.0.2.2,192.0.2.7,::1");
        let addresses = parsed.map(|command| command.bind.into_addresses());
        let expected = ["192.0.2.7", "192.0.2.1", "192.0.2.2", "::1"];
        let expected = expected.map(|text| text.parse::<IpAddr>().expect("an address"));
        assert_eq!(addresses.expect("valid"), expected);
        let error = parse("192.0.2.1,eth0").err().expect("invalid").to_string();
        assert!(error.contains("expected an IP address"), "{error}");
    }
}
