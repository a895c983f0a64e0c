//! What a run has spent, and could have at most.

use super::call::{Call, Outcome};
use super::settings::{HardLimits, Prices};
use crate::model::ids::words;
use std::collections::BTreeMap;

words! {
    /// A limit of the run's own.
    Bound {
        Requests = "requests",
        Tokens = "tokens",
        Dollars = "dollars",
        Minutes = "minutes",
    }
}

/// An input is taken for so much more than was asked for, until an answer tells: nobody knows a model's tokens before.
const UNCOUNTED: f64 = 2.0;

/// Tokens and dollars, of calls that are over as they were counted, of those under way at worst.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spending {
    pub requests: u64,
    /// Input and output, neither weighted.
    pub input: f64,
    pub output: f64,
    pub dollars: Option<f64>,
    /// Input and all of max_tokens, of the calls that got in.
    pub worst_tokens: f64,
    pub worst_dollars: Option<f64>,
    /// The largest number of counted tokens for one asked for.
    counted: Option<f64>,
    /// What each call under way may cost, as it was taken when it was sent.
    under_way: BTreeMap<usize, Cost>,
    prices: Option<Prices>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    input: f64,
    output: f64,
}

impl Spending {
    pub(super) fn new(prices: Option<Prices>) -> Spending {
        let nothing = prices.map(|_| 0.0);
        Spending { prices, dollars: nothing, worst_dollars: nothing, ..Spending::default() }
    }

    /// The limit that one more call might exceed.
    pub(super) fn exceeded(&self, limits: &HardLimits, call: &Call) -> Option<Bound> {
        let next = self.worst(call);
        let at_worst = self.under_way.values().chain([&next]);
        let (input, output) = at_worst.fold((self.input, self.output), |(input, output), cost| {
            (input + cost.input, output + cost.output)
        });
        let dollars = self.prices.map(|prices| prices.dollars(input, output));
        let above = |most: Option<f64>, value: f64| most.is_some_and(|most| value > most);
        if above(limits.requests.map(|most| most as f64), (self.requests + 1) as f64) {
            return Some(Bound::Requests);
        }
        if above(limits.tokens.map(|most| most as f64), input + output) {
            return Some(Bound::Tokens);
        }
        // Without prices nobody could tell: such a limit counts as reached.
        let is_too_dear = limits.dollars.is_some_and(|most| dollars.is_none_or(|dollars| dollars > most));
        is_too_dear.then_some(Bound::Dollars)
    }

    pub(super) fn sent(&mut self, call: &Call) {
        self.requests += 1;
        self.under_way.insert(call.number, self.worst(call));
    }

    /// Of a call that failed nobody knows what it cost: it is taken for the most.
    pub(super) fn over(&mut self, call: &Call, outcome: Outcome) {
        let Some(worst) = self.under_way.remove(&call.number) else { return };
        let (input, output) = match outcome {
            Outcome::Refused(_) => return,
            Outcome::Failed => (worst.input, worst.output),
            Outcome::Done(used) => ((used.input + used.cache_write) as f64, used.output as f64),
        };
        if let (Outcome::Done(_), true) = (outcome, call.input > 0) {
            let counted = input / call.input as f64;
            self.counted = Some(self.counted.map_or(counted, |most| most.max(counted)));
        }
        self.input += input;
        self.output += output;
        self.worst_tokens += input + call.max_tokens as f64;
        if let Some(prices) = self.prices {
            self.dollars = self.dollars.map(|sum| sum + prices.dollars(input, output));
            let worst = prices.dollars(input, call.max_tokens as f64);
            self.worst_dollars = self.worst_dollars.map(|sum| sum + worst);
        }
    }

    /// Tokens that were counted.
    pub fn tokens(&self) -> f64 {
        self.input + self.output
    }

    fn worst(&self, call: &Call) -> Cost {
        let input = call.input as f64 * self.counted.unwrap_or(UNCOUNTED);
        Cost { input, output: call.max_tokens as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Refusal, Used};
    use super::*;

    const CALL: Call = Call { number: 0, input: 100, max_tokens: 50 };

    fn limits(tokens: u64) -> HardLimits {
        HardLimits { tokens: Some(tokens), ..HardLimits::default() }
    }

    #[test]
    fn calls_under_way_count_with_all_that_they_may_use() {
        let mut spending = Spending::new(None);
        assert_eq!(spending.exceeded(&limits(250), &CALL), None, "twice the input, and max_tokens");
        assert_eq!(spending.exceeded(&limits(249), &CALL), Some(Bound::Tokens));
        spending.sent(&CALL);
        assert_eq!(spending.exceeded(&limits(499), &CALL), Some(Bound::Tokens));
        spending.over(&CALL, Outcome::Done(Used { input: 110, cache_write: 0, output: 5 }));
        // 115 were used, and a call is now taken for 110 + 50.
        assert_eq!(spending.exceeded(&limits(275), &CALL), None);
        assert_eq!(spending.exceeded(&limits(274), &CALL), Some(Bound::Tokens));
        assert_eq!((spending.tokens(), spending.worst_tokens), (115.0, 160.0));
    }

    #[test]
    fn a_limit_of_dollars_cannot_be_held_without_prices() {
        let limits = HardLimits { dollars: Some(1.0), ..HardLimits::default() };
        assert_eq!(Spending::new(None).exceeded(&limits, &CALL), Some(Bound::Dollars));
        let dear = Some(Prices { input: 3.0, output: 15_000.0 });
        assert_eq!(Spending::new(dear).exceeded(&limits, &CALL), None);
        let dearer = Some(Prices { input: 3.0, output: 20_000.0 });
        assert_eq!(Spending::new(dearer).exceeded(&limits, &CALL), Some(Bound::Dollars));
    }

    #[test]
    fn a_refused_call_costs_nothing_and_a_failed_one_the_most() {
        let mut spending = Spending::new(Some(Prices { input: 1.0, output: 1.0 }));
        spending.sent(&CALL);
        spending.over(&CALL, Outcome::Refused(Refusal::Quota));
        assert_eq!((spending.tokens(), spending.dollars), (0.0, Some(0.0)));
        spending.sent(&CALL);
        spending.over(&CALL, Outcome::Failed);
        assert_eq!((spending.requests, spending.tokens()), (2, 250.0));
    }
}
