//! Which of the models of a route answered.

use parlor::{ChatResponse, Resolved};

use super::Chosen;

impl Chosen {
    /// The model of this id, among those that may answer; else the first.
    pub(crate) fn of_id(&self, id: Option<&str>) -> &Resolved {
        let mut found = self.targets().filter(|it| Some(it.id().as_str()) == id);
        found.next().unwrap_or(&self.resolved)
    }

    /// The model that answered; `None` where several may have.
    pub(crate) fn answered(&self, response: &ChatResponse) -> Option<&Resolved> {
        let of_provider = |it: &&Resolved| it.config.instance == response.provider;
        let mut found = self.targets().filter(of_provider);
        match (self.targets().count(), found.next(), found.next()) {
            (1, ..) => Some(&self.resolved),
            (_, only, None) => only,
            _ => {
                let is_named = |it: &&Resolved| Some(&it.model) == response.model.as_ref();
                self.targets().filter(of_provider).find(is_named)
            }
        }
    }

    /// The model that answered or failed, as far as its provider's name and its
    /// own tell; else the first.
    pub(super) fn target(&self, provider: Option<&str>, model: Option<&str>) -> &Resolved {
        let of_provider = |it: &&Resolved| Some(it.config.instance.as_str()) == provider;
        let mut exact = self.targets().filter(of_provider);
        let exact = exact.find(|it| Some(it.model.as_str()) == model);
        let found = exact.or_else(|| self.targets().find(of_provider));
        found.unwrap_or(&self.resolved)
    }
}
