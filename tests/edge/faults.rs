//! Every fault of the imitated servers against every way to the data: what was good stays, the exit code is right, and
//! the message says what was wrong.

#![cfg(all(feature = "fetch", unix))]

use std::process::Command;

use crate::fake::{Fake, Place, shared, stderr};
use tagwall::tags::{Cloud, sample};

/// Arguments and variables of the environment by which a token is had.
type WayToToken<'a> = (&'a [&'a str], Vec<(&'a str, &'a str)>);

/// What must come of a refresh: a code, and words of the message.
type Case = (&'static str, i32, &'static str);

/// Faults of the file itself, under whatever address it is found.
const FILE_FAULTS: &[Case] = &[
    ("404", 1, "404 Not Found"),
    ("403", 1, "403 Forbidden"),
    ("500", 1, "500 Internal Server Error"),
    ("503=0", 1, "503 Service Unavailable"),
    ("429=0", 1, "429 Too Many Requests"),
    ("503=0:1", 0, ""),
    ("delay=0.2", 0, ""),
    ("hang", 1, "no answer in time"),
    ("slow=3000", 1, "no answer in time"),
    ("close", 1, "connection closed"),
    ("close:1", 0, ""),
    ("reset", 1, "the connection broke while reading"),
    ("truncate", 1, "the connection broke while reading"),
    ("truncate:1", 0, ""),
    ("chunkcut", 1, "the connection broke while reading"),
    ("chunked", 0, ""),
    ("short", 5, "the file is cut off"),
    ("empty", 5, "it is empty"),
    ("html", 5, "an HTML page, saying: Sign in to your account"),
    ("ctype", 0, ""),
    ("badgzip", 1, "the connection broke while reading"),
    ("bomb", 1, "longer than 8 MiB"),
    ("badjson", 5, "trailing comma"),
    ("badutf", 5, "not text in UTF-8"),
    ("bom", 0, ""),
    ("dupkey", 5, "duplicate field `changeNumber`"),
    ("loop", 1, "more than 5 redirects"),
    ("redirect", 0, ""),
    ("crosshost", 1, "localhost is not a host that is trusted"),
    ("downgrade", 1, "redirects"),
    ("swap", 5, "where usgov was asked for"),
    ("noval", 0, ""),
    ("flip", 0, ""),
    ("emptyvalues", 5, "the file has no tags"),
    ("lost=60", 5, "addresses disappeared"),
    ("badprefix", 5, "10.0.0.0/33"),
    ("hostbits", 5, "20.0.0.1/24"),
    ("newfields", 0, ""),
    ("nullregion", 0, ""),
];

/// Faults of the pages: other ways lead around them.
const PAGE_FAULTS: &[Case] = &[
    ("404", 0, ""),
    ("503=0", 0, ""),
    ("close", 0, ""),
    ("hang", 0, ""),
    ("html", 0, ""),
    ("empty", 0, ""),
    ("bomb", 0, ""),
    ("badgzip", 0, ""),
    ("truncate", 0, ""),
    ("loop", 0, ""),
    ("crosshost", 0, ""),
    ("evil", 0, ""),
    ("wrongfile", 0, ""),
    ("future", 0, ""),
    ("stale", 5, "the file is older than the last good one"),
];

/// Faults of the API.
const API_FAULTS: &[Case] = &[
    ("404", 1, "404 Not Found"),
    ("429=0", 1, "429 Too Many Requests"),
    ("503=0:1", 0, ""),
    ("hang", 1, "no answer in time"),
    ("close", 1, "connection closed"),
    ("truncate", 1, "the connection broke while reading"),
    ("expired", 1, "ExpiredAuthenticationToken"),
    ("badnext", 1, "is not followed"),
    ("loopnext", 1, "go round in circles"),
    ("short", 5, "the file is cut off"),
    ("empty", 5, "it is empty"),
    ("html", 5, "an HTML page"),
    ("badjson", 5, "trailing comma"),
    ("emptyvalues", 5, "the file has no tags"),
    ("lost=60", 5, "addresses disappeared"),
    ("badprefix", 5, "10.0.0.0/33"),
    ("newfields", 0, ""),
    ("nullregion", 0, ""),
    ("stale", 5, "disappeared"),
];

const BEFORE: &str = "20260713";
const AFTER: &str = "20260720";

/// One way to the data, with the server that it leads to.
struct Way<'a> {
    fake: &'a Fake,
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
    base: Place,
}

