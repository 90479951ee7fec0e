//! The limit of answers per second: a server must not make a socket send without end.

use std::time::Duration;

use tokio::time::Instant;

/// Most answers of one socket in a second.
pub const ANSWERS_PER_SECOND: u32 = 100;

/// The answers that a socket may still give.
#[derive(Debug, Default)]
pub struct AnswerBudget {
    /// The start of the second that is counted.
    started: Option<Instant>,
    given: u32,
}

impl AnswerBudget {
    /// Takes one answer from the budget; `false` when none is left in this second.
    pub fn try_take(&mut self, now: Instant) -> bool {
        let is_over = |started: Instant| now.duration_since(started) >= Duration::from_secs(1);
        if self.started.is_none_or(is_over) {
            *self = Self {
                started: Some(now),
                given: 0,
            };
        }
        let is_left = self.given < ANSWERS_PER_SECOND;
        self.given += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_has_its_answers_and_the_next_one_as_many() {
        let mut budget = AnswerBudget::default();
        let start = Instant::now();
        let mut taken = |after_ms| {
            let now = start + Duration::from_millis(after_ms);
            (0..1_000).filter(|_| budget.try_take(now)).count()
        };
        assert_eq!(taken(0), 100);
        assert_eq!(taken(999), 0);
        assert_eq!(taken(1_000), 100);
    }
}
