//! Contract suites, fakes and fault injection for tests.
