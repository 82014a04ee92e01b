//! The words every parlor crate speaks: models, messages, events, errors.
