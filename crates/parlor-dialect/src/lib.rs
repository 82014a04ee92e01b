//! Wire formats of chat models, read and written in both directions, without I/O.
