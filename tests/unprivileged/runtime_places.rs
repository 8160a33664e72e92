//! Struct layouts, variables and probe sites of the runtime: in each Go
//! release, each way to build, with symbols and without, and in real servers.

use anyhow::Context;
use bingo::binary::layout::{Layout, LayoutSource};
use bingo::binary::{Binary, Globals, ProbeKind, ProbeSites, SiteInstruction};
use bingo::model::{StaticAddr, WaitReason};
use bingo_tests::{Fixture, GoRelease, Mode, release_or_skip, skip, tools_dir};

macro_rules! releases {
    ($($test:ident: $minor:literal;)*) => {
        $(#[test]
        fn $test() -> anyhow::Result<()> {
            let Some(release) = release_or_skip(concat!("runtime_places::", stringify!($test)), $minor) else {
                return Ok(());
            };
            check(&release)
        })*
    };
}

releases! {
    go_1_19: 19;
    go_1_21: 21;
    go_1_22: 22;
    go_1_23: 23;
    go_1_24: 24;
    go_1_25: 25;
    go_1_26: 26;
    go_1_27: 27;
}

fn check(release: &GoRelease) -> anyhow::Result<()> {
    let table = Layout::of_release(release.minor, &release.version)?;
    let mut normal = None;
    for mode in [Mode::Normal, Mode::Pie, Mode::Race, Mode::Cgo, Mode::Stripped] {
        let fixture = Fixture::build("runtime_types", release, mode)?;
        let binary = Binary::open(&fixture.path)?;
        let what = format!("go{} {mode:?}", release.version);
        let layout = Layout::of(&binary).context(what.clone())?;
        check_layout(&what, &layout, &table, mode);

        let decoded = Globals::decode(&binary, &layout).context(what.clone())?;
        assert_eq!(decoded.notes, Vec::<String>::new(), "{what}");
        let addresses = addresses(&decoded, release.minor).with_context(|| what.clone())?;
        if mode == Mode::Stripped {
            assert_eq!(binary.symbol("runtime.allglen"), None, "{what} has symbols");
            // The build information records the flags in the variables' segment,
            // which moves all that follows by the same few bytes.
            let normal = normal.as_ref().context("the normal build comes first")?;
            let moved = |(one, other): (&Place, &Place)| one.1.0.wrapping_sub(other.1.0);
            let distances: Vec<u64> = addresses.iter().zip(normal).map(moved).collect();
            let together = distances.windows(2).all(|pair| pair.first() == pair.last());
            assert!(together && distances.iter().all(|&by| by <= 256), "{what}: {distances:x?}");
        } else {
            for (name, address) in &addresses {
                assert_eq!(Some(*address), binary.symbol(name), "{what}: {name}");
            }
        }
        if mode == Mode::Normal {
            assert_eq!(without_build_info(&fixture)?.build_info().go_version, binary.build_info().go_version);
            normal = Some(addresses);
        }
        check_sites(&what, &binary, release.minor >= 21)?;
    }
    Ok(())
}

/// The program as if its build information had been taken out.
fn without_build_info(fixture: &Fixture) -> anyhow::Result<Binary> {
    const MAGIC: &[u8] = b"\xff Go buildinf:";
    let mut bytes = std::fs::read(&fixture.path)?;
    let places: Vec<usize> =
        bytes.windows(MAGIC.len()).enumerate().filter(|(_, w)| *w == MAGIC).map(|(at, _)| at).collect();
    for at in places {
        bytes.get_mut(at..at + MAGIC.len()).context("within the file")?.fill(0);
    }
    Ok(Binary::from_bytes(bytes)?)
}

fn check_layout(what: &str, layout: &Layout, table: &Layout, mode: Mode) {
    let expect = if mode == Mode::Stripped { &table.source } else { &LayoutSource::Dwarf };
    assert_eq!(&layout.source, expect, "{what}");
    assert_eq!(layout.notes(), Vec::<String>::new(), "{what}");
    let mut same_source = layout.clone();
    same_source.source = table.source.clone();
    for number in 0..=u8::MAX {
        assert_eq!(layout.wait_reason(number), table.wait_reason(number), "{what}: wait reason {number}");
    }
    assert_eq!(&same_source, table, "{what}");
}

