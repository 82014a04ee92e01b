//! Fault server, replay, scripted models and conformance suites for provider authors.
