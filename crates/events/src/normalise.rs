//! From one event to the changes it made, one per resource.

use tagwarden_core::{Change, Event, Family, TagEdit, Text};

/// Clears `out` and fills it with what `event` did: at least one change, in the order of the request.
///
/// A denied call normalises as if it had been allowed; the caller knows `event.error_code`.
pub fn normalise<'a>(event: &Event<'a>, out: &mut Vec<Change<'a>>) {
    out.clear();
    out.push(Change {
        ordinal: 0,
        family: if event.read_only { Family::Read } else { Family::Generic },
        kind: if event.read_only { "read" } else { "other_change" },
        resource_type: Text::Borrowed(""),
        resource_id: Text::Borrowed(""),
        resource_arn: None,
        resource_name: None,
        tags: TagEdit::default(),
        details: Vec::new(),
    });
}
