//! How many of something may be open at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A count with a bound.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    open: AtomicUsize,
}

/// One of them; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<Arc<Room>>);

impl Room {
    /// `None` has no bound.
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self {
            most: most.unwrap_or(usize::MAX),
            open: AtomicUsize::new(0),
        }
    }

    /// A place, if there is one.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        self.open
            .fetch_update(Relaxed, Relaxed, |open| {
                (open < self.most).then_some(open + 1)
            })
            .ok()
            .map(|_| Place(Some(Arc::clone(self))))
    }

    /// One more, with or without room for it; [`leave`](Self::leave) must follow.
    pub(crate) fn stay(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    /// One less.
    pub(crate) fn leave(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

impl Place {
    /// Makes it last; [`Room::leave`] gives it back.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(room) = &self.0 {
            room.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_there_is_room_for() {
        let room = Arc::new(Room::new(Some(2)));
        let first = room.enter().unwrap();
        let second = room.enter();
        assert!(second.is_some() && room.enter().is_none());
        drop(first);
        let third = room.enter();
        assert!(third.is_some());
        room.stay();
        drop(second);
        assert!(room.enter().is_none());
        third.unwrap().keep();
        assert!(room.enter().is_none());
        room.leave();
        assert!(room.enter().is_some());
    }
}
