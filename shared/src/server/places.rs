//! Places for connections: how many are taken, and who is told so.

use std::sync::{Arc, Mutex};

/// A bounded number of places.
pub(super) struct Places<F> {
    most: usize,
    taken: Mutex<usize>,
    on_count: F,
}

/// One place, free again when it is dropped, however its connection ends.
pub(super) struct Place<F: Fn(usize)> {
    places: Arc<Places<F>>,
}

impl<F: Fn(usize)> Places<F> {
    /// `on_count` is told how many are taken whenever that changes.
    pub(super) fn new(most: usize, on_count: F) -> Self {
        Self {
            most,
            taken: Mutex::new(0),
            on_count,
        }
    }

    /// A place, unless all are taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place<F>> {
        self.change(|taken| (taken < self.most).then(|| taken + 1))
            .then(|| Place {
                places: Arc::clone(self),
            })
    }

    /// Tells while it holds the lock, so that the last thing told is the present number.
    fn change(&self, next: impl FnOnce(usize) -> Option<usize>) -> bool {
        let mut taken = self
            .taken
            .lock()
            .expect("nobody panics while holding this lock");
        let Some(next) = next(*taken) else {
            return false;
        };
        *taken = next;
        (self.on_count)(next);
        true
    }
}

impl<F: Fn(usize)> Drop for Place<F> {
    fn drop(&mut self) {
        self.places.change(|taken| Some(taken - 1));
    }
}
