// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds an installed library through pkg-config, else builds the sources this crate lies in.
//!
//! `TESSER_JOURNAL_NO_PKG_CONFIG=1` skips the first, `TESSER_JOURNAL_STATIC=1` takes the installed
//! archive instead of the shared library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    let installed = pkg_config::Config::new().range_version("0.1".."0.2").probe("tesser-journal");
    let include = match installed {
        // pkg-config leaves out the directories that a compiler looks into anyway.
        Ok(library) => library.include_paths.first().cloned(),
        Err(_) => Some(build(&source_root())),
    };
    // For the test that compares the declarations with the headers.
    let include = include.unwrap_or_else(|| PathBuf::from("/usr/include"));
    println!("cargo::rustc-env=TJ_INCLUDE_DIR={}", include.display());
    println!("cargo::metadata=include={}", include.display());
}

fn source_root() -> PathBuf {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by Cargo"));
    let root = here.join("../../..");
    assert!(
        root.join("include/tesser/journal.h").is_file(),
        "tesser-journal 0.1 is not installed (pkg-config does not find it), and its sources are not \
         beside this crate: install it, or take the crate from its repository"
    );
    root.canonicalize().expect("the directory was just seen")
}

/// Builds the archive and returns the directory of its headers.
fn build(root: &Path) -> PathBuf {
    for part in ["CMakeLists.txt", "cmake", "include", "src"] {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
    }
    let tools = ["cmake", "cc", "c++"];
    let missing: Vec<_> = tools.into_iter().filter(|tool| !runs(tool)).collect();
    assert!(
        missing.is_empty(),
        "{} cannot be run, and the C library is built with it: `make setup` in {} installs what is \
         needed (Debian: cmake build-essential, and the libraries that CMake then names)",
        missing.join(", "),
        root.display()
    );
    let out = cmake::Config::new(root)
        .profile("RelWithDebInfo")
        .define("TJ_TESTS", "OFF")
        .build_target("tesser-journal-static")
        .build();
    let built = out.join("build");
    println!("cargo::rustc-link-search=native={}", built.display());
    println!("cargo::rustc-link-lib=static=tesser-journal");
    link_needs(&built.join("tesser-journal.pc"));
    root.join("include")
}

/// Whether a tool is there, or is chosen by its usual variable.
fn runs(tool: &str) -> bool {
    let chosen = match tool {
        "cmake" => "CMAKE",
        "cc" => "CC",
        _ => "CXX",
    };
    env::var_os(chosen).is_some() || Command::new(tool).arg("--version").output().is_ok()
}

/// The libraries that the archive needs are listed where pkg-config would look for them.
fn link_needs(pc: &Path) {
    let text = fs::read_to_string(pc).expect("CMake writes it while configuring");
    let needs = text
        .lines()
        .find_map(|line| line.strip_prefix("Libs.private:"))
        .expect("it lists what the archive needs");
    for library in needs.split_whitespace().filter_map(|flag| flag.strip_prefix("-l")) {
        println!("cargo::rustc-link-lib={library}");
    }
}
