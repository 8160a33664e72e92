//! The examples of `docs/findings`: each is a program that Go builds and vets.

use std::fs;
use std::process::Command;

use anyhow::Context;
use bingo_tests::{Module, release_or_skip, workspace};

#[test]
fn each_example_is_a_program() -> anyhow::Result<()> {
    let Some(release) = release_or_skip("findings_docs", 27) else { return Ok(()) };
    let mut examples = Vec::new();
    for entry in fs::read_dir(workspace().join("docs/findings"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a name")?.to_string_lossy().into_owned();
        let page = fs::read_to_string(&path)?;
        let Some((_, example)) = page.split_once("```go\n").filter(|_| name != "README") else { continue };
        let (example, _) = example.split_once("\n```").context("a fence that ends")?;
        examples.push((format!("{name}/main.go"), format!("{example}\n")));
    }
    anyhow::ensure!(examples.len() == 7, "an example for each type of finding: {}", examples.len());
    let files: Vec<(&str, &str)> = examples.iter().map(|(path, text)| (&**path, &**text)).collect();
    let go = release.go.clone();
    let module = Module::new("findings-docs", release, &files)?;
    // `range` over a number came with 1.22.
    fs::write(module.folder.join("go.mod"), "module example.com/docs\n\ngo 1.22\n")?;
    for arguments in [["vet", "./..."], ["build", "./..."]] {
        let mut command = Command::new(&go);
        command.args(arguments).current_dir(&module.folder);
        command.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GO111MODULE", "on").env("GOFLAGS", "");
        let output = command.output()?;
        anyhow::ensure!(
            output.status.success(),
            "go {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let gofmt = Command::new(go.with_file_name("gofmt")).arg("-l").arg(&module.folder).output()?;
    anyhow::ensure!(gofmt.stdout.is_empty(), "not formatted: {}", String::from_utf8_lossy(&gofmt.stdout));
    Ok(())
}
