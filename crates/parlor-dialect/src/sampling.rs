//! Settings of sampling that don't go together.

use crate::profile::Profile;

/// Why `top_p` is left out; completes "`top_p` …".
pub(crate) const BOTH: &str = "does not go with `temperature` on this model";

/// Settles which of `temperature` and `top_p`, the first two that are allowed,
/// goes to a model that takes one of them. A temperature of 1 is what there is
/// without one and goes without saying; beside any other `top_p` is left out,
/// which is to be told where this is `true`.
pub(crate) fn both(allowed: &mut [bool; 3], temperature: Option<f64>, profile: &Profile) -> bool {
    if !profile.one_of_sampling || !allowed[0] || !allowed[1] {
        return false;
    }
    let is_default = temperature == Some(1.0);
    allowed[usize::from(!is_default)] = false;
    !is_default
}
