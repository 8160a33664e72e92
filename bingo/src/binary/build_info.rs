//! Go's build information: which release built the program, and how.
//!
//! The linker puts a blob at the front of the writable memory, in the section
//! `.go.buildinfo` (`debug/buildinfo`, Go 1.27):
//!
//! ```text
//!  0        14      15     16                32
//!  "\xff Go buildinf:" ptrSize flags  version pointer, module pointer   (flags & 2 = 0: to Go 1.17)
//!                              or     unused                varint length, version, varint length, module
//! ```

use super::elf::Elf;
use super::{BinaryError, GoVersion, bytes};
use crate::model::StaticAddr;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The blob stands at a multiple of this, in bytes.
const ALIGN: usize = 16;
/// Size of the blob's fixed part, in bytes.
const HEADER: u64 = 32;
/// How far into each segment the blob is sought, in bytes: Go's own reader
/// takes the whole segment, but the linker puts the blob near the front.
const SEARCH: u64 = 16 << 20;
/// The module text stands between two marks of this size, in bytes.
const MARK: usize = 16;

/// How a Go program was built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildInfo {
    /// The release that built it.
    pub go_version: GoVersion,
    /// The package path of `main`; empty where it is not stated.
    pub path: String,
    /// The build settings, such as `("-ldflags", "-s -w")`, `("CGO_ENABLED", "1")`.
    pub settings: Vec<(String, String)>,
}

impl BuildInfo {
    /// Finds and reads the blob, by the section's name or by its magic.
    ///
    /// # Errors
    /// Where there is none, it is damaged, or names a release before Go 1.18.
    pub fn read(image: &Elf) -> Result<BuildInfo, BinaryError> {
        let address = find(image)?.ok_or(BinaryError::NotGo("build information"))?;
        let header = image.read(address, HEADER)?;
        let flags = bytes::u8_at(&header, 15).unwrap_or_default();
        if flags & 2 == 0 {
            let version = version_by_pointer(image, &header).unwrap_or_else(|| "Go 1.17 or older".into());
            return Err(BinaryError::TooOld { version });
        }
        let (version, next) = inline_string(image, StaticAddr(address.0.saturating_add(HEADER)))?;
        let (module, _) = inline_string(image, next)?;
        let stated = BuildInfo::of_version(&String::from_utf8_lossy(&version))?;
        let (path, settings) = parse_module(&module);
        Ok(BuildInfo { path, settings, ..stated })
    }

    /// What is known of a program that states its release alone.
    ///
    /// # Errors
    /// Where that is not one, or one before Go 1.18.
    pub fn of_version(text: &str) -> Result<BuildInfo, BinaryError> {
        let go_version =
            GoVersion::parse(text).ok_or_else(|| BinaryError::UnknownVersion { text: text.to_owned() })?;
        if go_version.minor < 18 {
            return Err(BinaryError::TooOld { version: go_version.text });
        }
        Ok(BuildInfo { go_version, path: String::new(), settings: Vec::new() })
    }

