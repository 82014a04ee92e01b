//! Anthropic models for parlor.
