//! The files of the page, written by `page/build.mjs`.

use super::{File, file};

pub(super) const FILES: &[File] = &[
    file!("chunk-SQE76S5B.js.gz"),
    file!("highlight-3WTBLQGP.js.gz"),
    file!("icon-EBD74946.svg"),
    file!("index.html"),
    file!("licences.txt"),
    file!("page-2OXUCGPI.js.gz"),
    file!("page-NL7ONUS7.css.gz"),
    file!("theme-WK2EAPX6.js.gz"),
];
