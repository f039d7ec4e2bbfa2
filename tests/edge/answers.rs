//! Answers that nobody asked for, ways that lead nowhere, and what is told of them: no panic, the right exit code, the
//! good data kept, and no secret of an address anywhere.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::fake::{Place, stderr};
use tagwall::tags::{Cloud, sample};

/// A server on the loopback that answers each request by a function of its head. It ends with the value.
struct Server {
    address: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answer: impl Fn(&[String]) -> Vec<u8> + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away early is no fault of the test's.
                let _ = serve(stream, &answer);
            }
        });
        Server { address, stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&[String]) -> Vec<u8>) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    stream.write_all(&answer(&head))
}

/// An answer with a length that fits.
fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn data() -> Vec<u8> {
    sample::sample_json(Cloud::UsGov).unwrap()
}

fn fetch(place: &Place, source: &str) -> Output {
    place
        .command(&["fetch", "--cloud", "usgov", "--source", source])
        .env("TAGWALL_RETRIES", "0")
        .output()
        .unwrap()
}

fn ends(output: &Output, code: i32, words: &str) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(words), "`{words}` is not in: {text}");
}

#[test]
fn nothing_changed_is_only_believed_where_something_was_known() {
    let unchanged = Server::start(|_| answer("304 Not Modified", "", b""));
    let url = format!("http://{}/tags.json", unchanged.address);
    let place = Place::new();
    ends(&fetch(&place, &url), 1, "the server answered 304 Not Modified, although nothing was known");
    // Known, but from elsewhere; then from there, but with no mark that could be asked by.
    std::fs::write(place.path("tags.json"), data()).unwrap();
    ends(&fetch(&place, "tags.json"), 0, "");
    ends(&fetch(&place, &url), 1, "although nothing was known");
    let once = Server::start(|head| {
        let asked = head.iter().any(|line| line.to_lowercase().starts_with("if-none-match"));
        if asked { answer("304 Not Modified", "", b"") } else { answer("200 OK", "ETag: \"a\"\r\n", &data()) }
    });
    let url = format!("http://{}/tags.json", once.address);
    ends(&fetch(&place, &url), 0, "");
    ends(&fetch(&place, &url), 0, "");
    // What was known is gone or damaged: then the whole is asked for again.
    let folder = place.path("store/usgov/file");
    let path = folder.join(format!("{}.json.zst", place.current_of_store().trim()));
    std::fs::remove_file(&path).unwrap();
    ends(&fetch(&place, &url), 0, "");
    std::fs::write(&path, "damaged").unwrap();
    let healed = fetch(&place, &url);
    ends(&healed, 0, "damaged");
    ends(&place.run(&["expand", "Storage", "--cloud", "usgov"]), 0, "");
}

#[test]
fn other_answers_end_with_a_word() {
    for (status, headers, body, code, words) in [
        ("204 No Content", "", &b""[..], 5, "it is empty"),
        ("205 Reset Content", "", b"", 5, "it is empty"),
        ("206 Partial Content", "Content-Range: bytes 0-9/20\r\n", b"{\"changeNu", 5, "the file is cut off"),
        ("300 Multiple Choices", "", b"", 1, "300 Multiple Choices"),
        ("302 Found", "", b"", 1, "302 Found"),
        ("302 Found", "Location: ::not an address::\r\n", b"", 1, ""),
        ("401 Unauthorized", "", b"", 1, "401 Unauthorized"),
        ("407 Proxy Authentication Required", "", b"", 1, "the proxy wants a name and a password"),
        ("412 Precondition Failed", "", b"", 1, "412 Precondition Failed"),
        ("416 Range Not Satisfiable", "", b"", 1, "416 Range Not Satisfiable"),
        ("451 Unavailable For Legal Reasons", "", b"", 1, "451"),
        ("511 Network Authentication Required", "", b"", 1, "511"),
        ("599 Odd", "", b"", 1, "599"),
    ] {
        let body = body.to_vec();
        let server = Server::start(move |_| answer(status, headers, &body));
        let place = Place::new();
        let output = fetch(&place, &format!("http://{}/tags.json", server.address));
        ends(&output, code, words);
        assert!(!stderr(&output).contains("panicked"), "{status}: {}", stderr(&output));
        assert_eq!(place.current_of_store(), "", "{status}");
    }
}

