//! Files that the tools write: links, pipes, folders, and whose eyes they are for.

use super::{SNAPSHOT, command, ran, scratch};
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What writes a file, and how that begins.
const WRITERS: [(&[&str], &str); 4] = [
    (&["snapshot", "save"], "{\"snapshot\""),
    (&["report", "--output"], "<!doctype html>"),
    (&["export", "--output"], "{"),
    (&["chart", "--output"], "<svg"),
];

fn of_target<'a>(tool: &[&'a str], file: &'a Path) -> Vec<&'a str> {
    let from = SNAPSHOT.to_str().unwrap();
    let place = ["--from", from, "--account", "production", "--region", "us-west-2"];
    [tool, &[file.to_str().unwrap()], &place].concat()
}

fn folder(name: &str) -> PathBuf {
    let folder = scratch(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced_or_made() {
    let folder = folder("links");
    for (tool, begins) in WRITERS {
        let (target, link, second) = (folder.join("target"), folder.join("link"), folder.join("second"));
        symlink("second", &link).unwrap();
        symlink("target", &second).unwrap();
        for old in [Some("the old one"), None] {
            match old {
                Some(text) => fs::write(&target, text).unwrap(),
                None => fs::remove_file(&target).unwrap(),
            }
            let (code, _, error) = ran(&of_target(tool, &link));
            assert_eq!((code, error.as_str()), (0, ""), "{tool:?}, {old:?}");
            for link in [&link, &second] {
                assert!(fs::symlink_metadata(link).unwrap().is_symlink(), "{tool:?}, {old:?}: {link:?}");
            }
            assert!(fs::read_to_string(&target).unwrap().starts_with(begins), "{tool:?}, {old:?}");
        }
        [target, link, second].iter().for_each(|file| fs::remove_file(file).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left beside it");
    }
}

#[test]
fn a_pipe_is_written_through_and_stays_one() {
    let folder = folder("pipes");
    let pipe = folder.join("requests.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let all = WRITERS.map(|(tool, begins)| (of_target(tool, &pipe), begins));
    let tables = of_target(&["report", "--output", "/dev/null", "--csv"], &folder);
    for (args, begins) in all.into_iter().chain([(tables, "place,qu")]) {
        let writer = command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let text = fs::read_to_string(&pipe).unwrap();
        let ended = writer.wait_with_output().unwrap();
        assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
        assert!(text.starts_with(begins), "{args:?}: {}", &text[..text.len().min(80)]);
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{args:?}");
    }
}

#[test]
fn a_folder_and_links_in_a_circle_are_no_file() {
    let folder = folder("circle");
    let circle = folder.join("circle");
    symlink("circle", &circle).unwrap();
    for (path, expected) in [
        (&folder, "is a folder, expected the name of a file in it"),
        (&circle, "found links in a circle, expected a file"),
    ] {
        for (tool, _) in WRITERS {
            let (code, out, error) = ran(&of_target(tool, path));
            assert_eq!((code, out.as_str(), error.lines().count()), (1, "", 1), "{tool:?}: {error}");
            assert!(error.contains(path.to_str().unwrap()) && error.contains(expected), "{tool:?}: {error}");
        }
    }
}

#[test]
fn who_may_read_a_file_may_read_the_next_one_too_and_a_snapshot_is_its_owners() {
    let folder = folder("permissions");
    for (tool, _) in WRITERS {
        let path = folder.join("file");
        fs::write(&path, "the old one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        assert_eq!(ran(&of_target(tool, &path)).0, 0, "{tool:?}");
        assert_eq!(mode(&path), if tool[0] == "snapshot" { 0o600 } else { 0o604 }, "{tool:?}");
    }
}
