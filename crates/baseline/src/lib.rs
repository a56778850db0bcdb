//! What is normal here: surprisal features learned online, percentiles, reasons. Pure, seeded.
