//! The path of a record on one page: epochs, retry, shutdown, clock. Knows core only.
