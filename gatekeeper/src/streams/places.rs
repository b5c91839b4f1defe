//! How many streams there are, in all and for each visitor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use shared::ids::{RoomName, VisitorId};
use shared::tokens::waiting::WaitingClaims;

/// The limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The process has as many streams as it may.
    Process,
    /// The visitor has.
    Visitor,
}

type Who = (RoomName, VisitorId);

/// A bounded number of places for streams.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    most_per_visitor: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_visitor: HashMap<Who, usize>,
}

/// One place, free again when it is dropped, however its stream ends.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    who: Who,
}

impl Places {
    pub(super) fn new(most: usize, most_per_visitor: usize) -> Self {
        Self {
            most,
            most_per_visitor,
            taken: Mutex::default(),
        }
    }

    /// A place for a stream of the visitor of `claims`.
    pub(super) fn take(self: &Arc<Self>, claims: &WaitingClaims) -> Result<Place, Full> {
        let who = (claims.room.clone(), claims.sub.clone());
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(Full::Process);
        }
        let own = taken.by_visitor.get(&who).copied().unwrap_or(0);
        if own >= self.most_per_visitor {
            return Err(Full::Visitor);
        }
        taken.by_visitor.insert(who.clone(), own + 1);
        taken.all += 1;
        metrics::gauge!("onsale_gatekeeper_streams").increment(1.0);
        let places = Arc::clone(self);
        Ok(Place { places, who })
    }

    fn give_back(&self, who: &Who) {
        let mut taken = self.lock();
        taken.all -= 1;
        metrics::gauge!("onsale_gatekeeper_streams").decrement(1.0);
        match taken.by_visitor.get_mut(who) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.by_visitor.remove(who)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        let locked = self.taken.lock();
        locked.expect("nobody panics while holding this lock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(&self.who);
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::Number;

    use super::*;

    fn claims(visitor: &str) -> WaitingClaims {
        let (visitor, room) = (visitor.parse().unwrap(), "main".parse().unwrap());
        WaitingClaims::new(visitor, room, 1, Number(1))
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_visitor_and_free_again_once_dropped() {
        let places = Arc::new(Places::new(3, 2));
        let (first, second) = (places.take(&claims("ada")), places.take(&claims("ada")));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(places.take(&claims("ada")).unwrap_err(), Full::Visitor);
        let third = places.take(&claims("bob"));
        assert!(third.is_ok());
        assert_eq!(places.take(&claims("eve")).unwrap_err(), Full::Process);
        drop(first);
        let again = places.take(&claims("ada"));
        assert!(again.is_ok());
        drop((second, third, again));
        assert!(places.lock().by_visitor.is_empty(), "nobody is remembered");
        assert_eq!(places.lock().all, 0);
    }
}
