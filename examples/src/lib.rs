//! Short programs that show parlor at work.
