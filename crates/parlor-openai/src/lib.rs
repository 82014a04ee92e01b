//! OpenAI models for parlor.