    /// The value of a build setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn find(image: &Elf) -> Result<Option<StaticAddr>, BinaryError> {
    if let Some(section) = image.section(".go.buildinfo")
        && let Some(found) = find_in(image, section.address, section.size.min(SEARCH))?
    {
        return Ok(Some(found));
    }
    for segment in image.segments().iter().filter(|segment| segment.writable) {
        let found = find_in(image, segment.address, segment.file_size.min(SEARCH))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The first blob in `size` bytes from `start` on. What is not in the file has none.
fn find_in(image: &Elf, start: StaticAddr, size: u64) -> Result<Option<StaticAddr>, BinaryError> {
    let size = size.min(image.file_bytes_from(start));
    if size < HEADER {
        return Ok(None);
    }
    let bytes = image.read(start, size)?;
    let skew = start.0 % ALIGN as u64;
    let first = if skew == 0 { 0 } else { ALIGN as u64 - skew };
    let at = (first..size).step_by(ALIGN).find(|&at| {
        let at = usize::try_from(at).ok();
        at.and_then(|at| bytes.get(at..)).is_some_and(|rest| rest.starts_with(MAGIC))
    });
    Ok(at.and_then(|at| start.0.checked_add(at)).map(StaticAddr))
}

/// A string after its varint length, and the address behind it.
fn inline_string(image: &Elf, at: StaticAddr) -> Result<(Vec<u8>, StaticAddr), BinaryError> {
    let malformed = || BinaryError::Malformed { what: "build information", at: at.0 };
    let room = image.file_bytes_from(at);
    let start = image.read(at, room.min(10))?;
    let (len, prefix) = bytes::uvarint(&start).ok_or_else(malformed)?;
    let prefix = prefix as u64;
    if len > room.saturating_sub(prefix) {
        return Err(malformed());
    }
    let text = at.0.checked_add(prefix).ok_or_else(malformed)?;
    if len == 0 {
        return Ok((Vec::new(), StaticAddr(text)));
    }
    Ok((image.read(StaticAddr(text), len)?, StaticAddr(text.saturating_add(len))))
}

/// The version in the form of Go 1.17 and before: a pointer to a string header.
fn version_by_pointer(image: &Elf, header: &[u8]) -> Option<String> {
    let pointer = StaticAddr(bytes::u64_at(header, 16)?);
    let text = StaticAddr(image.read_u64(pointer).ok()?);
    let len = image.read_u64(StaticAddr(pointer.0.checked_add(8)?)).ok()?;
    if len > 256 {
        return None;
    }
    String::from_utf8(image.read(text, len).ok()?).ok()
}

/// The path and the settings in the module text: lines of tab-separated words
/// (`runtime/debug.ParseBuildInfo`), between two binary marks.
fn parse_module(module: &[u8]) -> (String, Vec<(String, String)>) {
    let text = module.get(MARK..module.len().saturating_sub(MARK)).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let mut path = String::new();
    let mut settings = Vec::new();
    for line in text.lines() {
        match line.split_once('\t') {
            Some(("path", value)) => value.clone_into(&mut path),
            Some(("build", setting)) => settings.extend(parse_setting(setting)),
            _ => {}
        }
    }
    (path, settings)
}

/// A `key=value`, either of which may be a quoted Go string.
fn parse_setting(setting: &str) -> Option<(String, String)> {
    let (key, value) = match setting.strip_prefix('"') {
        Some(quoted) => {
            let (key, rest) = quoted.split_once('"')?;
            (key, rest.strip_prefix('=')?)
        }
        None => setting.split_once('=')?,
    };
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Some((key.to_owned(), value.replace("\\\"", "\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: StaticAddr = StaticAddr(0x1000);

    fn varint_string(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut len = text.len();
        while len >= 0x80 {
            out.push(u8::try_from(len & 0x7f).unwrap() | 0x80);
            len >>= 7;
        }
        out.push(u8::try_from(len).unwrap());
        out.extend_from_slice(text);
        out
    }

    fn blob(version: &str, module: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([8, 2]);
        bytes.resize(32, 0);
        bytes.extend(varint_string(version.as_bytes()));
        let framed = if module.is_empty() {
            Vec::new()
        } else {
            [&[0x30; MARK], module.as_bytes(), &[0xf9; MARK]].concat()
        };
        bytes.extend(varint_string(&framed));
        bytes
    }

    fn read_at(bytes: Vec<u8>) -> Result<BuildInfo, BinaryError> {
        BuildInfo::read(&Elf::image(AT, bytes))
    }

    #[test]
    fn version_path_and_settings() {
        let module =
            "path\tcommand-line-arguments\ndep\tx\tv1\nbuild\t-ldflags=\"-s -w\"\nbuild\tCGO_ENABLED=0\n";
        let mut bytes = vec![0; 48];
        bytes.extend(blob("go1.27.3", module));
        let built = read_at(bytes).unwrap();
        assert_eq!(built.go_version.minor, 27);
        assert_eq!(built.path, "command-line-arguments");
        assert_eq!(built.setting("-ldflags"), Some("-s -w"));
        assert_eq!(built.setting("CGO_ENABLED"), Some("0"));
        assert_eq!(built.setting("absent"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |bytes: Vec<u8>, expect: &str| {
            let error = read_at(bytes).unwrap_err().to_string();
            assert!(error.contains(expect), "{error:?} has no {expect:?}");
        };
        check(vec![0; 256], "no build information");
        check(blob("go1.17.1", ""), "go1.17.1, which is too old");
        check(blob("unknown", ""), "\"unknown\"");
        let mut by_pointer = blob("", "");
        by_pointer[15] = 0;
        check(by_pointer, "Go 1.17 or older");
        let mut endless = blob("go1.27.3", "");
        endless.truncate(32);
        endless.extend([0xff; 9]);
        endless.push(1);
        check(endless, "damaged build information at 0x1020");
    }

    #[test]
    fn cut_anywhere_is_an_error_and_no_more() {
        let whole = blob("go1.27.3", "path\tmain\n");
        for end in 0..whole.len() {
            assert!(read_at(whole[..end].to_vec()).is_err(), "cut at {end}");
        }
        read_at(whole).unwrap();
    }
}
