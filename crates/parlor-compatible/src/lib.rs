//! Presets for hosts that speak the OpenAI chat dialect.
