//! What an operator may choose about the archive.

use serde::{Deserialize, Serialize};

use crate::ArchiveError;

/// What `raw_event` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// The event as it was received.
    #[default]
    AsReceived,
    /// The event with secrets taken out by type.
    Redacted,
}

/// The `[archive]` part of the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What `raw_event` holds; the caller hands over the text that this asks for.
    pub raw: Raw,
    /// Level of zstd, 1 (fast) to 22 (small).
    pub compression_level: i32,
    /// Most rows in one row group: memory while sealing and what a reader can skip.
    pub row_group_rows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { raw: Raw::AsReceived, compression_level: 1, row_group_rows: 65_536 }
    }
}

impl Settings {
    /// Checks the values without touching anything.
    ///
    /// # Errors
    /// The first value that is out of range.
    pub fn check(&self) -> Result<(), ArchiveError> {
        let bad = |what: String| Err(ArchiveError::Settings(what));
        if !(1..=22).contains(&self.compression_level) {
            return bad(format!("compression_level: found {}, want 1 to 22", self.compression_level));
        }
        if !(1..=1_048_576).contains(&self.row_group_rows) {
            return bad(format!("row_group_rows: found {}, want 1 to 1048576", self.row_group_rows));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Raw, Settings};

    #[test]
    fn bounds_are_checked_and_words_are_the_documented_ones() {
        assert!(Settings::default().check().is_ok());
        for bad in [
            Settings { compression_level: 0, ..Settings::default() },
            Settings { compression_level: 23, ..Settings::default() },
            Settings { row_group_rows: 0, ..Settings::default() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let read: Settings = serde_json::from_str(r#"{"raw":"redacted"}"#).unwrap();
        assert_eq!(read, Settings { raw: Raw::Redacted, ..Settings::default() });
        assert!(serde_json::from_str::<Settings>(r#"{"rwa":"redacted"}"#).is_err());
    }
}
