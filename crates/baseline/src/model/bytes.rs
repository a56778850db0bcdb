//! A model as one file: versioned, checksummed, quick to load.
//!
//! `TAGWMODL`, then little-endian: layout version and feature version (`u32` each), the SHA-256 of all that follows (32
//! bytes); then the parts, each its mark (4 bytes), its length (`u32`) and its bytes.

use sha2::{Digest, Sha256};

use super::{About, Model};
use crate::bytes::{BytesError, Reader, Writer};
use crate::dbscan::CorePoints;
use crate::features::{FEATURES_VERSION, Family};
use crate::forest::Forest;
use crate::peers::Peers;
use crate::rerank::Rerank;
use crate::tails::Tails;
use crate::{Kind, reference, spread};

/// Raised whenever a part is added, dropped or laid out otherwise.
pub const LAYOUT_VERSION: u32 = 3;

const MARK: &[u8; 8] = b"TAGWMODL";
const HEAD: usize = MARK.len() + 4 + 4 + 32;
/// More than any model has: a file of another kind is not read into parts.
const MOST: usize = 1 << 30;

/// Why bytes are not a model that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Something else altogether.
    #[error("found {0}, want a model, which begins with TAGWMODL")]
    NoModel(String),
    /// Another release's layout.
    #[error("found a model of layout version {found}, want {LAYOUT_VERSION}: train it anew")]
    Layout {
        /// The version in the file.
        found: u32,
    },
    /// Learned from other features, so its numbers mean something else here.
    #[error("found a model of feature version {found}, want {FEATURES_VERSION}: train it anew")]
    Features {
        /// The version in the file.
        found: u32,
    },
    /// Cut short or changed.
    #[error("found content of SHA-256 {found}, want {want}: the file is damaged or cut short")]
    Damaged {
        /// Of what is there.
        found: String,
        /// What the file says.
        want: String,
    },
    /// The content is whole but makes no sense.
    #[error("part {part}: {error}")]
    Part {
        /// The part's mark.
        part: String,
        /// Where and what.
        error: BytesError,
    },
}

