//! The files of the page, written by `page/build.mjs`.

use super::{File, file};

pub(super) const FILES: &[File] = &[
    file!("chunk-SQE76S5B.js.gz"),
    file!("highlight-3WTBLQGP.js.gz"),
    file!("icon-EBD74946.svg"),
    file!("index.html"),
    file!("licences.txt"),
    file!("page-NL7ONUS7.css.gz"),
    file!("page-VOTEVYLD.js.gz"),
    file!("theme-WK2EAPX6.js.gz"),
    file!("usage-6GM5TSCL.css.gz"),
    file!("usage-NNHN36Q6.js.gz"),
    file!("usage.html"),
];
