//! The 2-bit map of a house, as `GET …/seats` sends it: four seats a byte, the lowest bits first.

use bytes::Bytes;

const AVAILABLE: u8 = 0;
const HELD: u8 = 1;

/// What a buyer sees of the house, in the order of its layout.
#[derive(Clone, Debug)]
pub(crate) struct SeatMap {
    packed: Bytes,
    seats: u32,
}

impl SeatMap {
    /// Takes the body of an answer; `None` when it is too short for the house.
    pub(crate) fn of(packed: Bytes, seats: u32) -> Option<Self> {
        let needed = usize::try_from(seats.div_ceil(4)).ok()?;
        (packed.len() >= needed).then_some(Self { packed, seats })
    }

    /// The seats that may be asked for, front first.
    pub(crate) fn free(&self) -> Vec<u32> {
        (0..self.seats)
            .filter(|seat| self.status(*seat) == AVAILABLE)
            .collect()
    }

    /// Nothing is free and nothing is held: nothing will become free.
    pub(crate) fn sold_out(&self) -> bool {
        (0..self.seats).all(|seat| !matches!(self.status(seat), AVAILABLE | HELD))
    }

    fn status(&self, seat: u32) -> u8 {
        // In range: the length was checked when the map was made.
        let byte = self.packed[seat as usize / 4];
        (byte >> (2 * (seat % 4))) & 0b11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bits_are_the_first_seat() {
        // Seats 0 to 3: available, held, reserved, available; seat 4: reserved.
        let map = SeatMap::of(Bytes::from_static(&[0b00_10_01_00, 0b10]), 5).unwrap();
        assert_eq!(map.free(), [0, 3]);
        assert!(!map.sold_out());
    }

    #[test]
    fn a_house_with_a_held_seat_is_not_sold_out() {
        let held = SeatMap::of(Bytes::from_static(&[0b10_10_01_10]), 4).unwrap();
        assert!(held.free().is_empty());
        assert!(!held.sold_out());
        let sold = SeatMap::of(Bytes::from_static(&[0b10_10_10_10]), 4).unwrap();
        assert!(sold.sold_out());
    }

    #[test]
    fn a_map_too_short_for_the_house_is_refused() {
        assert!(SeatMap::of(Bytes::from_static(&[0]), 5).is_none());
    }
}
