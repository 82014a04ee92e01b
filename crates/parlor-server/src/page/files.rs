//! The files of the page, written by `page/build.mjs`.

use super::{File, file};

pub(super) const FILES: &[File] = &[
    file!("call-BLYP2PN4.js.gz"),
    file!("chunk-SQE76S5B.js.gz"),
    file!("highlight-3WTBLQGP.js.gz"),
    file!("icon-EBD74946.svg"),
    file!("index.html"),
    file!("licences.txt"),
    file!("page-5WQCTF47.js.gz"),
    file!("page-FNV2ZT3X.css.gz"),
    file!("theme-WK2EAPX6.js.gz"),
    file!("usage-6GM5TSCL.css.gz"),
    file!("usage-TOWROVHL.js.gz"),
    file!("usage.html"),
];
