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

    /// The first identity that does not hold: `pulled = archived + read_only + quarantined + duplicate`.
    pub fn broken(&self) -> Option<String> {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let (pulled, fates) = (get(&self.pulled), [&self.archived, &self.read_only, &self.quarantined, &self.duplicate]);
        let sum: u64 = fates.into_iter().map(get).sum();
        (pulled != sum).then(|| {
            let [a, r, q, d] = fates.map(get);
            format!("pulled {pulled}, but archived {a} + read_only {r} + quarantined {q} + duplicate {d} = {sum}")
        })
    }
}
