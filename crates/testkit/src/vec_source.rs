//! A source over records in memory.

use bytes::Bytes;
use tagwarden_core::{Move, Partition, Position, Positions, Pulled, Record, Source, SourceError};

/// Records of named partitions, handed out partition by partition; the n-th record's position is n.
#[derive(Clone, Default)]
pub struct VecSource {
    records: Vec<Record>,
    next: usize,
    positions: Positions,
}

impl VecSource {
    /// A source over `partitions`, each with its records.
    pub fn new<B: Into<Bytes>>(partitions: impl IntoIterator<Item = (impl Into<Partition>, Vec<B>)>) -> Self {
        let mut records = Vec::new();
        for (partition, values) in partitions {
            let partition = partition.into();
            for (bytes, at) in values.into_iter().zip(1..) {
                records.push(Record {
                    bytes: bytes.into(),
                    partition: partition.clone(),
                    position: Position::offset(at),
                    arrival: None,
                    fault: None,
                });
            }
        }
        Self { records, ..Self::default() }
    }

    /// A source over one partition.
    pub fn of<B: Into<Bytes>>(values: Vec<B>) -> Self {
        Self::new([("vec", values)])
    }

    /// Gives the record at `index` another form: a fault, an arrival time.
    #[must_use]
    pub fn with(mut self, index: usize, change: impl FnOnce(&mut Record)) -> Self {
        if let Some(record) = self.records.get_mut(index) {
            change(record);
        }
        self
    }
}

impl Source for VecSource {
    fn name(&self) -> &'static str {
        "vec"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn start(&mut self, positions: &Positions) -> Result<(), SourceError> {
        self.positions = positions.clone();
        self.next = 0;
        Ok(())
    }

    async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        // A wait, so that a dropped pull is one that was under way.
        tokio::task::yield_now().await;
        let mut pulled = Pulled::default();
        while let Some(record) = self.records.get(self.next) {
            let from = self.positions.get(&record.partition);
            if record.position > from {
                if pulled.records.len() == max {
                    break;
                }
                let (partition, to) = (record.partition.clone(), record.position.clone());
                self.positions.set(partition.clone(), to.clone());
                match pulled.moves.last_mut() {
                    Some(Move { partition: last, to: end, records, .. }) if *last == partition => {
                        *end = to;
                        *records += 1;
                    }
                    _ => pulled.moves.push(Move { partition, from, to, records: 1 }),
                }
                pulled.records.push(record.clone());
            }
            self.next += 1;
        }
        pulled.behind = Some((self.records.len() - self.next) as u64);
        Ok((!pulled.records.is_empty()).then_some(pulled))
    }
}
