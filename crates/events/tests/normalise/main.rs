//! What events normalise to: whole expected changes, every row of the tables, and laws that hold for any input.

mod families;
mod laws;
mod redaction;
mod support;
mod tag_shapes;
mod tag_table;
