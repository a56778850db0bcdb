//! Repeats are told from first arrivals exactly, over epochs, restarts and more days than memory holds.

use std::collections::HashSet;

use proptest::prelude::*;
use tagwarden_core::{Intent, Sealed, StateDelta, StateStore, Versions};
use tagwarden_engine::Seen;
use tagwarden_testkit::MemoryState;

#[derive(Debug, Clone)]
enum Act {
    Arrive { day: i64, id: u128 },
    Advance,
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    // Ids are told apart within 128 bits wherever the difference lies; few of them, so that repeats are common.
    let id = (0u128..40, prop::sample::select(vec![0u32, 60, 100])).prop_map(|(n, shift)| n << shift);
    prop_oneof![
        20 => (0i64..40, id).prop_map(|(day, id)| Act::Arrive { day, id }),
        2 => Just(Act::Advance),
        1 => Just(Act::Restart),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_set(acts in prop::collection::vec(act(), 0..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut state = MemoryState::new();
            let mut fence = state.load(&mut |_| ()).await.unwrap().fence;
            let mut seen = Seen::default();
            let (mut known, mut open, mut epoch) = (HashSet::new(), HashSet::new(), 0);
            for act in acts {
                match act {
                    Act::Arrive { day, id } => {
                        let wanted = !known.contains(&(day, id)) && open.insert((day, id));
                        assert_eq!(seen.first_time(&state, day, id).unwrap(), wanted, "{day} {id}");
                    }
                    Act::Advance => {
                        epoch += 1;
                        let intent = Intent {
                            epoch, lane: "0".into(), moves: vec![], versions: Versions::default(),
                            archive_read_only: false, objects: vec![], quarantine: None,
                        };
                        let mut delta = StateDelta::default();
                        seen.delta(&mut delta);
                        let handed = delta.seen.iter().flat_map(|(day, ids)| ids.iter().map(|id| (*day, *id)));
                        let mut wanted: Vec<_> = open.iter().copied().collect();
                        wanted.sort_unstable();
                        assert_eq!(handed.collect::<Vec<_>>(), wanted, "each id is handed over once, in order");
                        state.intend(fence, &intent).await.unwrap();
                        let sealed = Sealed { intent, files: vec![], quarantined: 0 };
                        state.advance(fence, &sealed, &delta).await.unwrap();
                        known.extend(open.drain());
                    }
                    // What was not advanced is forgotten, and so comes for the first time again.
                    Act::Restart => {
                        fence = state.load(&mut |_| ()).await.unwrap().fence;
                        seen = Seen::default();
                        open.clear();
                    }
                }
            }
        });
    }
}
