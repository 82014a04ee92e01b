//! Finding words in what was said.

use crate::failure::failed;
use crate::info::ONE;
use crate::store::Store;
use parlor_agent::{Found, TurnId};
use parlor_core::Result;
use sqlx::Row;
use std::collections::HashSet;

/// Places looked at for each conversation that is wanted: of one conversation
/// many turns may have the words.
const PLACES: u32 = 20;

/// Characters before and after words found without an index.
const AROUND: usize = 60;

/// Turns, or titles, that have a text in them somewhere.
const ANYWHERE: &str = "SELECT conversation, id, text FROM turns
    WHERE lower(text) LIKE $1 ESCAPE '\\' AND (CAST($3 AS TEXT) IS NULL OR conversation IN
        (SELECT id FROM conversations WHERE owner = $3)) ORDER BY id DESC LIMIT $2";
const TITLED: &str = "SELECT id, head, title FROM conversations
    WHERE lower(title) LIKE $1 ESCAPE '\\' AND head IS NOT NULL
        AND (CAST($3 AS TEXT) IS NULL OR owner = $3) ORDER BY updated_ms DESC LIMIT $2";

impl Store {
    pub(crate) async fn find(&self, words: &str, limit: u32) -> Result<Vec<Found>> {
        let failed = failed("searching");
        let words = words.replace('\0', " ");
        let words = words.trim();
        let terms: Vec<&str> = words.split(|it: char| !it.is_alphanumeric()).collect();
        let terms: Vec<&str> = terms.into_iter().filter(|it| !it.is_empty()).collect();
        if words.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let places = i64::from(limit.saturating_mul(PLACES));
        let anywhere = format!("%{}%", escaped(&words.to_lowercase()));
        let owner = self.owner.as_deref();
        let titled = sqlx::query(TITLED).bind(&anywhere).bind(places);
        let titled = titled.bind(owner);
        let mut rows = titled.fetch_all(&self.pool).await.map_err(&failed)?;
        // Where words aren't divided by spaces, an index by words has only whole sentences.
        let by_index = !terms.is_empty() && !words.chars().any(is_undivided);
        let said = match by_index {
            true => {
                let (prefix, suffix) = self.database.term;
                let terms = terms.iter().map(|term| format!("{prefix}{term}{suffix}"));
                let terms: Vec<String> = terms.collect();
                sqlx::query(self.database.search).bind(terms.join(self.database.and))
            }
            false => sqlx::query(ANYWHERE).bind(anywhere),
        };
        let said = said.bind(places).bind(owner).fetch_all(&self.pool).await;
        rows.extend(said.map_err(&failed)?);
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for row in &rows {
            let id: String = row.try_get(0).map_err(&failed)?;
            if found.len() >= limit as usize || !seen.insert(id.clone()) {
                continue;
            }
            let turn = TurnId(row.try_get(1).map_err(&failed)?);
            let text: String = row.try_get(2).map_err(&failed)?;
            let snippet = match text.contains(Found::BEGIN) {
                true => text,
                false => around(&text, words),
            };
            let infos = self
                .infos(ONE, |query| query.bind(id).bind(self.owner.clone()))
                .await?;
            found.extend(
                infos
                    .into_iter()
                    .map(|info| Found::new(info, turn, snippet.clone())),
            );
        }
        Ok(found)
    }
}

/// Whether a letter is of a script that writes words without spaces between:
/// Han, kana, Thai, Lao, Khmer, Burmese.
fn is_undivided(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF
        | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

fn escaped(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The words in a text with what stands around them, or the text's beginning.
fn around(text: &str, words: &str) -> String {
    let lower = text.to_lowercase();
    // Small letters may be longer than capital ones; then the place is unknown.
    let at = lower
        .find(&words.to_lowercase())
        .filter(|_| lower.len() == text.len());
    let end = at.map(|at| at + words.len());
    let found = at
        .zip(end)
        .and_then(|(at, end)| Some((text.get(..at)?, text.get(at..end)?, text.get(end..)?)));
    let Some((before, found, after)) = found else {
        return text.chars().take(2 * AROUND).collect();
    };
    let mut snippet: Vec<char> = before.chars().rev().take(AROUND).collect();
    snippet.reverse();
    snippet.push(Found::BEGIN);
    snippet.extend(found.chars());
    snippet.push(Found::END);
    snippet.extend(after.chars().take(AROUND));
    snippet.into_iter().collect()
}
