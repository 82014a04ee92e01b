//! Finding words in what was said.

use crate::failure::failed;
use crate::info::ONE;
use crate::store::Store;
use futures_util::TryStreamExt;
use parlor_agent::{Found, TurnId};
use parlor_core::Result;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization as _;

/// Places looked at for each conversation that is wanted: of one conversation
/// many turns may have the words.
const PLACES: u32 = 20;

/// Characters before and after words found without an index.
const AROUND: usize = 60;

/// Turns that may have a text in them somewhere.
const ANYWHERE: &str = "SELECT conversation, id, text FROM turns
    WHERE lower(text) LIKE $1 ESCAPE '\\' AND (CAST($3 AS TEXT) IS NULL OR conversation IN
        (SELECT id FROM conversations WHERE owner = $3)) ORDER BY id DESC LIMIT $2";

impl Store {
    pub(crate) async fn find(&self, words: &str, limit: u32) -> Result<Vec<Found>> {
        let failed = failed("searching");
        let words = words.replace('\0', " ");
        let words = words.trim();
        let terms: Vec<&str> = words
            .split(|it: char| !it.is_alphanumeric() && !is_accent(it))
            .collect();
        let terms: Vec<&str> = terms.into_iter().filter(|it| !it.is_empty()).collect();
        if words.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let places = i64::from(limit.saturating_mul(PLACES));
        let bare = folded(words);
        let titled = pattern(&bare, !self.database.folds);
        let titled = self.having(&bare, self.database.titled, titled, places);
        let mut rows = titled.await.map_err(&failed)?;
        // Where words aren't divided by spaces, an index by words has only whole sentences.
        let by_index = !terms.is_empty() && !words.chars().any(is_undivided);
        let said = match by_index {
            true => {
                let (prefix, suffix) = self.database.term;
                let terms = terms.iter().map(|term| format!("{prefix}{term}{suffix}"));
                let terms: Vec<String> = terms.collect();
                let said = sqlx::query(self.database.search).bind(terms.join(self.database.and));
                let said = said.bind(places).bind(self.owner.as_deref());
                said.fetch_all(&self.pool).await
            }
            false => {
                self.having(&bare, ANYWHERE, pattern(&bare, true), places)
                    .await
            }
        };
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

    /// So many rows of a statement whose third column has the [folded] words in it: of those like
    /// the pattern, which may be all that there are.
    async fn having(
        &self,
        words: &str,
        statement: &'static str,
        (pattern, is_exact): (String, bool),
        places: i64,
    ) -> sqlx::Result<Vec<AnyRow>> {
        // What else may be there is looked at here, however many there are.
        let most = if is_exact { places } else { i64::MAX };
        let may_have = sqlx::query(statement).bind(pattern).bind(most);
        let mut may_have = may_have.bind(self.owner.as_deref()).fetch(&self.pool);
        let mut rows = Vec::new();
        while let Some(row) = may_have.try_next().await? {
            if folded(row.try_get(2)?).contains(words) {
                rows.push(row);
                if rows.len() as i64 >= places {
                    break;
                }
            }
        }
        Ok(rows)
    }
}

/// Whether a letter is of a script that writes words without spaces between:
/// Han, kana, Thai, Lao, Khmer, Burmese.
fn is_undivided(letter: char) -> bool {
    matches!(u32::from(letter),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF
        | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// A text as it is compared where its case and its accents say nothing.
fn folded(text: &str) -> String {
    let upper = text.chars().flat_map(char::to_uppercase);
    let lower = upper.flat_map(char::to_lowercase);
    match text.is_ascii() {
        true => lower.collect(),
        false => lower.nfd().filter(|it| !is_accent(*it)).nfc().collect(),
    }
}

/// Whether a letter is but the accent of the one before it.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36F}')
}

/// What has these words in it is like this, and whether nothing else is: of letters with a case the
/// databases know those of ASCII, and any of them may have an accent where texts have some.
fn pattern(words: &str, accents: bool) -> (String, bool) {
    let mut pattern = "%".to_owned();
    let (mut is_exact, mut is_open) = (true, true);
    for letter in words.chars() {
        let has_case = !letter.to_uppercase().eq(letter.to_lowercase());
        if has_case && (accents || !letter.is_ascii()) {
            is_exact = false;
            if !std::mem::replace(&mut is_open, true) {
                pattern.push('%');
            }
            continue;
        }
        is_open = false;
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    if !is_open {
        pattern.push('%');
    }
    (pattern, is_exact)
}

/// The words in a text with what stands around them, or the text's beginning.
fn around(text: &str, words: &str) -> String {
    let lower = folded(text);
    // Small letters may be longer than capital ones; then the place is unknown.
    let at = lower
        .find(&folded(words))
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
