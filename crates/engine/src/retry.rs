//! One retry policy for every seam: the seam says whether, this says when.

use std::time::Duration;

use tagwarden_core::Retry;

/// Waits of doubling length with a ceiling and an end.
#[derive(Debug, Clone)]
pub struct Backoff {
    attempt: u32,
    attempts: u32,
    first: Duration,
    ceiling: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { attempt: 0, attempts: 12, first: Duration::from_millis(100), ceiling: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// How long to wait before the next try; `None` when it is time to give up.
    pub fn next(&mut self, retry: Retry) -> Option<Duration> {
        let Retry::Retry { after } = retry else { return None };
        if self.attempt >= self.attempts {
            return None;
        }
        // The exponent is clamped before the power is taken, so the product can't overflow.
        let doubled = self.first.saturating_mul(1 << self.attempt.min(16)).min(self.ceiling);
        self.attempt += 1;
        Some(after.unwrap_or(doubled))
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;
    use tagwarden_core::Retry;

    #[test]
    fn doubles_to_a_ceiling_and_ends() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = std::iter::from_fn(|| backoff.next(Retry::Retry { after: None })).collect();
        assert_eq!(waits[..3], [100, 200, 400].map(Duration::from_millis));
        assert_eq!((waits.len(), waits[11]), (12, Duration::from_secs(30)));
        backoff.reset();
        let asked = Some(Duration::from_secs(7));
        assert_eq!(backoff.next(Retry::Retry { after: asked }), asked);
        assert_eq!(backoff.next(Retry::Stop), None);
        assert_eq!(backoff.next(Retry::RejectItem), None);
    }
}
