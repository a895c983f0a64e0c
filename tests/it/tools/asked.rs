//! `--url`: what answers there is maybe no exporter, and maybe does not finish.

use super::{of_demo, ran, scratch};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A page as a proxy answers whoever is not signed in.
const SIGN_IN: &str = "<html><title>Sign in</title></html>\n";

/// A server that answers every request with these bytes, and then closes.
fn answering(answer: impl Fn(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut piece) = (Vec::new(), [0; 1024]);
            while !asked.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                asked.extend_from_slice(&piece[..read]);
            }
            answer(&mut stream);
        }
    });
    url
}

fn fixed(head: &str, body: &str) -> String {
    let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
    answering(move |stream| stream.write_all(answer.as_bytes()).unwrap())
}

fn whole(media_type: &str, body: &str) -> String {
    fixed(&format!("Content-Type: {media_type}\r\nContent-Length: {}", body.len()), body)
}

fn export(url: &str, format: &str, file: &str) -> (i32, String, String) {
    ran(&["export", "--url", url, "--format", format, "--output", file])
}

#[test]
fn what_is_no_whole_answer_of_an_exporter_leaves_the_file_alone() {
    let path = scratch("asked.yaml");
    let file = path.to_str().unwrap();
    let litellm = of_demo(&["export", "--format", "litellm"]).1;
    let half = &litellm[..litellm.len() / 2];
    let yaml = "Content-Type: application/yaml";
    let longer = format!("{yaml}\r\nContent-Length: {}", litellm.len());
    let chunk = format!("{:x}\r\n{half}\r\n", half.len());
    for (url, format, expected) in [
        (
            whole("text/html", SIGN_IN),
            "litellm",
            "/api/v1/export: found text/html, expected application/yaml",
        ),
        (whole("Text/HTML; charset=utf-8", SIGN_IN), "json", "found Text/HTML, expected application/json"),
        (fixed("Content-Length: 0", ""), "envoy", "found no Content-Type, expected application/yaml"),
        (
            whole("application/yaml", SIGN_IN),
            "litellm",
            "found application/yaml of something else, expected an",
        ),
        (whole("application/yaml", &litellm), "envoy", "expected an export for envoy of an exporter"),
        (whole("application/json", "{\"kind\":\"quotas\"}"), "json", "application/json of something else"),
        (whole("application/json", "{\"kind\":\"export\""), "json", "application/json of something else"),
        (fixed(yaml, half), "litellm", "found neither Content-Length nor chunks, expected"),
        (fixed(&longer, half), "litellm", "no answer from 127.0.0.1:"),
        (
            fixed(&format!("{yaml}\r\nTransfer-Encoding: chunked"), &chunk),
            "litellm",
            "no answer from 127.0.0.1:",
        ),
    ] {
        std::fs::write(&path, "good limits").unwrap();
        let (code, out, error) = export(&url, format, file);
        assert_eq!((code, out.as_str(), error.lines().count()), (1, "", 1), "{expected}: {error}");
        assert!(error.contains(expected) && error.contains(&url["http://".len()..]), "{expected}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "good limits", "{expected}");
    }
    for (head, body) in [
        (longer, litellm.clone()),
        (
            "Content-Type: Application/YAML; charset=utf-8\r\nTransfer-Encoding: chunked".to_string(),
            format!("{chunk}{:x}\r\n{}\r\n0\r\n\r\n", litellm.len() - half.len(), &litellm[half.len()..]),
        ),
    ] {
        std::fs::write(&path, "good limits").unwrap();
        assert_eq!(
            export(&fixed(&head, &body), "litellm", file),
            (0, String::new(), String::new()),
            "{head}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), litellm, "{head}");
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let url = answering(|stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/yaml\r\nContent-Length: 1100000000\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'#'; 1 << 20];
        // Whoever asked goes away before all of it is sent.
        let sent = (0..1049).take_while(|_| stream.write_all(&piece).is_ok()).count();
        assert!(sent < 200, "{sent} MiB were read");
    });
    let path = scratch("endless.yaml");
    let (code, out, error) = export(&url, "litellm", path.to_str().unwrap());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("its answer has more than 67,108,864 bytes"), "{error}");
    assert!(!path.exists());
}
