//! The kinds of balancers.

use highwater_scenarios::plan::BalancerKind;

use super::{driver::BalancerDriver, gateway, haproxy, nginx};

/// All kinds of balancers.
pub(crate) static DRIVERS: [BalancerDriver; 3] = [gateway::DRIVER, nginx::DRIVER, haproxy::DRIVER];

/// Returns the driver of a kind; `None` for a cluster without balancers.
pub(crate) fn driver(kind: BalancerKind) -> Option<&'static BalancerDriver> {
    DRIVERS.iter().find(|driver| driver.kind == kind)
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_kind_except_none_has_a_driver() {
        for kind in BalancerKind::VARIANTS {
            // A kind without a name is a cluster without balancers.
            assert_eq!(driver(*kind).is_some(), kind.name().is_some(), "{kind:?}");
        }
    }
}
