//! The picture and the document that models are shown.

/// A PNG of 64 by 64 pixels, all red.
pub(crate) const RED_SQUARE: &[u8] = include_bytes!("red.png");

/// A PDF of one page, which says that the password is swordfish.
pub(crate) const PASSWORD_DOCUMENT: &[u8] = include_bytes!("password.pdf");
