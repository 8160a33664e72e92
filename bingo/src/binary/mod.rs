//! What the executable of a Go program says about it: a file comes in, and out
//! come functions, lines, frame sizes and the places of the runtime's variables.
//!
//! Files are read in ranges, when they are asked for. All addresses here are
//! those of the file ([`StaticAddr`]); whoever knows the process knows its
//! [`crate::model::LoadBias`].

mod build_info;
mod build_version;
mod bytes;
mod code;
pub mod debug;
pub mod dwarf;
mod elf;
mod error;
mod file;
mod globals;
mod go_version;
mod held_locks;
pub mod layout;
mod loops;
mod module_data;
mod name_hash;
mod pclntab;
mod printed_name;
mod probe_site;
mod relocations;
mod symbolizer;
mod symbols;

use std::path::Path;
use std::sync::{Arc, OnceLock};

pub use build_info::BuildInfo;
pub use elf::{Elf, Section, Segment};
pub use error::BinaryError;
pub use globals::{Found, Global, Globals, GlobalsError};
pub use go_version::GoVersion;
pub use held_locks::{GivenLock, HeldLock, InterfaceCall, LockIndex, LockPlace, LockStart};
pub use module_data::{ModuleData, TextSection};
pub use pclntab::{Call, Form, FuncId, Function, Header, LiveWords, PclnTab, Unwind};
pub use printed_name::printed_name;
pub use probe_site::{ProbeKind, ProbeSite, ProbeSiteError, ProbeSites, SiteInstruction, SiteRegister};
pub use symbolizer::{Site, Symbolizer};

use self::held_locks::LockFunctions;
use self::symbols::Symbols;
use crate::model::StaticAddr;

/// The newest release that Bingo knows: 1.27.
const NEWEST_MINOR: u32 = 27;

/// A Go executable.
pub struct Binary {
    image: Arc<Elf>,
    build_info: BuildInfo,
    module_data: ModuleData,
    functions: PclnTab,
    symbols: OnceLock<Symbols>,
    lock_functions: LockFunctions,
}

impl Binary {
    /// Opens the Go executable at `path`.
    ///
    /// # Errors
    /// Where it is not one that Bingo reads; the error says what it is instead,
    /// or where it is damaged.
    pub fn open(path: &Path) -> Result<Binary, BinaryError> {
        Binary::of(Elf::open(path)?)
    }

    /// Reads `bytes` as if they were a file.
    ///
    /// # Errors
    /// Those of [`Binary::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Binary, BinaryError> {
        Binary::of(Elf::from_bytes(bytes)?)
    }

    fn of(image: Elf) -> Result<Binary, BinaryError> {
        let stated = match BuildInfo::read(&image) {
            Ok(stated) => Ok(stated),
            // The release may be found otherwise, if this is Go's at all.
            Err(error @ BinaryError::NotGo(_)) => Err(error),
            Err(error) => return Err(error),
        };
        let header = match Header::find(&image) {
            Ok(header) => header,
            Err(error) => return Err(stated.err().unwrap_or(error)),
        };
        let image = Arc::new(image);
        let read = |minor| -> Result<(ModuleData, PclnTab), BinaryError> {
            let module_data = ModuleData::find(&image, &header, minor)?;
            let functions = PclnTab::read(Arc::clone(&image), header.clone(), module_data.clone(), minor)?;
            Ok((module_data, functions))
        };
        let build_info = match stated {
            Ok(stated) => stated,
            Err(error) => {
                // What depends on the release matters little to find one function.
                let (_, functions) = read(NEWEST_MINOR)?;
                let version = build_version::build_version(&image, &functions).ok_or(error)?;
                BuildInfo::of_version(&version)?
            }
        };
        let (module_data, functions) = read(build_info.go_version.minor)?;
        Ok(Binary {
            image,
            build_info,
            module_data,
            functions,
            symbols: OnceLock::new(),
            lock_functions: LockFunctions::default(),
        })
    }

    /// How it was built.
    #[must_use]
    pub fn build_info(&self) -> &BuildInfo {
        &self.build_info
    }

    /// Whether the loader may put it anywhere: a process has a bias.
    #[must_use]
    pub fn is_pie(&self) -> bool {
        self.image.is_pie()
    }

    /// The file as ELF: sections, and the memory that it starts with.
    #[must_use]
    pub fn elf(&self) -> &Elf {
        &self.image
    }

    /// The segments that are loaded.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        self.image.segments()
    }

    /// Where the file has the byte at `address`; `None` for memory that starts as zero.
    #[must_use]
    pub fn file_offset(&self, address: StaticAddr) -> Option<u64> {
        self.image.file_offset(address)
    }

    /// The `len` bytes that the program starts with at `address`; see [`Elf::read`].
    ///
    /// # Errors
    /// Those of [`Elf::read`].
    pub fn read(&self, address: StaticAddr, len: u64) -> Result<Vec<u8>, BinaryError> {
        self.image.read(address, len)
    }

    /// The address of a symbol; `None` in a stripped program too.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<StaticAddr> {
        self.symbols().address_of(&self.image, name)
    }

    /// The name of the function symbol that holds `address`, for C functions.
    #[must_use]
    pub fn function_symbol_at(&self, address: StaticAddr) -> Option<String> {
        self.symbols().function_at(&self.image, address)
    }

    /// The name and the address of the variable symbol that holds `address`.
    #[must_use]
    pub fn variable_symbol_at(&self, address: StaticAddr) -> Option<(String, StaticAddr)> {
        self.symbols().variable_at(&self.image, address)
    }

    /// Go's functions.
    #[must_use]
    pub fn functions(&self) -> &PclnTab {
        &self.functions
    }

    /// Where the linker left code and tables.
    #[must_use]
    pub fn module_data(&self) -> &ModuleData {
        &self.module_data
    }

    fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| Symbols::read(&self.image))
    }
}
