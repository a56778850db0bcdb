//! What must hold of the baseline, seen from outside.

mod build;
mod hours;
mod odd;
mod parts;
mod quiet;
mod restart;
mod shadow;
