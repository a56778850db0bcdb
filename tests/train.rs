//! A model from an archive, and a worker that judges by it.
