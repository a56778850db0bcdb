//! What every implementation of a seam must do, as suites to run against fakes and real ones alike.

mod notifier;
mod source;
mod state;

pub use notifier::notifier_contract;
pub use source::source_contract;
pub use state::state_contract;
