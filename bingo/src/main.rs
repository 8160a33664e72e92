//! The `bingo` program: a thin shell around [`bingo::cli`].

fn main() -> std::process::ExitCode {
    bingo::cli::main()
}
