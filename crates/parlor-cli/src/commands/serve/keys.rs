//! `parlor serve keys`: keys of the service, given out, listed and revoked.

use parlor_store::{Allowed, KeyTerms, ServiceKey, Span};

use super::stores;
use crate::args::{ListForm, NewKey, ServeArgs, ServeKeysAction, ServeKeysArgs};
use crate::commands::table::table;
use crate::converse::grouped;
use crate::failure::Failure;
use crate::setup;
use crate::terminal::{self, Terminal};

/// Does what is wanted with the keys in the store of the service.
pub(super) fn keys(args: &ServeArgs, keys: &ServeKeysArgs) -> Result<(), Failure> {
    let told = Terminal::find(args.common.plain, args.common.quiet);
    let settings = super::settings(args)?;
    setup::runtime()?.block_on(async {
        let store = stores::open(&settings).await?;
        match &keys.action {
            ServeKeysAction::Add(new) => {
                let (key, secret) = store.add_service_key(&new.name, terms(new)).await?;
                told.notice(format!(
                    "The key of `{}`, which isn't shown again ({}):",
                    key.name, key.id
                ));
                terminal::say(&format!("{}\n", secret.expose()))?;
            }
            ServeKeysAction::List => {
                let all = store.service_keys().await?;
                if keys.listing.form() == ListForm::Json {
                    let text = serde_json::to_string(&all).map_err(std::io::Error::from)?;
                    terminal::say(&format!("{text}\n"))?;
                } else if all.is_empty() {
                    told.notice("There is no key yet. Make one: parlor serve keys add NAME");
                } else {
                    let rows: Vec<[String; 4]> = all.iter().map(row).collect();
                    terminal::say(&terminal::printable(&table(&rows)))?;
                }
            }
            ServeKeysAction::Revoke(which) => {
                let key = store.revoke_service_key(&which.key).await?;
                told.notice(format!(
                    "`{}` is revoked; services notice within ten seconds.",
                    key.name
                ));
            }
        }
        store.close().await;
        Ok(())
    })
}

fn terms(new: &NewKey) -> KeyTerms {
    let mut terms = KeyTerms::default();
    terms.models.clone_from(&new.models);
    terms.requests_per_minute = new.rpm;
    terms.tokens_per_minute = new.tpm;
    terms.budgets.clone_from(&new.budget);
    terms.expires_ms = new.expires;
    terms
}

fn row(key: &ServiceKey) -> [String; 4] {
    let day = |ms: i64| {
        let at = chrono::DateTime::from_timestamp_millis(ms);
        at.map(|it| it.format("%Y-%m-%d").to_string())
            .unwrap_or_default()
    };
    let mut may = Vec::new();
    let terms = &key.terms;
    if !terms.models.is_empty() {
        may.push(terms.models.join(" "));
    }
    let per_minute = [
        (terms.requests_per_minute, "requests"),
        (terms.tokens_per_minute, "tokens"),
    ];
    for (limit, what) in per_minute {
        may.extend(limit.map(|it| format!("{} {what} a minute", grouped(it))));
    }
    may.extend(terms.budgets.iter().map(allowed));
    let state = match (key.revoked_ms, terms.expires_ms) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(at)) => format!("until {}", day(at)),
        (None, None) => String::new(),
    };
    let shown = format!("{}…", key.shown);
    [key.name.clone(), shown, state, may.join(", ")]
}

fn allowed(allowed: &Allowed) -> String {
    let span = match allowed.per {
        Span::Day => " a day",
        Span::Month => " a month",
        _ => " in all",
    };
    let unit = allowed.currency.as_deref().unwrap_or("tokens");
    format!("{} {unit}{span}", allowed.amount)
}
