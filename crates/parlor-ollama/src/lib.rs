//! Ollama models for parlor, over its native API.
