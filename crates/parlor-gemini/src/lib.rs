//! Google Gemini models for parlor.