/// A variable and its address.
type Place = (&'static str, StaticAddr);

/// The addresses of all variables; an error where one is missing.
fn addresses(globals: &Globals, minor: u32) -> anyhow::Result<Vec<Place>> {
    let optional = |global: Option<bingo::binary::Global>, name| {
        global.map(|global| (name, global.address)).with_context(|| format!("no {name}"))
    };
    let mut places = vec![
        ("runtime.allgptr", globals.allgptr.address),
        ("runtime.allglen", globals.allglen.address),
        optional(globals.semtable, "runtime.semtable")?,
        optional(globals.allm, "runtime.allm")?,
        optional(globals.allp, "runtime.allp")?,
        optional(globals.sched, "runtime.sched")?,
        optional(globals.mheap, "runtime.mheap_")?,
        optional(globals.allfin, "runtime.allfin")?,
    ];
    if minor >= 25 {
        places.push(optional(globals.gc_cleanups, "runtime.gcCleanups")?);
    }
    Ok(places)
}

/// Every site is there, on an instruction that the kernel emulates, passed once a call.
fn check_sites(what: &str, binary: &Binary, pushes: bool) -> anyhow::Result<()> {
    let sites = ProbeSites::find(binary);
    assert_eq!(sites.notes(), Vec::<String>::new(), "{what}");
    for (kind, site) in sites.each() {
        let site = site.map_err(|error| anyhow::anyhow!("{what}: {error}"))?;
        let shown = format!("{what}: {site:?}");
        assert!(site.instruction.is_emulated() && !site.repeats, "{shown}");
        match kind {
            ProbeKind::Create => {
                assert_eq!(site.instruction, SiteInstruction::Call, "{shown}");
            }
            _ if pushes => {
                assert_eq!(site.instruction, SiteInstruction::Push, "{shown}");
            }
            _ => {}
        }
        assert_eq!(binary.file_offset(site.address), Some(site.file_offset), "{shown}");
        let function = binary.functions().function_at(site.address).context(shown.clone())?;
        assert_eq!(function.name(), site.function, "{shown}");
    }
    Ok(())
}

#[test]
fn real_servers_without_symbols() -> anyhow::Result<()> {
    for name in ["caddy", "esbuild"] {
        let path = tools_dir().join("bin").join(name);
        if !path.is_file() {
            skip(
                &format!("runtime_places::real_servers_without_symbols ({name})"),
                "not installed (cargo xtask setup)",
            );
            continue;
        }
        let binary = Binary::open(&path).context(name)?;
        let minor = binary.build_info().go_version.minor;
        let layout = Layout::of(&binary)?;
        assert_eq!(layout.source, LayoutSource::Release(release_name(minor)), "{name}");
        assert_eq!(layout.notes(), Vec::<String>::new(), "{name}");
        let table = Layout::of_release(minor, "")?;
        for number in 1..=u8::MAX {
            assert_eq!(layout.wait_reason(number), table.wait_reason(number), "{name}: {number}");
        }
        assert_eq!(layout.wait_reason(0), WaitReason::Unknown(0));

        assert_eq!(binary.symbol("runtime.allglen"), None, "{name} has symbols");
        let globals = Globals::find(&binary, &layout)?;
        assert_eq!(globals.notes, Vec::<String>::new(), "{name}");
        let mut addresses: Vec<StaticAddr> =
            addresses(&globals, minor)?.into_iter().map(|(_, at)| at).collect();
        // They are variables without a first value, each somewhere else.
        for address in &addresses {
            assert_eq!(binary.file_offset(*address), None, "{name}: {address}");
        }
        let count = addresses.len();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), count, "{name}");
        check_sites(name, &binary, true)?;
    }
    Ok(())
}

fn release_name(minor: u32) -> &'static str {
    let releases = bingo::binary::layout::ReleaseTable::all();
    releases.iter().find(|release| release.minor() == minor).map_or("unknown", |release| release.name())
}
