//! The symbol table (`.symtab`), where the program was not stripped of it:
//! names to addresses for Go's variables, addresses to names for C functions.

use object::elf;

use super::bytes;
use super::elf::Elf;
use super::name_hash::name_hash;
use crate::model::StaticAddr;

/// Size of an `Elf64_Sym`: name u32, info u8, other u8, section u16, value u64, size u64.
const ENTRY: usize = 24;

/// The symbols that have an address.
#[derive(Default)]
pub(crate) struct Symbols {
    /// File offset of the names.
    names: u64,
    by_hash: Vec<Symbol>,
    /// Functions as (address, place in `by_hash`).
    functions: Vec<(u64, u32)>,
    /// Variables, in the same way.
    variables: Vec<(u64, u32)>,
}

struct Symbol {
    hash: u64,
    address: u64,
    size: u64,
    name: u32,
}

impl Symbols {
    /// Reads the table; an absent or damaged one has no symbols.
    pub(crate) fn read(image: &Elf) -> Symbols {
        read(image).unwrap_or_default()
    }

    /// The address of the symbol of this name.
    pub(crate) fn address_of(&self, image: &Elf, name: &str) -> Option<StaticAddr> {
        let wanted = name_hash(name.as_bytes());
        let first = self.by_hash.partition_point(|symbol| symbol.hash < wanted);
        let candidates = self.by_hash.get(first..)?.iter().take_while(|symbol| symbol.hash == wanted);
        let named = |symbol: &&Symbol| self.name_of(image, symbol).as_deref() == Some(name);
        candidates.filter(named).map(|symbol| StaticAddr(symbol.address)).next()
    }

    /// The name of the function symbol that holds `address`.
    pub(crate) fn function_at(&self, image: &Elf, address: StaticAddr) -> Option<String> {
        self.name_of(image, self.holding(&self.functions, address)?)
    }

    /// The name and the address of the variable that holds `address`.
    pub(crate) fn variable_at(&self, image: &Elf, address: StaticAddr) -> Option<(String, StaticAddr)> {
        let symbol = self.holding(&self.variables, address)?;
        Some((self.name_of(image, symbol)?, StaticAddr(symbol.address)))
    }

    fn holding(&self, sorted: &[(u64, u32)], address: StaticAddr) -> Option<&Symbol> {
        let after = sorted.partition_point(|&(start, _)| start <= address.0);
        let &(start, place) = sorted.get(after.checked_sub(1)?)?;
        let symbol = self.by_hash.get(usize::try_from(place).ok()?)?;
        (address.0 - start < symbol.size).then_some(symbol)
    }

    fn name_of(&self, image: &Elf, symbol: &Symbol) -> Option<String> {
        let start = self.names.checked_add(u64::from(symbol.name))?;
        let mut len = 64_u64;
        loop {
            let room = image.file().len().checked_sub(start)?;
            let bytes = image.file().read(start, len.min(room)).ok()?;
            if let Some(name) = bytes::until_nul(&bytes) {
                return Some(String::from_utf8_lossy(name).into_owned());
            }
            if len >= room {
                return None;
            }
            len = len.saturating_mul(4);
        }
    }
}

fn read(image: &Elf) -> Option<Symbols> {
    let section = image.sections().iter().find(|section| section.kind == elf::SHT_SYMTAB.0)?;
    let names = image.sections().get(usize::try_from(section.link).ok()?)?;
    let strings = image.file().read(names.file_offset, names.size).ok()?;
    let table = image.file().read(section.file_offset, section.size).ok()?;
    let mut by_hash: Vec<Symbol> = Vec::new();
    let mut functions: Vec<(u64, u64)> = Vec::new();
    let mut variables: Vec<(u64, u64)> = Vec::new();
    for entry in table.chunks_exact(ENTRY) {
        let (Some(symbol), Some(kind)) = (symbol(entry, &strings), bytes::u8_at(entry, 4)) else { continue };
        if symbol.size > 0 && kind & 0xf == elf::STT_FUNC.0 {
            functions.push((symbol.hash, symbol.address));
        } else if symbol.size > 0 && kind & 0xf == elf::STT_OBJECT.0 {
            variables.push((symbol.hash, symbol.address));
        }
        by_hash.push(symbol);
    }
    by_hash.sort_unstable_by_key(|symbol| (symbol.hash, symbol.address));
    let placed = |mut kinds: Vec<(u64, u64)>| {
        kinds.sort_unstable();
        let is_one = |symbol: &Symbol| kinds.binary_search(&(symbol.hash, symbol.address)).is_ok();
        let places = by_hash.iter().zip(0_u32..).filter(|(symbol, _)| is_one(symbol));
        let mut placed: Vec<(u64, u32)> = places.map(|(symbol, place)| (symbol.address, place)).collect();
        placed.sort_unstable();
        placed
    };
    let (functions, variables) = (placed(functions), placed(variables));
    Some(Symbols { names: names.file_offset, by_hash, functions, variables })
}

/// A symbol that is defined in this file and has a name.
fn symbol(entry: &[u8], strings: &[u8]) -> Option<Symbol> {
    let name = bytes::u32_at(entry, 0)?;
    let section = bytes::u16_at(entry, 6)?;
    let kind = bytes::u8_at(entry, 4)? & 0xf;
    let text = bytes::until_nul(strings.get(usize::try_from(name).ok()?..)?)?;
    let defined = section != elf::SHN_UNDEF.0;
    let placed = kind != elf::STT_SECTION.0 && kind != elf::STT_FILE.0 && kind != elf::STT_TLS.0;
    if text.is_empty() || !defined || !placed {
        return None;
    }
    Some(Symbol {
        hash: name_hash(text),
        address: bytes::u64_at(entry, 8)?,
        size: bytes::u64_at(entry, 16)?,
        name,
    })
}
