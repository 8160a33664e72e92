//! Core files made of literal bytes.

use super::*;

/// A core file, piece by piece: headers first, then what they speak of.
#[derive(Default)]
struct Made {
    segments: Vec<(u32, u64, u64, Vec<u8>)>,
}

const LOAD: u32 = 1;
const NOTE: u32 = 4;

impl Made {
    /// Memory at `start`, of which the file has `bytes`.
    fn memory(mut self, start: u64, size: u64, bytes: &[u8]) -> Made {
        self.segments.push((LOAD, start, size, bytes.to_vec()));
        self
    }

    fn notes(mut self, notes: &[(u32, Vec<u8>)]) -> Made {
        let mut bytes = Vec::new();
        for (kind, desc) in notes {
            let len = u32::try_from(desc.len()).unwrap();
            bytes.extend([5_u32, len, *kind].iter().flat_map(|word| word.to_le_bytes()));
            bytes.extend(b"CORE\0\0\0\0");
            bytes.extend(desc);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        self.segments.push((NOTE, 0, 0, bytes));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0\x3e\0\x01\0\0\0".to_vec();
        file.extend([0_u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
        let count = u16::try_from(self.segments.len()).unwrap();
        file.extend([0, 0, 64, 56, count, 0, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
        let mut offset = 64 + 56 * self.segments.len() as u64;
        for (kind, start, size, bytes) in &self.segments {
            file.extend([*kind, 6].iter().flat_map(|word| word.to_le_bytes()));
            let words = [offset, *start, 0, bytes.len() as u64, *size, 0];
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            offset += bytes.len() as u64;
        }
        file.extend(self.segments.iter().flat_map(|segment| &segment.3));
        file
    }

    fn open(&self) -> Result<CoreDump, CoreError> {
        CoreDump::from_bytes(self.bytes())
    }
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn memory_is_where_the_headers_say() {
    let core = Made::default()
        .memory(0x5000, 8, b"abcdefgh")
        .memory(0x1000, 0x1000, b"0123")
        .memory(0x5008, 4, b"ijkl")
        .open()
        .unwrap();
    let check = |addr, len, expect: Option<&[u8]>| {
        let mut bytes = vec![0; len];
        let read = core.read(Addr(addr), &mut bytes);
        assert_eq!(read.ok().map(|()| &bytes[..]), expect, "{addr:#x}");
    };
    check(0x1000, 4, Some(b"0123"));
    check(0x1002, 3, None);
    check(0x5006, 4, Some(b"ghij"));
    check(0x500b, 1, Some(b"l"));
    check(0x500c, 1, None);
    check(0xfff, 2, None);
    check(u64::MAX, 2, None);
    assert!(core.problems().is_empty());
}

#[test]
fn the_program_has_what_the_core_has_not() {
    let path = std::env::temp_dir().join(format!("bingo-core-supply-{}", std::process::id()));
    std::fs::write(&path, b"....texttexttext").unwrap();
    let mut core = Made::default().memory(0x1004, 4, b"CORE").memory(0x2000, 0x1000, b"").open().unwrap();
    core.supply(&path, [(Addr(0x1000), 4, 8), (Addr(0x1008), 0, 1)]).unwrap();
    assert!(core.read(Addr(0x1008), &mut [0; 4]).is_ok(), "the rest of the page is mapped, too");
    let mut bytes = [0; 4];
    core.read(Addr(0x1006), &mut bytes).unwrap();
    assert_eq!(&bytes, b"RE..", "another range ends it");
    core.supply(&path, [(Addr(0x1000), 4, 12), (Addr(u64::MAX), 0, 2)]).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut bytes = [0; 12];
    core.read(Addr(0x1000), &mut bytes).unwrap();
    assert_eq!(&bytes, b"textCOREtext", "what the core has counts");
    assert!(core.read(Addr(0x100b), &mut [0; 2]).is_err());
    assert!(core.read(Addr(0x2000), &mut [0]).is_err(), "neither has it");
}

#[test]
fn notes_tell_of_threads_and_files() {
    let mut status = vec![0; 336];
    status[32..36].copy_from_slice(&77_u32.to_le_bytes());
    for place in 0..27_u64 {
        let at = usize::try_from(112 + place * 8).unwrap();
        status[at..at + 8].copy_from_slice(&(100 + place).to_le_bytes());
    }
    let mut process = vec![0; 136];
    process[24..28].copy_from_slice(&76_u32.to_le_bytes());
    process[56..64].copy_from_slice(b"shop -v ");
    let mut files = words(&[2, 4096, 0x40_0000, 0x40_1000, 0, 0x50_0000, 0x50_1000, 1]);
    files.extend(b"/bin/shop (deleted)\0/lib/c.so\0");
    let notes = [
        (1, status.clone()),
        (3, process),
        (6, words(&[3, 0x40_0040, 9, 0x40_0123, 0, 0])),
        (0x4649_4c45, files),
        (1, status),
    ];
    let core = Made::default().notes(&notes).open().unwrap();
    let notes = core.notes();
    assert_eq!((notes.pid, notes.entry), (Some(76), Some(Addr(0x40_0123))));
    assert_eq!(notes.command.as_deref(), Some("shop -v"));
    assert_eq!(notes.executable(), Some("/bin/shop"));
    assert_eq!(notes.files[1].offset, 4096);
    let [first, second] = notes.threads[..] else { panic!("{:?}", notes.threads) };
    assert_eq!((first.tid, first), (77, second));
    // rax is the 11th, rsp the 20th, rip the 17th of the kernel's order.
    let registers = first.registers;
    assert_eq!((registers.general[0], registers.sp(), registers.pc), (110, Addr(119), 116));
    assert_eq!((registers.bp(), registers.general[8], registers.general[15]), (Addr(104), 109, 100));
}

#[test]
fn what_is_cut_off_is_said() {
    let made = Made::default().notes(&[(6, words(&[9, 5, 0, 0]))]).memory(0x1000, 8, b"abcdefgh");
    let whole = made.bytes();
    let cut = CoreDump::from_bytes(whole[..whole.len() - 3].to_vec()).unwrap();
    assert_eq!(cut.problems().len(), 1);
    assert!(cut.problems()[0].contains(": 3 bytes of memory are missing"), "{:?}", cut.problems());
    assert!(cut.read(Addr(0x1000), &mut [0; 5]).is_ok());
    assert!(cut.read(Addr(0x1000), &mut [0; 6]).is_err());
    let cut = CoreDump::from_bytes(whole[..64 + 2 * 56 + 10].to_vec()).unwrap();
    assert_eq!((cut.problems().len(), cut.notes().entry), (2, None));
    for len in 0..64 + 2 * 56 {
        assert!(CoreDump::from_bytes(whole[..len].to_vec()).is_err(), "{len}");
    }
}

#[test]
fn damage_has_its_place() {
    let check = |bytes: Vec<u8>, expect: &str| {
        let said = CoreDump::from_bytes(bytes).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(expect), "{said}");
    };
    let two = Made::default().memory(0x1000, 8, b"abcdefgh").memory(0x1004, 8, b"abcdefgh");
    check(two.bytes(), "two segments have memory at 0x1004");
    let mut huge = Made::default().memory(0x1000, 1 << 60, b"abcd").bytes();
    assert!(CoreDump::from_bytes(huge.clone()).is_ok(), "it need not be in the file");
    huge[64 + 16..64 + 24].copy_from_slice(&u64::MAX.to_le_bytes());
    check(huge, "damaged program header at file offset 0x40");
    let mut note = Made::default().notes(&[(6, words(&[9, 5]))]).bytes();
    note[64 + 56 + 4] = 0xf0;
    check(note, "damaged note at file offset 0x78");
    let mut arm = Made::default().bytes();
    arm[18] = 183;
    check(arm, "an arm64 program");
    let mut program = Made::default().bytes();
    program[16] = 2;
    check(program, "not a core file but a program");
    check(b"#!/bin/sh\n".to_vec(), "not an ELF file");
    check(Vec::new(), "not an ELF file");
}
