//! Contract suites, fakes and fault injection for tests.

mod contract;
mod fake_clock;
mod memory_state;
mod recording_notifier;
mod vec_source;

pub use contract::{notifier_contract, source_contract, state_contract};
pub use fake_clock::FakeClock;
pub use memory_state::MemoryState;
pub use recording_notifier::RecordingNotifier;
pub use vec_source::VecSource;

pub mod http_server;
