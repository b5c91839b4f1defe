//! Which rooms lead to the shop, and which have just ceased to.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::RoomName;

use super::store::OnSale;

/// The rooms as they were listed last.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Rooms with their performances that are still sold.
    open: BTreeMap<RoomName, Vec<i64>>,
    /// Rooms that must be told that they lead to no shop any more.
    closing: BTreeSet<RoomName>,
}

impl Rooms {
    /// What is listed now; rooms that are not any more are to be closed.
    pub(super) fn renew(&mut self, listed: Vec<OnSale>) {
        let mut open: BTreeMap<RoomName, Vec<i64>> = BTreeMap::new();
        for performance in listed {
            open.entry(performance.room)
                .or_default()
                .push(performance.id);
        }
        let before = std::mem::replace(&mut self.open, open);
        self.close(before.into_keys());
    }

    /// Rooms whose sales have ended, maybe while no instance was there to notice.
    pub(super) fn close(&mut self, rooms: impl IntoIterator<Item = RoomName>) {
        self.closing.extend(rooms);
        self.closing.retain(|room| !self.open.contains_key(room));
    }

    /// The room has been told.
    pub(super) fn closed(&mut self, room: &RoomName) {
        self.closing.remove(room);
    }

    /// Rooms that lead to something still sold.
    pub(super) fn open(&self) -> impl Iterator<Item = &RoomName> {
        self.open.keys()
    }

    pub(super) fn is_open(&self, room: &RoomName) -> bool {
        self.open.contains_key(room)
    }

    /// Rooms to be told that it is over.
    pub(super) fn closing(&self) -> impl Iterator<Item = &RoomName> {
        self.closing.iter()
    }

    /// The performances of a room that are still sold.
    pub(super) fn performances(&self, room: &RoomName) -> &[i64] {
        self.open.get(room).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(performances: &[(i64, &str)]) -> Vec<OnSale> {
        let on_sale = |&(id, room): &(i64, &str)| OnSale {
            id,
            room: name(room),
        };
        performances.iter().map(on_sale).collect()
    }

    fn name(room: &str) -> RoomName {
        room.parse().expect("a name")
    }

    fn closing(rooms: &Rooms) -> Vec<String> {
        rooms.closing().map(ToString::to_string).collect()
    }

    #[test]
    fn a_room_that_is_not_listed_any_more_is_closed_once() {
        let mut rooms = Rooms::default();
        rooms.renew(listed(&[(1, "a"), (2, "b"), (3, "a")]));
        assert_eq!(rooms.performances(&name("a")), [1, 3]);
        rooms.renew(listed(&[(2, "b")]));
        assert_eq!(closing(&rooms), ["a"]);
        rooms.closed(&name("a"));
        rooms.renew(listed(&[(2, "b")]));
        assert_eq!(closing(&rooms), [] as [&str; 0]);
    }

    #[test]
    fn a_room_is_not_closed_while_something_else_is_sold_there() {
        let mut rooms = Rooms::default();
        rooms.renew(listed(&[(1, "a")]));
        rooms.close([name("a"), name("b")]);
        assert_eq!(closing(&rooms), ["b"]);
        rooms.renew(listed(&[(1, "a"), (2, "b")]));
        assert_eq!(closing(&rooms), [] as [&str; 0]);
    }
}
