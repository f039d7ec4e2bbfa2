//! `tagwall serve` as firewalls meet it: lists, conditions, credentials, limits, and new data while it answers.

#![cfg(all(feature = "serve", unix))]
#![allow(clippy::print_stderr)] // a skipped test says so

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fake::{Place, stderr};
use tagwall::tags::{Cloud, sample};
use tagwall::text::sha256_hex;

/// The server, ended with the value.
pub(crate) struct Server {
    pub(crate) child: Child,
    at: String,
    said: std::sync::mpsc::Receiver<String>,
}

/// An answer, as it came over the wire.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Server {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Server {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--poll", "1"]);
        Server::of(command.args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Server {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut server = Server { child, at: String::new(), said };
        server.at = server.wait_for("listening on ").rsplit(' ').next().unwrap().to_owned();
        server
    }

    /// The next line of standard error that has these words.
    pub(crate) fn wait_for(&self, words: &str) -> String {
        loop {
            let line = self.said.recv_timeout(Duration::from_secs(120)).expect("it says what is waited for");
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits until a list has a line. A refresh changes the store before it publishes, so that there may be several reloads.
    fn wait_for_line(&self, path: &str, line: &str) {
        for _ in 0..600 {
            if self.get(path).text().lines().any(|own| own == line) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{path} gets {line}");
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(done.unwrap().success());
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        let more: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n").unwrap();
        answer(stream)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(mut stream: TcpStream) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    Answer { status, headers: lines.filter_map(pair).collect(), body: bytes[end + 4..].to_vec() }
}

/// A week of the small cloud, with a block more in one tag where one is named.
pub(crate) fn week(more: Option<&str>) -> Vec<u8> {
    let json = sample::sample_json(Cloud::UsGov).unwrap();
    let Some(more) = more else { return json };
    let mut file: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let values = file["values"].as_array_mut().unwrap();
    let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
    storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push(more.into());
    file.to_string().into_bytes()
}

pub(crate) fn publish(place: &Place, week: &[u8]) {
    std::fs::write(place.path("tags.json"), week).unwrap();
    let done = place.run(&["refresh", "p.toml", "--out", "out", "--source", "tags.json"]);
    assert!(done.status.success(), "{}", stderr(&done));
}

fn served(args: &[&str]) -> (Place, Server) {
    let place = Place::new();
    publish(&place, &week(None));
    let server = Server::start(&place, args);
    server.wait_for("serving ");
    (place, server)
}

pub(crate) const LIST: &str = "/v1/feeds/usgov/Storage.v4.txt";

#[test]
fn lists_are_whole_exact_and_conditional() {
    let (place, server) = served(&["--site", "out"]);
    let list = server.get(LIST);
    let expanded = place.run(&["expand", "Storage", "-4", "--cloud", "usgov"]);
    assert_eq!((list.status, list.text()), (200, std::str::from_utf8(&expanded.stdout).unwrap()));
    assert_eq!(list.header("content-length"), list.body.len().to_string());
    assert_eq!(list.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(list.header("tagwall-entries"), list.text().lines().count().to_string());
    assert_eq!(list.header("transfer-encoding"), "");
    let head = server.ask("HEAD", LIST, &[]);
    assert!(head.body.is_empty());
    for name in ["content-length", "etag", "last-modified", "content-type"] {
        assert_eq!(head.header(name), list.header(name));
    }
    let status = |headers: &[&str]| server.ask("GET", LIST, headers).status;
    let (etag, modified) = (list.header("etag"), list.header("last-modified"));
    assert_eq!(status(&[&format!("If-None-Match: {etag}")]), 304);
    assert_eq!(status(&["If-None-Match: \"\""]), 200);
    assert_eq!(status(&[&format!("If-Modified-Since: {modified}")]), 304);
    assert_eq!(status(&[&format!("If-Modified-Since: {modified}"), "If-None-Match: \"other\""]), 200);
    let long = "/v1/tags";
    let (plain, packed) = (server.get(long), server.ask("GET", long, &["Accept-Encoding: gzip"]));
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    assert!(packed.header("etag") != plain.header("etag") && packed.body.len() < plain.body.len());
    assert_eq!(packed.header("content-length"), packed.body.len().to_string());
    let part = server.ask("GET", LIST, &["Range: bytes=0-9"]);
    assert_eq!((part.status, &part.body[..]), (206, &list.body[..10]));
    let spelt = server.get("/v1/feeds/usgov/STORAGE.v4.txt");
    assert_eq!((spelt.status, spelt.body), (200, list.body));
}

#[test]
fn what_would_be_wrong_is_refused_and_nothing_is_cut_off() {
    let (_place, server) = served(&["--site", "out"]);
    let list = server.get(LIST);
    let entries: usize = list.header("tagwall-entries").parse().unwrap();
    let over = server.get(&format!("{LIST}?max={}", entries - 1));
    assert!(over.status == 413 && over.text().contains(&format!("{entries} entries")), "{}", over.text());
    assert_eq!(server.get(&format!("{LIST}?max={entries}")).status, 200);
    assert_eq!(server.get(&format!("{LIST}?max=x")).status, 400);
    for (path, words) in [
        ("/v1/feeds/usgov/Storrage.v4.txt", "did you mean Storage"),
        ("/v1/feeds/usgv/Storage.v4.txt", "did you mean usgov"),
        ("/v1/edl/panoss/usgov/Storage.v4.txt", "did you mean panos"),
        ("/v1/environments/goov", "did you mean gov"),
        ("/v1/environments/gov/nsg.arm.jsn", "did you mean nsg.arm.json"),
        ("/v1/feeds/usgov/Storage.txt", "Storage.v4.txt"),
        ("/v1/diff/1999-01-01/current", "no snapshot"),
        ("/other", "openapi"),
    ] {
        let answer = server.get(path);
        assert!(
            answer.status == 404 && answer.text().contains(words),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
    }
    // A tag of the sample without IPv6.
    let tags: serde_json::Value = serde_json::from_slice(&server.get("/v1/tags").body).unwrap();
    let only_v4 = tags["tags"].as_array().unwrap().iter().find(|tag| tag["prefixes_ipv6"] == 0).unwrap();
    let empty = server.get(&format!("/v1/feeds/usgov/{}.v6.txt", only_v4["name"].as_str().unwrap()));
    assert!(empty.status == 503 && !empty.header("retry-after").is_empty());
    assert_eq!(server.ask("GET", LIST, &["Content-Length: 3"]).status, 413);
    assert_eq!(server.ask("POST", LIST, &[]).status, 405);
    assert_eq!(server.get("/v1/environments/gov/..%2f..%2frecord.json").status, 400);
    assert_eq!(server.get("/v1/environments/gov/../../record.json").status, 400);
    let file = server.get("/v1/environments/gov/nsg.arm.json");
    assert_eq!(file.status, 200);
    std::fs::write(_place.path("out/gov/report.md"), "changed by hand").unwrap();
    assert_eq!(server.get("/v1/environments/gov/report.md").status, 503);
}

#[test]
fn parts_of_a_list_are_of_one_generation() {
    let (place, server) = served(&["--site", "out"]);
    let list = server.get(LIST);
    let entries: usize = list.header("tagwall-entries").parse().unwrap();
    let max = entries.div_ceil(3);
    let index = format!("/v1/edl/panos/usgov/Storage.v4.parts.json?max={max}");
    let parts: serde_json::Value = serde_json::from_slice(&server.get(&index).body).unwrap();
    let paths: Vec<String> =
        parts["parts"].as_array().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect();
    assert_eq!(paths.len(), 3);
    let all = |server: &Server| paths.iter().flat_map(|path| server.get(path).body).collect::<Vec<u8>>();
    assert_eq!(all(&server), list.body);
    publish(&place, &week(Some("203.0.113.77/32")));
    server.signal("HUP");
    server.wait_for_line(LIST, "203.0.113.77/32");
    assert_eq!(all(&server), list.body, "parts stay those of their generation");
    let gone = server.get("/v1/edl/panos/usgov/Storage.v4.0123456789ab.1-of-3.txt");
    assert_eq!(gone.status, 410);
    let standing = format!("/v1/edl/panos/usgov/Storage.v4.current.1-of-2.txt?max={max}");
    assert_eq!(server.get(&standing).status, 413, "there have to be three by now");
}

#[test]
fn new_data_changes_what_changed_and_a_restart_nothing() {
    let (place, server) = served(&["--site", "out"]);
    let other = "/v1/feeds/usgov/Sql.v4.txt";
    let (list, still) = (server.get(LIST), server.get(other));
    let catching: serde_json::Value = serde_json::from_slice(&server.get("/v1/delta").body).unwrap();
    assert_eq!(catching["reset"], true);
    publish(&place, &week(Some("203.0.113.77/32")));
    server.wait_for_line(LIST, "203.0.113.77/32");
    let (new, same) = (server.get(LIST), server.get(other));
    assert_ne!(
        (new.header("etag"), new.header("last-modified")),
        (list.header("etag"), list.header("last-modified"))
    );
    assert_eq!(
        (same.header("etag"), same.header("last-modified")),
        (still.header("etag"), still.header("last-modified"))
    );
    let path = format!(
        "/v1/delta?session={}&serial={}",
        catching["session"].as_str().unwrap(),
        catching["serial"].as_str().unwrap()
    );
    let delta: serde_json::Value = serde_json::from_slice(&server.get(&path).body).unwrap();
    assert_eq!(delta["reset"], false);
    assert_eq!(delta["added"], serde_json::json!({"Storage": ["203.0.113.77/32"]}));
    assert_eq!(delta["removed"], serde_json::json!({}));
    let atom = server.get("/v1/changes/usgov/Storage.atom");
    assert!(atom.text().contains("gained 1 IPv4 address"), "{}", atom.text());
    let rules = server.get("/v1/changes/environments/gov.json");
    assert!(rules.text().contains("\"because\""), "{}", rules.text());
    let found: serde_json::Value =
        serde_json::from_slice(&server.get("/v1/lookup?ip=203.0.113.77").body).unwrap();
    let found = &found["results"][0];
    assert_eq!(found["tags"][0]["name"], "Storage");
    assert_eq!(found["rules"][0]["environment"], "gov");
    drop(server);
    let again = Server::start(&place, &["--site", "out"]);
    again.wait_for("serving ");
    let restarted = again.get(LIST);
    assert_eq!(
        (restarted.header("etag"), restarted.header("last-modified")),
        (new.header("etag"), new.header("last-modified"))
    );
}

#[test]
fn a_failed_refresh_keeps_the_old_answer_and_is_told() {
    let (place, server) = served(&["--site", "out"]);
    let list = server.get(LIST);
    std::fs::write(place.path("tags.json"), "<html>busy</html>").unwrap();
    let refused = place.run(&["refresh", "p.toml", "--out", "out", "--source", "tags.json"]);
    assert_eq!(refused.status.code(), Some(5));
    server.signal("HUP");
    let told = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        !server.get(LIST).header("tagwall-warning").is_empty()
    });
    assert!(told, "the header says so");
    let kept = server.get(LIST);
    assert_eq!((kept.status, kept.body), (200, list.body));
    let ready = server.get("/readyz");
    assert!(ready.status == 200 && ready.text().contains("refused"), "{}", ready.text());
    let metrics = server.get("/metrics");
    assert!(metrics.text().contains("tagwall_refreshes_total{outcome=\"refused\"} 1"), "{}", metrics.text());
}

#[test]
fn credentials_are_read_again_without_a_gap() {
    let place = Place::new();
    publish(&place, &week(None));
    let file = |secrets: &[&str]| {
        let list: Vec<String> =
            secrets.iter().map(|s| format!("{{ sha256 = '{}' }}", sha256_hex(s.as_bytes()))).collect();
        let text = format!(
            "[[user]]\nname = 'fw'\npasswords = [{0}]\ntokens = [{0}]\npaths = ['/v1/feeds/*']\n",
            list.join(", ")
        );
        std::fs::write(place.path("access.toml"), text).unwrap();
    };
    file(&["old"]);
    let server = Server::start(&place, &["--access", "access.toml"]);
    server.wait_for("serving ");
    let bearer = |token: &str| server.ask("GET", LIST, &[&format!("Authorization: Bearer {token}")]).status;
    let nobody = server.get(LIST);
    assert!(nobody.status == 401 && nobody.header("www-authenticate").starts_with("Basic"));
    // "fw:old"
    assert_eq!(server.ask("GET", LIST, &["Authorization: Basic Znc6b2xk"]).status, 200);
    assert_eq!((bearer("old"), bearer("new")), (200, 401));
    assert_eq!(server.ask("GET", "/v1/tags", &["Authorization: Bearer old"]).status, 403);
    assert_eq!(server.get("/livez").status, 200);
    file(&["old", "new"]);
    server.signal("HUP");
    server.wait_for("the credentials were read again");
    assert_eq!((bearer("old"), bearer("new")), (200, 200));
    std::fs::write(place.path("access.toml"), "half a fi").unwrap();
    server.signal("HUP");
    server.wait_for("the credentials before it stay");
    assert_eq!((bearer("old"), bearer("new")), (200, 200));
}

#[test]
fn clients_that_hold_on_are_let_go_and_others_answered() {
    let (_place, server) = served(&["--head-timeout", "1", "--max-client-connections", "20"]);
    let silent = TcpStream::connect(&server.at).unwrap();
    let mut slow = TcpStream::connect(&server.at).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ").unwrap();
    for mut stream in [silent, slow] {
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut rest = Vec::new();
        // The end of the stream, or of the connection; not a timeout of ours.
        let ended = stream.read_to_end(&mut rest).is_ok_and(|_| true);
        assert!(ended || rest.is_empty());
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
    let mut large = TcpStream::connect(&server.at).unwrap();
    let _ = write!(large, "GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(100_000));
    let mut said = [0; 12];
    let refused = large.read_exact(&mut said).map(|()| said.to_vec()).unwrap_or_default();
    assert!(refused.is_empty() || refused == b"HTTP/1.1 431", "{}", String::from_utf8_lossy(&refused));
    let long = server.get(&format!("/v1/lookup?ip={}", "192.0.2.1,".repeat(1_001)));
    assert_eq!(long.status, 413);
    let held: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(&server.at).unwrap()).collect();
    drop(held);
    let answered = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        TcpStream::connect(&server.at).is_ok_and(|mut stream| {
            write!(stream, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").is_ok() && {
                let mut text = String::new();
                stream.read_to_string(&mut text).is_ok() && text.starts_with("HTTP/1.1 200")
            }
        })
    });
    assert!(answered);
    assert!(server.get("/metrics").text().contains("tagwall_http_connections_refused_total"));
}

#[test]
fn without_tls_only_loopback_is_listened_on() {
    let place = Place::new();
    let refused = place.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--plain-http"), "{}", stderr(&refused));
}

#[test]
fn a_stop_lets_the_socket_go_and_a_socket_of_another_is_taken_over() {
    let place = Place::new();
    publish(&place, &week(None));
    // As systemd does it: the third descriptor listens, and the environment says so to this process.
    let script = r"
import os, socket, sys
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ['LISTEN_FDS'] = '1'; os.environ['LISTEN_PID'] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = Command::new("python3");
    command.args(["-c", script, env!("CARGO_BIN_EXE_tagwall"), "serve", "--listen", "systemd"]);
    command.current_dir(place.folder.path()).env("TAGWALL_STORE", "store");
    let mut server = Server::of(&mut command);
    server.wait_for("serving ");
    assert_eq!(server.get(LIST).status, 200);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(&server.at).is_err());
}

/// Publishes one generation after the other while clients read: each file holds the number of its generation.
#[test]
fn no_answer_is_torn_or_mixed_while_generations_are_published() {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tagwall::feed::Sources;
    use tagwall::serve::{Limits, LogForm, Reload, Settings, serve};
    use tagwall::site::{NewGeneration, Site};
    use tagwall::store::Store;

    let number = crate::fake::scale("TAGWALL_PUBLISHES", 60);
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path().join("out"));
    let _lock = site.lock().unwrap();
    let manifest = r#"{"name": "e", "cloud": "public", "region": "westeurope", "snapshot": {"change_number": 1, "sha256": ""},
        "limits": {"usage": []}, "precision": {"exact": true}, "gaps": []}"#;
    let publish = |n: usize| {
        let text = format!("{n}\n").repeat(20_000);
        let files = [("e/manifest.json", manifest.to_owned()), ("e/a.txt", text.clone()), ("e/b.txt", text)];
        let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
        let at = jiff::Timestamp::from_second(1_700_000_000 + n as i64).unwrap();
        let new = NewGeneration {
            at,
            inputs: n.to_string(),
            snapshots: BTreeMap::new(),
            rules_changed: true,
            files,
        };
        site.publish(&new, None).unwrap();
        site.prune(3).unwrap();
    };
    publish(1);
    let settings = Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        tls: None,
        plain_http: false,
        access: None,
        limits: Limits { rate: 0, ..Limits::default() },
        log: LogForm::Off,
        poll: Duration::from_millis(5),
        drain: Duration::from_secs(5),
        limit_metrics: false,
        resolve_hosts: false,
    };
    let sources = Sources {
        store: Store::new(folder.path().join("store")),
        site: Some(site.clone()),
        clouds: vec![],
        weeks: 2,
    };
    let (said, heard) = std::sync::mpsc::channel::<String>();
    let said = std::sync::Mutex::new(said);
    let say = Arc::new(move |text: &str| drop(said.lock().unwrap().send(text.to_owned())));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(serve(settings, sources, Reload::default(), say, async { drop(stopped.await) }))
    });
    let wait = |words: &str| loop {
        let line = heard.recv_timeout(Duration::from_secs(60)).expect("it says so");
        if let Some(rest) = line.strip_prefix(words) {
            return rest.to_owned();
        }
    };
    let at = wait("listening on ");
    wait("serving ");
    let done = AtomicBool::new(false);
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&at).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n"
        )
        .unwrap();
        answer(stream)
    };
    let seen = std::thread::scope(|scope| {
        let reader = || {
            let (mut last, mut seen) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                for path in ["/v1/environments/e/a.txt", "/v1/environments/e/b.txt"] {
                    let answer = get(path);
                    // On a slow machine a generation may be removed before the next one is looked for: then it says so.
                    if answer.status == 503 {
                        assert!(!answer.header("retry-after").is_empty());
                        continue;
                    }
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let generation: usize = answer.header("tagwall-generation").parse().unwrap();
                    assert!(generation >= last, "never back");
                    last = generation;
                    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
                    assert_eq!(
                        answer.text(),
                        format!("{generation}\n").repeat(20_000),
                        "all of one generation"
                    );
                    seen += 1;
                }
            }
            (last, seen)
        };
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(reader)).collect();
        (2..=number).for_each(publish);
        // The last generation has to be seen before the readers end.
        let mut tries = 0;
        while get("/v1/environments/e/a.txt").header("tagwall-generation") != number.to_string() {
            std::thread::sleep(Duration::from_millis(20));
            tries += 1;
            assert!(tries < 3_000, "the last generation is served");
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().unwrap().1).sum::<usize>()
    });
    assert!(seen > 0);
    stop.send(()).unwrap();
    server.join().unwrap().unwrap();
}
