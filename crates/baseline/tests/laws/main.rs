//! What must hold of the baseline, seen from outside.

mod build;
mod hours;
mod odd;
mod parts;
mod peers;
mod quiet;
mod restart;
mod shadow;
