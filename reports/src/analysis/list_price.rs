//! The list prices of a provider that bills the requests of a backplane.
//!
//! The prices are those of one region at one time, without discounts, free quotas, bytes and the
//! price of a payload beyond 64 KiB. What follows from them is an estimate.

use crate::record::names::gauge;

/// The month and the region of the prices.
pub(crate) const PRICES_OF: &str = "June 2026, us-east-1";

/// A billed operation and its price.
pub(crate) struct ListPrice {
    /// The gauge with the number of operations of a node.
    pub(crate) gauge: &'static str,
    /// US dollars for a million operations.
    pub(crate) usd_per_million: f64,
}

/// The prices: SNS and SQS with FIFO topics and queues, DynamoDB on demand.
pub(crate) const LIST_PRICES: &[ListPrice] = &[
    price(gauge::BILLED_SNS_PUBLISH, 0.30),
    price(gauge::BILLED_SNS_DELIVERY, 0.01),
    price(gauge::BILLED_SQS_SEND, 0.50),
    price(gauge::BILLED_SQS_RECEIVE, 0.50),
    price(gauge::BILLED_SQS_DELETE, 0.50),
    // A consistent read of up to 4 KB, and a write of up to 1 KB.
    price(gauge::BILLED_DYNAMODB_READ, 0.125),
    price(gauge::BILLED_DYNAMODB_WRITE, 0.625),
];

const fn price(gauge: &'static str, usd_per_million: f64) -> ListPrice {
    ListPrice {
        gauge,
        usd_per_million,
    }
}

/// Returns the US dollars of operations, whose numbers `count` returns; `None` when one of them
/// is not known.
pub(crate) fn usd(count: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    let prices = LIST_PRICES.iter();
    prices
        .map(|price| Some(count(price.gauge)? * price.usd_per_million / 1e6))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_is_unknown_without_one_of_its_parts() {
        let all = usd(|_| Some(1e6)).expect("every number is known");
        let expected: f64 = LIST_PRICES.iter().map(|price| price.usd_per_million).sum();
        assert!((all - expected).abs() < 1e-9, "{all}");
        let missing = |name: &str| (name != gauge::BILLED_SQS_DELETE).then_some(1.0);
        assert_eq!(usd(missing), None);
    }
}