#[test]
fn a_length_that_is_too_long_is_not_waited_for() {
    for length in ["67108865", "99999999999", "9223372036854775807"] {
        let server = Server::start(move |_| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{{").into_bytes()
        });
        let output = fetch(&Place::new(), &format!("http://{}/tags.json", server.address));
        ends(&output, 1, "more than 64 MiB; --max-mib raises the limit");
    }
    for nonsense in ["-1", "1e9", "18446744073709551615", "340282366920938463463374607431768211456"] {
        let server = Server::start(move |_| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {nonsense}\r\n\r\n{{").into_bytes()
        });
        ends(
            &fetch(&Place::new(), &format!("http://{}/tags.json", server.address)),
            1,
            "the connection broke",
        );
    }
}

/// An address at which nobody listens.
fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn proxies_are_named_and_wrong_ones_are_errors() {
    let place = Place::new();
    let with = |name: &str, value: &str, source: &str| {
        let mut command = place.command(&["fetch", "--cloud", "usgov", "--source", source]);
        command.env("TAGWALL_RETRIES", "0").env(name, value).output().unwrap()
    };
    let dead = nowhere();
    let url = "http://mirror.invalid/tags.json";
    let output = with("HTTP_PROXY", &format!("http://user:S3CRET@{dead}"), url);
    ends(&output, 1, &format!("no connection through the proxy http://{dead}"));
    assert!(!stderr(&output).contains("S3CRET"), "{}", stderr(&output));
    let output = with("https_proxy", &dead, "https://mirror.invalid/tags.json");
    ends(&output, 1, &format!("through the proxy http://{dead}"));
    for value in ["http://S3CRET@proxy:port", "http//proxy:3128", "socks5://S3CRET@proxy:1080"] {
        let output = with("HTTPS_PROXY", value, url);
        ends(&output, 2, "HTTPS_PROXY is set, but is no address of a proxy");
        assert!(!stderr(&output).contains("S3CRET"), "{}", stderr(&output));
    }
    // Nothing is asked there.
    std::fs::write(place.path("tags.json"), data()).unwrap();
    ends(&with("HTTPS_PROXY", "http//proxy:3128", "tags.json"), 0, "");
}

/// Every file below `folder` in which `word` stands, unpacked where it is packed.
fn holding(folder: &Path, word: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            holding(&path, word, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let bytes = zstd::stream::decode_all(bytes.as_slice()).unwrap_or(bytes);
            if String::from_utf8_lossy(&bytes).contains(word) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn what_is_secret_in_an_address_is_kept_and_told_nowhere() {
    let other = Server::start(|_| {
        answer("403 Forbidden", "", b"{\"code\": \"x\", \"message\": \"https://h/?sig=S3CRET\"}")
    });
    let to = format!("Location: http://{}/x?sig=S3CRET\r\n", other.address);
    let server = Server::start(move |head| match head[0].split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/good") => answer("200 OK", "ETag: \"a\"\r\n", &data()),
        path if path.starts_with("/moved") => answer("302 Found", &to, b""),
        path if path.starts_with("/loop") => answer("302 Found", "Location: /loop?sig=S3CRET\r\n", b""),
        path if path.starts_with("/bad") => answer("200 OK", "", b"<html>"),
        path if path.starts_with("/long") => {
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec()
        }
        _ => {
            answer("404 Not Found", "", b"{\"error\": {\"code\": \"no\", \"message\": \"?sv=1&sig=S3CRET\"}}")
        }
    });
    let place = Place::new();
    let address = server.address.as_str();
    let dead = nowhere();
    let sources = [
        (0, format!("http://me:S3CRET@{address}/good.json?sv=1&sig=S3CRET")),
        (1, format!("http://me:S3CRET@{address}/moved?sig=S3CRET")),
        (1, format!("http://{address}/loop?sig=S3CRET")),
        (5, format!("http://me:S3CRET@{address}/bad?sig=S3CRET#S3CRET")),
        (1, format!("http://{address}/long?S3CRET")),
        (1, format!("http://{address}/missing?sig=S3CRET")),
        (1, format!("http://me:S3CRET@{dead}/x?sig=S3CRET")),
        (1, format!("http://me:S3CRET@{dead}x/x?sig=S3CRET")),
    ];
    let said = |output: &Output| format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output));
    for (code, source) in &sources {
        for args in [
            &["fetch", "--cloud", "usgov", "--format", "json"][..],
            &["refresh", "p.toml", "--out", "out", "--accept", "older-date", "--on-change", "cat > told"],
        ] {
            let output = place.command(args).args(["--source", source, "--retries", "0"]).output().unwrap();
            assert_eq!(output.status.code(), Some(*code), "{source}: {}", said(&output));
            assert!(!said(&output).contains("S3CRET"), "{source}: {}", said(&output));
        }
    }
    let mut command = place.command(&["refresh", "p.toml", "--out", "out", "--no-fetch", "--force"]);
    let hooks =
        ["--webhook-plain-http", "--webhook", &format!("http://me:S3CRET@{dead}/services/S3CRET?k=S3CRET")];
    std::fs::write(place.path("p.toml"), crate::fake::POLICY.replace("443", "444")).unwrap();
    let output =
        command.args(hooks).args(["--on-change", "false # https://h/x?sig=S3CRET"]).output().unwrap();
    ends(&output, 1, "the webhook failed");
    assert!(!said(&output).contains("S3CRET"), "{}", said(&output));
    let publish = "https://acc.blob.core.windows.net.invalid/c?sig=S3CRET&sp=S3CRET";
    let output = place.run(&["refresh", "p.toml", "--out", "out", "--no-fetch", "--publish", publish]);
    assert!(!output.status.success() && !said(&output).contains("S3CRET"), "{}", said(&output));
    let help =
        place.command(&["refresh", "--help"]).env("TAGWALL_SOURCE", "https://h/?S3CRET").output().unwrap();
    assert!(!said(&help).contains("S3CRET"), "{}", said(&help));
    for line in ["snapshots", "snapshots --format json"] {
        let output = place.run(&line.split(' ').collect::<Vec<_>>());
        assert!(!said(&output).contains("S3CRET"), "{}", said(&output));
    }
    assert!(place.path("told").exists(), "the hook was told something");
    let mut found = Vec::new();
    holding(place.folder.path(), "S3CRET", &mut found);
    assert!(found.is_empty(), "{found:?}");
}
