//! The tool `read_file`: files of the folder that the program runs in, and of no other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use parlor::agent::{Tool, ToolContext, ToolOutput, schemars, tool_fn};
use parlor::{Result, ToolDefinition};
use serde_json::Value;

use crate::environment::env;
use crate::keys;

/// The most bytes that are read of a file at a time.
const LIMIT: u64 = 128 * 1024;

/// The most entries that are told of a folder.
const ENTRIES: usize = 500;

/// How names end, or what they are, that hold keys.
const SECRET_ENDINGS: &[&str] = &[".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".keystore"];
const SECRET_NAMES: &[&str] = &[
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "credentials",
    "credentials.json",
    "credentials.toml",
];

/// What it is called.
pub(crate) const NAME: &str = "read_file";

const ABOUT: &str = "Reads a text file, or lists a folder, within the current folder. Hidden files \
and files with keys can't be read.";

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "parlor::agent::schemars")]
struct Arguments {
    /// Relative to the current folder; `.` for the folder itself.
    path: String,
    /// The byte to begin at, to read on in a long file.
    offset: Option<u64>,
}

/// Reads files.
#[derive(Default)]
pub(crate) struct ReadFile {
    /// The folder; the one that the program runs in, where none is named.
    folder: Option<PathBuf>,
}

impl ReadFile {
    /// Reads files of this folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
        }
    }

    fn tool(&self) -> impl Tool + use<> {
        let folder = self.folder.clone();
        tool_fn(NAME, ABOUT, move |asked: Arguments, _| {
            let folder = folder.clone();
            async move {
                let folder = folder.map_or_else(std::env::current_dir, Ok);
                let folder = folder.map_err(|error| error.to_string())?;
                read(&folder, &asked.path, asked.offset.unwrap_or(0))
            }
        })
    }
}

#[async_trait]
impl Tool for ReadFile {
    fn definition(&self) -> ToolDefinition {
        self.tool().definition()
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        self.tool().call(arguments, context).await
    }
}

/// What is at a path within a folder.
fn read(folder: &Path, path: &str, offset: u64) -> std::result::Result<String, String> {
    let found = within(folder, path)?;
    let metadata = fs::metadata(&found).map_err(|error| told(path, &error))?;
    if metadata.is_dir() {
        return list(&found).map_err(|error| told(path, &error));
    }
    if !metadata.is_file() {
        return Err(format!("{path} is no file"));
    }
    let (bytes, size) = bytes(&found, offset).map_err(|error| told(path, &error))?;
    // A cut at the beginning may go through a character.
    let text = String::from_utf8_lossy(&bytes);
    if bytes.contains(&0) {
        return Err(format!("{path} is no text; it has {size} bytes"));
    }
    let end = offset.saturating_add(bytes.len() as u64);
    Ok(match end < size {
        true => {
            format!("{text}\n[bytes {offset} to {end} of {size}; read on with the offset {end}]")
        }
        false => text.into_owned(),
    })
}

/// The place that a path leads to, links followed, if it may be read.
fn within(folder: &Path, path: &str) -> std::result::Result<PathBuf, String> {
    let outside = || format!("{path} isn't within the current folder");
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    let asked = Path::new(path);
    // What lies outside isn't looked at, so that nothing is told of it.
    let named = match asked.strip_prefix(&folder) {
        Ok(rest) => rest,
        Err(_) if asked.is_relative() => asked,
        Err(_) => return Err(outside()),
    };
    let mut depth = 0;
    for component in named.components() {
        depth += match component {
            Component::Normal(_) => 1,
            Component::CurDir => 0,
            Component::ParentDir => -1,
            _ => return Err(outside()),
        };
        if depth < 0 {
            return Err(outside());
        }
    }
    let found = folder.join(named).canonicalize();
    let found = found.map_err(|error| told(path, &error))?;
    let inner = found.strip_prefix(&folder).map_err(|_| outside())?;
    let is_keys = keys::path(&env()).and_then(|keys| keys.canonicalize().ok());
    if is_keys.is_some_and(|keys| keys == found) || holds_secrets(inner) || holds_secrets(named) {
        return Err(format!("{path} may hold secrets and isn't read"));
    }
    Ok(found)
}

/// Whether a name on the way is hidden, or is one that keys have.
fn holds_secrets(path: &Path) -> bool {
    path.components().any(|component| {
        let Component::Normal(name) = component else {
            return false;
        };
        let name = name.to_string_lossy().to_lowercase();
        let ends = |ending: &&str| name.ends_with(*ending);
        name.starts_with('.')
            || SECRET_NAMES.contains(&name.as_str())
            || SECRET_ENDINGS.iter().any(ends)
    })
}

fn list(folder: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if holds_secrets(Path::new(&name)) {
            continue;
        }
        let end = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{end}", name.to_string_lossy()));
    }
    names.sort_unstable();
    let more = names.len().saturating_sub(ENTRIES);
    names.truncate(ENTRIES);
    if more > 0 {
        names.push(format!("[{more} more]"));
    }
    Ok(match names.is_empty() {
        true => "[an empty folder]".to_owned(),
        false => names.join("\n"),
    })
}

