//! What was entered before, with large pastes whole.

use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery,
};

use super::keys::Shared;

/// The file of lines, as they were entered: what a chip stands for, and which backslash
/// went on in the next line, is known to this run alone.
pub(super) struct Memory {
    file: FileBackedHistory,
    shared: Shared,
}

impl Memory {
    pub(super) fn new(file: FileBackedHistory, shared: Shared) -> Self {
        Self { file, shared }
    }

    /// What was entered stands for itself when it is entered again.
    fn recalled(&self, item: HistoryItem) -> HistoryItem {
        self.shared.holds(&item.command_line);
        item
    }
}

impl History for Memory {
    fn save(&mut self, mut item: HistoryItem) -> Result<HistoryItem> {
        item.command_line = self.shared.entered(&item.command_line);
        self.file.save(self.recalled(item))
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.file.load(id).map(|item| self.recalled(item))
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.file.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        let found = self.file.search(query)?;
        Ok(found.into_iter().map(|item| self.recalled(item)).collect())
    }

    fn update(
        &mut self,
        id: HistoryItemId,
        updater: &dyn Fn(HistoryItem) -> HistoryItem,
    ) -> Result<()> {
        self.file.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.file.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.file.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.file.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.file.session()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reedline::SearchDirection;

    #[test]
    fn a_recalled_text_is_entered_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let memory = |shared: &Shared| {
            let file = FileBackedHistory::with_file(9, folder.path().join("lines.txt")).unwrap();
            Memory::new(file, shared.clone())
        };
        let first = Shared::default();
        let pasted = "make \\\n  all";
        first.holds(pasted);
        let mut before = memory(&first);
        for line in [pasted, "typed \\\non"] {
            before.save(HistoryItem::from_command_line(line)).unwrap();
        }
        before.sync().unwrap();
        drop(before);
        let second = Shared::default();
        let query = SearchQuery::everything(SearchDirection::Forward, None);
        let found = memory(&second).search(query).unwrap();
        let entered = found.iter().map(|it| second.entered(&it.command_line));
        assert_eq!(entered.collect::<Vec<_>>(), [pasted, "typed \non"]);
    }
}
