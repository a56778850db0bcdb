//! Who, where, whose and when: actor, environment, owner, network, calendar, tag store. Pure functions over snapshots.
