//! Decorators of the ChatModel trait: retry and timeout.
