//! Who has died, and who is not ready yet.

use super::{Meter, Meters};
use crate::Fault;

/// The threads of a room.
#[derive(Debug, Default)]
pub(super) struct Life {
    n_started: u32,
    n_ended: u32,
    has_died: bool,
    is_ready: bool,
    /// Partitions that are this process's and not at their end, where a group gives them out.
    n_held: Option<usize>,
    n_waiting: usize,
}

impl Life {
    /// Whether the room runs, or has run, in this process.
    pub(super) fn has_started(&self) -> bool {
        self.n_started > 0
    }
}

/// Notes the end of a thread, a panic too.
struct Watched<'m> {
    meter: &'m Meter,
    is_well: bool,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let mut told = self.meter.told();
        told.life.n_ended += 1;
        told.life.has_died |= !self.is_well;
    }
}

impl Meter {
    /// The room has a thread in this process, which is about to run.
    pub(crate) fn starts(&self) {
        self.told().life.n_started += 1;
    }

    /// Runs one of its threads.
    pub(crate) fn watch<T>(&self, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        let mut watched = Watched { meter: self, is_well: false };
        let result = work();
        watched.is_well = result.is_ok();
        result
    }

    /// The room does its work, or stands by with no partition of its own.
    pub(crate) fn ready(&self) {
        self.told().life.is_ready = true;
    }

    /// So many partitions are this process's to run; so many of them wait to be started anew, after trouble.
    #[cfg(feature = "kafka")]
    pub(crate) fn holds(&self, n_held: usize, n_waiting: usize) {
        let mut told = self.told();
        (told.life.n_held, told.life.n_waiting) = (Some(n_held), n_waiting);
    }

    /// Why it is not ready, if it is not.
    fn lacks(&self) -> Option<String> {
        let told = self.told();
        let (room, life) = (&self.room, &told.life);
        if !life.has_started() || life.n_ended == life.n_started {
            return None;
        }
        if !life.is_ready {
            return Some(format!("`{room}` has not been assigned"));
        }
        if life.n_waiting > 0 {
            return Some(format!("`{room}` starts {} partitions anew", life.n_waiting));
        }
        let n_ready = told.levels.values().filter(|level| level.is_ready()).count();
        let n_behind = life.n_held.unwrap_or(told.levels.len()).saturating_sub(n_ready);
        (n_behind > 0).then(|| format!("`{room}` catches up in {n_behind} partitions"))
    }
}

impl Meters {
    /// The rooms of which a thread has died; nobody is well then, since the process is about to end.
    #[must_use]
    pub fn dead(&self) -> Vec<String> {
        let dead = self.rooms().filter(|meter| meter.told().life.has_died);
        dead.map(|meter| format!("`{}` has died", meter.room)).collect()
    }

    /// What is not ready for work yet, by room.
    #[must_use]
    pub fn unready(&self) -> Vec<String> {
        if !self.rooms().any(|meter| meter.told().life.has_started()) {
            return vec!["no room has started".to_owned()];
        }
        self.dead().into_iter().chain(self.rooms().filter_map(Meter::lacks)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_room_is_ready_when_all_of_its_partitions_are_and_dead_when_a_thread_has_failed() {
        let meters = Meters::of(["score", "elsewhere"]);
        assert_eq!(meters.unready(), ["no room has started"]);
        let meter: Arc<Meter> = meters.room("score");
        meter.starts();
        assert_eq!(meters.unready(), ["`score` has not been assigned"]);
        let task = meter.task(4);
        meter.ready();
        assert_eq!(meters.unready(), ["`score` catches up in 1 partitions"]);
        task.ready();
        assert!(meters.unready().is_empty() && meters.dead().is_empty());
        let died = std::panic::catch_unwind(|| meter.watch::<()>(|| panic!("a mistake")));
        assert!(died.is_err());
        assert_eq!(meters.dead(), ["`score` has died"]);
    }
}