/// A piece of a file, and how long the whole of it is.
fn bytes(path: &Path, offset: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut file = open(path)?;
    let size = file.metadata()?.len();
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    if offset.saturating_add(bytes.len() as u64) < size {
        bytes.truncate(whole(&bytes));
    }
    Ok((bytes, size))
}

/// How many bytes there are before a character at the end that isn't whole.
fn whole(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map(|it| it.invalid());
    let last = last.unwrap_or_default();
    let is_cut = std::str::from_utf8(last).is_err_and(|it| it.error_len().is_none());
    bytes.len() - if is_cut { last.len() } else { 0 }
}

/// Opens what was checked: no link that was put there since, and nothing that
/// makes the program wait.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        if let Ok(flags) = i32::try_from(flags) {
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        }
    }
    options.open(path)
}

fn told(path: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {path}"),
        io::ErrorKind::PermissionDenied => format!("{path} may not be read"),
        _ => format!("{path} can't be read: {error}"),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with something beside it that must not be reached.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("parlor-read-{}-{name}", std::process::id());
            let place = Self(std::env::temp_dir().join(name));
            fs::create_dir_all(place.inner().join("sub/.git")).unwrap();
            for (file, text) in [
                ("secret.txt", "outside"),
                ("inner/notes.txt", "inside"),
                ("inner/sub/deep.txt", "deep"),
                ("inner/.env", "KEY=1"),
                ("inner/sub/.git/config", "token"),
                ("inner/server.PEM", "key"),
            ] {
                fs::write(place.0.join(file), text).unwrap();
            }
            place
        }

        fn inner(&self) -> PathBuf {
            self.0.join("inner")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_of_the_folder_are_read_and_no_others() {
        let place = Place::new("plain");
        let inner = place.inner();
        let read = |path: &str| read(&inner, path, 0);
        assert_eq!(read("notes.txt").as_deref(), Ok("inside"));
        assert_eq!(read("./sub/../sub/deep.txt").as_deref(), Ok("deep"));
        let whole = inner.canonicalize().unwrap().join("notes.txt");
        assert_eq!(read(whole.to_str().unwrap()).as_deref(), Ok("inside"));
        assert_eq!(read(".").as_deref(), Ok("notes.txt\nsub/"));
        for path in [
            "../secret.txt",
            "sub/../../secret.txt",
            "/etc/passwd",
            "..",
            "../../../../../../../etc/passwd",
        ] {
            let told = read(path).unwrap_err();
            assert!(told.contains("isn't within the current folder"), "{told}");
        }
        for path in [".env", "sub/.git/config", "server.PEM"] {
            assert!(
                read(path).unwrap_err().contains("may hold secrets"),
                "{path}"
            );
        }
        assert_eq!(read("none.txt").unwrap_err(), "there is no none.txt");
    }

    #[test]
    fn a_link_leads_nowhere_else() {
        let place = Place::new("links");
        let inner = place.inner();
        symlink(place.0.join("secret.txt"), inner.join("link.txt")).unwrap();
        symlink(&place.0, inner.join("up")).unwrap();
        symlink(inner.join(".env"), inner.join("plain.txt")).unwrap();
        symlink(inner.join("notes.txt"), inner.join("good.txt")).unwrap();
        let read = |path: &str| read(&inner, path, 0);
        for path in ["link.txt", "up/secret.txt", "up/inner/notes.txt"] {
            let told = read(path);
            // What a link leads back to is within.
            match path.ends_with("notes.txt") {
                true => assert_eq!(told.as_deref(), Ok("inside")),
                false => assert!(told.unwrap_err().contains("isn't within"), "{path}"),
            }
        }
        assert!(read("plain.txt").unwrap_err().contains("may hold secrets"));
        assert_eq!(read("good.txt").as_deref(), Ok("inside"));
    }

    #[test]
    fn long_and_odd_files_are_bounded() {
        let place = Place::new("long");
        let inner = place.inner();
        fs::write(inner.join("long.txt"), "x".repeat(300_000)).unwrap();
        fs::write(inner.join("bytes.bin"), b"a\0b").unwrap();
        let first = read(&inner, "long.txt", 0).unwrap();
        assert!(first.len() < 132_000 && first.ends_with("read on with the offset 131072]"));
        // A piece ends at a whole character, and the next one begins at one.
        fs::write(inner.join("wide.txt"), format!("x{}", "é".repeat(70_000))).unwrap();
        let first = read(&inner, "wide.txt", 0).unwrap();
        assert!(first.ends_with("read on with the offset 131071]"));
        let rest = read(&inner, "wide.txt", 131_071).unwrap();
        assert!(!first.contains('\u{fffd}') && !rest.contains('\u{fffd}'));
        let last = read(&inner, "long.txt", 262_144).unwrap();
        assert_eq!(last.len(), 300_000 - 262_144);
        assert!(
            read(&inner, "bytes.bin", 0)
                .unwrap_err()
                .contains("no text")
        );
    }
}
