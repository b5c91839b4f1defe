//! What a process knows of the numbers that were given out, so that a Redis that has forgotten some does not give them again.

use std::sync::{Mutex, PoisonError};

/// The highest number of a life that somebody was seen to have.
#[derive(Debug, Default)]
pub(super) struct Given(Mutex<Known>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    life: u64,
    next: u64,
}

impl Given {
    /// All numbers of the life before `next` were given. Of two lives the later one counts.
    pub(super) fn see(&self, life: u64, next: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if life > known.life {
            *known = Known { life, next };
        } else if life == known.life {
            known.next = known.next.max(next);
        }
    }

    /// Life and next number; zeros when nothing is known.
    pub(super) fn known(&self) -> (u64, u64) {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (known.life, known.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_of_the_latest_life_is_known() {
        let given = Given::default();
        assert_eq!(given.known(), (0, 0));
        for (life, next, expected) in [
            (2, 10, (2, 10)),
            (2, 7, (2, 10)),
            (1, 99, (2, 10)),
            (3, 1, (3, 1)),
        ] {
            given.see(life, next);
            assert_eq!(given.known(), expected);
        }
    }
}