impl Model {
    /// The model as bytes, the same on every machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut references = Writer::default();
        self.references.iter().for_each(|reference| reference.put(&mut references));
        let mut rerank = Writer::default();
        rerank.count(self.rerank.iter().len());
        self.rerank.iter().for_each(|taught| taught.put(&mut rerank));
        let parts = [
            (*b"ABOU", self.about.to_bytes()),
            (*b"SPRD", self.spread.to_bytes()),
            (*b"FRST", self.forest.to_bytes()),
            (*b"FTAI", self.forest_tails.to_bytes()),
            (*b"CORE", self.core.to_bytes()),
            (*b"DTAI", self.distance_tails.to_bytes()),
            (*b"PEER", self.peers.to_bytes()),
            (*b"RRNK", rerank.bytes),
            (*b"REFS", references.bytes),
        ];
        let mut body = Writer::default();
        for (mark, bytes) in parts {
            body.raw(&mark);
            body.count(bytes.len());
            body.raw(&bytes);
        }
        let mut to = Writer::default();
        to.raw(MARK);
        to.u32(LAYOUT_VERSION);
        to.u32(FEATURES_VERSION);
        to.raw(&Sha256::digest(&body.bytes));
        to.raw(&body.bytes);
        to.bytes
    }

    /// The model that [`Model::to_bytes`] gave these bytes for.
    ///
    /// # Errors
    /// [`ModelError`]: no model, one of another layout or of other features, a damaged one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let broken = |error| ModelError::Part { part: "head".to_owned(), error };
        let mut from = Reader::new(bytes);
        if bytes.get(..MARK.len()) != Some(MARK) || bytes.len() > MOST {
            let begins = bytes.get(..8.min(bytes.len())).unwrap_or_default().escape_ascii();
            return Err(ModelError::NoModel(format!("{} bytes that begin with `{begins}`", bytes.len())));
        }
        from.groups::<8>(1).map_err(broken)?;
        let [layout, features] = [from.u32().map_err(broken)?, from.u32().map_err(broken)?];
        if layout != LAYOUT_VERSION {
            return Err(ModelError::Layout { found: layout });
        }
        if features != FEATURES_VERSION {
            return Err(ModelError::Features { found: features });
        }
        let want = from.groups::<32>(1).map_err(broken)?.first().copied().unwrap_or_default();
        let body = bytes.get(HEAD..).unwrap_or_default();
        let found: [u8; 32] = Sha256::digest(body).into();
        if found != want {
            return Err(ModelError::Damaged { found: hex(&found), want: hex(&want) });
        }
        let mut part = |mark: [u8; 4]| {
            let named = |error| ModelError::Part { part: mark.escape_ascii().to_string(), error };
            from.mark(mark).map_err(named)?;
            let length = from.count("bytes", 0..=MOST).map_err(named)?;
            from.groups::<1>(length).map(<[[u8; 1]]>::as_flattened).map_err(named)
        };
        let [about, tails, trees, forest_tails, core, distance_tails, peers, rerank, references] = [
            part(*b"ABOU")?,
            part(*b"SPRD")?,
            part(*b"FRST")?,
            part(*b"FTAI")?,
            part(*b"CORE")?,
            part(*b"DTAI")?,
            part(*b"PEER")?,
            part(*b"RRNK")?,
            part(*b"REFS")?,
        ];
        from.end().map_err(broken)?;
        let within = |part: &'static str| move |error| ModelError::Part { part: part.to_owned(), error };
        let forest = Forest::from_bytes(trees).map_err(within("FRST"))?;
        let core = CorePoints::from_bytes(core).map_err(within("CORE"))?;
        for (part, columns) in [("FRST", forest.columns()), ("CORE", core.columns())] {
            if columns != Family::COUNT {
                let error = Reader::new(&[]).wrong(format!("{columns} columns"), Family::COUNT.to_string());
                return Err(ModelError::Part { part: part.to_owned(), error });
            }
        }
        let mut from = Reader::new(rerank);
        let taught = from.count("regressions", 0..=1).map_err(within("RRNK"))? == 1;
        let rerank = taught.then(|| Rerank::take(&mut from)).transpose().map_err(within("RRNK"))?;
        from.end().map_err(within("RRNK"))?;
        let mut from = Reader::new(references);
        let mut reference = || reference::Frozen::take(&mut from).map_err(within("REFS"));
        let references: [reference::Frozen; Kind::ALL.len()] = [reference()?, reference()?, reference()?];
        from.end().map_err(within("REFS"))?;
        Ok(Self {
            about: About::from_bytes(about).map_err(within("ABOU"))?,
            spread: spread::Frozen::from_bytes(tails).map_err(within("SPRD"))?,
            forest,
            forest_tails: Tails::from_bytes(forest_tails).map_err(within("FTAI"))?,
            core,
            distance_tails: Tails::from_bytes(distance_tails).map_err(within("DTAI"))?,
            peers: Peers::from_bytes(peers).map_err(within("PEER"))?,
            rerank,
            references,
            scale: scale_of(&found),
        })
    }

    /// Settles which scores may be compared with this model's: those under the same bytes.
    pub(crate) fn sealed(mut self) -> Self {
        let bytes = self.to_bytes();
        let checksum = bytes.get(HEAD - 32..HEAD).and_then(|sum| sum.first_chunk()).copied().unwrap_or([0; 32]);
        self.scale = scale_of(&checksum);
        self
    }
}

/// The first eight bytes of the checksum.
fn scale_of(checksum: &[u8; 32]) -> u64 {
    checksum.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        write!(out, "{byte:02x}").unwrap_or_default();
        out
    })
}

impl About {
    /// The SHA-256 over the files that were read, in hex.
    pub fn data_hex(&self) -> String {
        hex(&self.data)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.raw(&self.from.to_le_bytes());
        to.raw(&self.to.to_le_bytes());
        for number in [self.events, self.changes, self.excluded, self.seed] {
            to.raw(&number.to_le_bytes());
        }
        to.raw(&self.data);
        to.bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        let mut next = || Ok::<_, BytesError>(from.groups::<8>(1)?.first().copied().unwrap_or_default());
        let [start, to] = [i64::from_le_bytes(next()?), i64::from_le_bytes(next()?)];
        let [events, changes, excluded, seed] = [next()?, next()?, next()?, next()?].map(u64::from_le_bytes);
        let data = from.groups::<32>(1)?.first().copied().unwrap_or_default();
        from.end()?;
        Ok(Self { from: start, to, events, changes, excluded, seed, data })
    }
}
