//! The open files of workers, and the number of workers that they make necessary.

use crate::{
    Plan, Segment,
    plan::{CommandLoad, LoadModel, PublishLoad},
};

/// Open files that a worker keeps for itself: libraries, control link, record, and reconnects
/// while an old socket still closes.
pub const RESERVED_FILES: u64 = 512;

impl Plan {
    /// Returns the workers whose shares of sockets and HTTP connections, and a reserve of
    /// [`RESERVED_FILES`], each fit into `files_per_process` open files; at least 1.
    pub fn workers_needed(&self, files_per_process: u64) -> u32 {
        let usable = usable_files(files_per_process);
        // Segment 0 has the largest share of every pool and load.
        let fits =
            |of: u32| Segment::new(0, of).is_ok_and(|first| self.open_files(first) <= usable);
        let (mut fewest, mut enough) = (1, self.max_useful_workers());
        // Shares shrink as their number grows, so bisection finds the first fit.
        while fewest < enough {
            let middle = fewest + (enough - fewest) / 2;
            match fits(middle) {
                true => enough = middle,
                false => fewest = middle + 1,
            }
        }
        enough
    }

    /// Returns the workers of which each has at most one piece of every pool and load. More
    /// workers would not make a share smaller.
    fn max_useful_workers(&self) -> u32 {
        let sockets = self.devices.iter().map(|pool| pool.count);
        let largest = sockets
            .chain(self.http_connections_per_load())
            .max()
            .unwrap_or(1);
        // Only a bound for the bisection.
        u32::try_from(largest).unwrap_or(u32::MAX).max(1)
    }

    /// Returns the open files that a segment's sockets and HTTP connections take.
    pub fn open_files(&self, segment: Segment) -> u64 {
        self.sockets_of(segment) + self.http_connections_of(segment)
    }

    /// Returns the sockets of a segment.
    pub fn sockets_of(&self, segment: Segment) -> u64 {
        let pools = self.devices.iter();
        pools.map(|pool| segment.share_of(pool.count)).sum()
    }

    /// Returns the sockets of a segment in the pools that belong to the ramp.
    pub fn ramp_sockets_of(&self, segment: Segment) -> u64 {
        self.ramp_pools()
            .map(|pool| segment.share_of(pool.count))
            .sum()
    }

    /// Returns the most HTTP connections of all loads that are open at once.
    pub fn http_connections(&self) -> u64 {
        self.http_connections_per_load().sum()
    }

    /// Returns the most HTTP connections of a segment that are open at once.
    pub fn http_connections_of(&self, segment: Segment) -> u64 {
        self.http_connections_per_load()
            .map(|connections| segment.share_of(connections))
            .sum()
    }

    fn http_connections_per_load(&self) -> impl Iterator<Item = u64> {
        let commands = self.commands.iter().map(CommandLoad::max_connections);
        commands.chain(self.publish.iter().map(PublishLoad::connections))
    }
}

impl CommandLoad {
    /// Returns the most connections open at once: one per user; for arrivals, those within one
    /// timeout, and never more than may be in flight.
    fn max_connections(&self) -> u64 {
        match self.model {
            LoadModel::Closed { users, .. } => users,
            LoadModel::Open {
                rate,
                max_in_flight,
            } => {
                let within_timeout = (rate.as_per_second() * self.timeout.as_secs_f64()).ceil();
                // A command that is not answered keeps its connection until its timeout.
                (within_timeout as u64).min(max_in_flight).max(1)
            }
        }
    }
}

/// Returns the open files of a process that are left for sockets and connections: all except
/// [`RESERVED_FILES`], or half where the limit is small; at least 1.
pub fn usable_files(files_per_process: u64) -> u64 {
    let reserve = RESERVED_FILES.min(files_per_process / 2);
    (files_per_process - reserve).max(1)
}
