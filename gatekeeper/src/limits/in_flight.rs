//! How much may be under way at once. What comes beyond is refused at once: a queue would only make everybody late.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A bounded number of things under way.
#[derive(Debug)]
pub struct InFlight {
    name: &'static str,
    most: usize,
    entered: AtomicUsize,
}

/// One of them; it ends when this is dropped, however it went.
#[derive(Debug)]
pub struct Place<'places> {
    places: &'places InFlight,
}

impl InFlight {
    /// At most `most` at once; 0 means any number. Metrics call what was refused `name`.
    pub fn new(name: &'static str, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            name,
            most: if most == 0 { usize::MAX } else { most },
            entered: AtomicUsize::new(0),
        }
    }

    /// A place, unless all are taken.
    pub fn enter(&self) -> Option<Place<'_>> {
        // Taken first and given back where it was one too many: without a loop, and never more than `most` stay.
        let place = Place { places: self };
        if self.entered.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(place);
        }
        super::count_refusal(self.name);
        None
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.places.entered.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = InFlight::new("test", 2);
        let first = places.enter().unwrap();
        let second = places.enter().unwrap();
        assert!(places.enter().is_none());
        assert!(places.enter().is_none(), "being refused takes no place");
        drop(first);
        let third = places.enter();
        assert!(third.is_some());
        assert!(places.enter().is_none());
        drop((second, third));
        assert_eq!(places.entered.load(Ordering::Relaxed), 0);
    }
}
