//! What became of every event: counted where it happens, never by subtraction.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// Counters of one process. Shared with the metrics page.
        #[derive(Debug, Default)]
        pub struct Counts { $($(#[$meta])* pub $name: AtomicU64),+ }

        impl Counts {
            /// Every counter by its name.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed))),+]
            }
        }
    };
}

counts! {
    /// Events handed over by the source, broken ones included.
    pulled,
    /// Events with at least one row in the open epoch or the archive.
    archived,
    /// Reads that nothing asked to keep.
    read_only,
    /// Events in quarantine.
    quarantined,
    /// Events seen before.
    duplicate,
    /// Rows written to the open epoch.
    changes,
    /// Rows in sealed files, as the files say.
    sealed_rows,
    /// Epochs advanced.
    epochs,
    /// Alert groups opened.
    alerts,
    /// Changes by disposition.
    archive_only,
    /// Changes for the digest.
    digest,
    /// Changes told.
    notify,
    /// Changes told loudly.
    page,
    /// Changes silenced.
    suppressed,
    /// Batches after which the identity did not hold.
    broken,
    /// Milliseconds between the newest event's time and the wall clock when it was judged.
    lag_ms,
    /// Milliseconds or bytes that the source is behind, as it says.
    behind,
    /// Wall clock in milliseconds when a record was last pulled.
    last_pull_ms,
}

impl Counts {
    /// Adds one to `counter`.
    pub fn one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Holds `pulled = archived + read_only + quarantined + duplicate` against itself. Called between records, when it must
    /// hold; a failure is kept in `broken`, for the metrics page and the report.
    pub fn check(&self) {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let fates = [&self.archived, &self.read_only, &self.quarantined, &self.duplicate];
        if get(&self.pulled) != fates.into_iter().map(get).sum::<u64>() {
            Self::one(&self.broken);
        }
    }
}