impl<'a> Way<'a> {
    /// Publishes the week before, from which every case starts.
    fn new(fake: &'a Fake, args: &[&str], env: &[(&'static str, &str)]) -> Self {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let env = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let way = Way { fake, args: own(args), env, base: Place::new() };
        fake.control(&format!(r#"{{"as_of": "{BEFORE}", "faults": []}}"#));
        let output = way.command(&way.base).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(way.base.published().unwrap().number, 1);
        way
    }

    fn command(&self, place: &Place) -> Command {
        let mut args = vec!["refresh", "p.toml", "--out", "out", "--max-mib", "8"];
        args.extend(self.args.iter().map(String::as_str));
        let mut command = place.command(&args);
        command.env("TAGWALL_IDLE_TIMEOUT", "1").env("TAGWALL_TIMEOUT", "3");
        command.envs(self.env.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Lets the new week come out under a fault.
    fn run(&self, target: &str, (fault, code, words): Case) {
        let (name, count) =
            fault.split_once(':').map_or((fault, String::new()), |(n, c)| (n, format!(":{c}")));
        self.fake.control(&format!(r#"{{"as_of": "{AFTER}", "faults": ["{name}{count}@{target}"]}}"#));
        let place = self.base.copy();
        let before = place.current_of_store();
        let mut command = self.command(&place);
        if fault == "bomb" {
            // The imitation takes its time to pack a gigabyte.
            command.env("TAGWALL_IDLE_TIMEOUT", "60").env("TAGWALL_TIMEOUT", "60");
        }
        let output = command.output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{fault}@{target}: {text}");
        assert!(text.contains(words), "{fault}@{target} does not say `{words}`: {text}");
        let published = place.published().expect("something is always published");
        if code == 0 {
            assert_eq!(published.number, 2, "{fault}@{target}");
        } else {
            assert_eq!(published.number, 1, "{fault}@{target}");
            assert_eq!(place.current_of_store(), before, "{fault}@{target}: the last good data stays");
        }
        if code == 5 {
            let aside = std::fs::read_dir(place.path("store/usgov/refused")).unwrap().count();
            assert_eq!(aside, 2, "{fault}@{target}: refused data and its reasons lie aside");
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn faults_of_the_file_behind_the_download_page() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &[]);
    let way = Way::new(&fake, &["--pages-url", &fake.base], &[]);
    FILE_FAULTS.iter().for_each(|&case| way.run("file", case));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn faults_of_the_page_are_led_around() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &[]);
    let way = Way::new(&fake, &["--pages-url", &fake.base], &[]);
    PAGE_FAULTS.iter().for_each(|&case| way.run("page", case));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_form_of_the_page_leads_to_the_file() {
    let Some(shared) = shared() else { return };
    for form in ["dlc", "dlc-multi", "dlc-escaped", "classic", "nolink"] {
        let fake = Fake::start(&shared, &["--page", form]);
        let way = Way::new(&fake, &["--pages-url", &fake.base], &[]);
        for fault in
            [("delay=0", 0, ""), ("404", 1, "404"), ("short", 5, "cut off"), ("lost=60", 5, "disappeared")]
        {
            // Where only probing is left, a file that is not there is a file that was not found.
            let words = if form == "nolink" && fault.0 == "404" { "no file from" } else { fault.2 };
            way.run("file", (fault.0, fault.1, words));
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn faults_of_a_mirror() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &[]);
    let folder = "6/4/d/64db03bf-895b-4173-a8b1-ba4ad5d4df22";
    let before = format!("{}/download/{folder}/ServiceTags_{{cloud}}_{BEFORE}.json", fake.base);
    let mut way = Way::new(&fake, &["--source", &before], &[]);
    way.args[1] = before.replace(BEFORE, AFTER);
    FILE_FAULTS.iter().for_each(|&case| way.run("file", case));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn faults_of_the_api() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &["--page-size", "100"]);
    let args = ["--source", "api", "--api-url", fake.base.as_str(), "--subscription", "s"];
    // Regional tags that the API leaves the features out of cannot be named, but they can be written out.
    let way = Way::new(&fake, &args, &[("TAGWALL_TOKEN", fake.token.as_str())]);
    API_FAULTS.iter().for_each(|&case| way.run("api", case));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_way_to_a_token() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &[]);
    let place = Place::new();
    std::fs::write(place.path("token"), format!("{}\n", fake.token)).unwrap();
    std::fs::write(place.path("statement"), "signed").unwrap();
    let base = fake.base.as_str();
    let run = |args: &[&str], env: &[(&str, &str)]| {
        let all = ["fetch", "--cloud", "usgov", "--source", "api", "--api-url", base, "--subscription", "s"];
        let output = place.command(&[&all, args].concat()).envs(env.iter().copied()).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let ids = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_AUTHORITY_HOST", base)];
    let good: [WayToToken<'_>; 5] = [
        (&[], vec![("TAGWALL_TOKEN", &fake.token)]),
        (&["--token-file", "token"], vec![]),
        (&[], [&ids[..], &[("AZURE_CLIENT_SECRET", "x")]].concat()),
        (&[], [&ids[..], &[("AZURE_FEDERATED_TOKEN_FILE", "statement")]].concat()),
        (
            &[],
            vec![
                ("AZURE_POD_IDENTITY_AUTHORITY_HOST", base),
                ("HTTP_PROXY", "http://127.0.0.1:9"),
                ("NO_PROXY", ""),
            ],
        ),
    ];
    for (at, (args, env)) in good.iter().enumerate() {
        // The last one shows that an identity endpoint is not asked through a proxy; the API then is, and fails.
        let (code, text) = run(args, env);
        if at == 4 {
            assert!(code == Some(1) && !text.contains("no token"), "{text}");
        } else {
            assert_eq!(code, Some(0), "{at}: {text}");
        }
    }
    let (code, text) = run(&[], &[("TAGWALL_TOKEN", "wrong")]);
    assert_eq!(code, Some(1));
    assert!(text.contains("InvalidAuthenticationToken") && !text.contains("wrong"), "{text}");
    fake.control(r#"{"faults": ["401@token"]}"#);
    let (code, text) = run(&[], &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", base)]);
    assert!(code == Some(1) && text.contains("no token"), "{text}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_private_authority_must_be_named() {
    let Some(shared) = shared() else { return };
    let tls = tempfile::tempdir().unwrap();
    let fake = Fake::start(&shared, &["--tls", tls.path().to_str().unwrap()]);
    let place = Place::new();
    let args = ["fetch", "--cloud", "usgov", "--pages-url", fake.base.as_str()];
    let unknown = place.run(&args);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("certificate"), "{}", stderr(&unknown));
    let known = place.run(&[&args[..], &["--ca-file", fake.ca.as_deref().unwrap()]].concat());
    assert_eq!(known.status.code(), Some(0), "{}", stderr(&known));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn the_two_kinds_are_kept_apart() {
    let Some(shared) = shared() else { return };
    let fake = Fake::start(&shared, &["--as-of", BEFORE]);
    let place = Place::new();
    let file = place.run(&["fetch", "--cloud", "usgov", "--pages-url", &fake.base]);
    assert_eq!(file.status.code(), Some(0), "{}", stderr(&file));
    fake.control(&format!(r#"{{"as_of": "{AFTER}"}}"#));
    let args =
        ["fetch", "--cloud", "usgov", "--source", "api", "--api-url", &fake.base, "--subscription", "s"];
    let api = place.command(&args).env("TAGWALL_TOKEN", &fake.token).output().unwrap();
    assert_eq!(api.status.code(), Some(0), "{}", stderr(&api));
    let number = |which: &str| {
        let output = place.run(&["snapshots", "--format", "json"]);
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = list.as_array().unwrap().iter().find(|e| e["kind"] == which && e["latest"] == true);
        found.unwrap()["change_number"].as_u64().unwrap()
    };
    assert_eq!((number("file"), number("api")), (401, 402));
}

/// Brotli without compression: stored blocks of at most 64 KiB, by RFC 7932.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (index, block) in bytes.chunks(1 << 16).enumerate() {
        // The first block's head comes after the one bit that says how large the window is.
        let shift = if index == 0 { 4 } else { 3 };
        let head = ((block.len() - 1) << shift) | (1 << (shift + 16));
        packed.extend(&(head as u32).to_le_bytes()[..3]);
        packed.extend(block);
    }
    packed.push(3);
    packed
}

#[test]
fn packed_answers_come_through_a_proxy_with_the_own_user_agent() {
    use std::io::{BufRead, BufReader, Write};
    let json = sample::sample_json(Cloud::UsGov).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&json).unwrap();
    let packed = [
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::stream::encode_all(json.as_slice(), 3).unwrap()),
        ("br", brotli(&json)),
    ];
    for (encoding, body) in packed {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            stream.write_all(&body).unwrap();
            head
        });
        let place = Place::new();
        let mut fetch = place.command(&["fetch", "--cloud", "usgov", "--user-agent", "probe/1"]);
        let output = fetch
            .args(["--source", "http://mirror.invalid/tags.json"])
            .env("HTTP_PROXY", proxy)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{encoding}: {}", stderr(&output));
        let head = server.join().unwrap();
        assert_eq!(head[0], "GET http://mirror.invalid/tags.json HTTP/1.1");
        let has = |text: &str| head.iter().any(|line| line.eq_ignore_ascii_case(text));
        assert!(has("user-agent: probe/1") && has("accept-encoding: zstd,gzip,br"), "{head:?}");
        assert_eq!(place.current_of_store().trim().len(), 64, "it is in the store");
    }
}
