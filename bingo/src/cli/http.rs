//! A trace from a program that serves `net/http/pprof`. In: an address. Out: the
//! bytes as they come, or what is wrong with the answer and what to do.

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body, Error};

use super::Failure;
use super::input::{PATIENCE, Reading};

/// Where Go's servers have traces.
const TRACE: &str = "/debug/pprof/trace";
/// How long a server may be silent beyond what it was asked to record.
const GRACE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// As much of what a server says is wrong as is passed on.
const SAID: u64 = 300;

const SERVES: &str = "the program has to serve net/http/pprof: `import _ \"net/http/pprof\"` and an\n\
                      http.ListenAndServe; the address is http://HOST:PORT/debug/pprof/trace?seconds=5";

/// An address as it is asked for, and as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    asked: String,
    /// Without the password.
    shown: String,
    /// How long the answer takes by itself.
    records: Duration,
}

/// Whether an input is an address.
pub(super) fn is_address(input: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| input.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))
}

/// Whether an input that is no file looks like `HOST:PORT`, or one with a path.
pub(super) fn lacks_scheme(input: &str) -> bool {
    let host = input.split('/').next().unwrap_or(input);
    host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

/// The bytes behind an address.
pub(super) fn get(input: &str, reading: &Reading) -> Result<Box<dyn Read + Send>, Failure> {
    let address = Address::of(input, reading.duration);
    if !cfg!(feature = "https") && !address.asked.starts_with("http:") {
        return Err(Failure::bad_input("this Bingo was built without the feature `https`")
            .remedy("fetch it with `curl -o trace.out ADDRESS`, then analyze that"));
    }
    reading.progress.begin(&address.shown, None);
    let (sender, answer) = sync_channel(1);
    let (asked, records) = (address.asked.clone(), address.records);
    // It answers when the trace has been recorded: that is waited for beside, so
    // that the user's wish to end is heard.
    std::thread::spawn(move || {
        let _ = sender.send(agent(records).get(asked).call());
    });
    let answer = loop {
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => break answer,
            Err(RecvTimeoutError::Timeout) if !reading.interrupted.load(Ordering::Relaxed) => {
                reading.progress.tick();
            }
            Err(_) => return Err(Failure::interrupted(format!("nothing came from {}", address.shown))),
        }
    };
    let response = answer.map_err(|error| address.unanswered(&error))?;
    if !response.status().is_success() {
        return Err(address.refused(response));
    }
    Ok(Box::new(response.into_body().into_reader()))
}

fn agent(records: Duration) -> Agent {
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("bingo/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(records.saturating_add(GRACE)));
    #[cfg(feature = "https")]
    let builder = builder.tls_config(
        // A company's own servers have certificates that its machines know.
        ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build(),
    );
    builder.build().new_agent()
}

impl Address {
    /// `input` with what is not said: the path of traces, and how long to record.
    fn of(input: &str, duration: Duration) -> Address {
        let (scheme, rest) = input.split_once("://").unwrap_or(("http", input));
        let scheme = scheme.to_ascii_lowercase();
        let rest = rest.split('#').next().unwrap_or_default();
        let (host, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let path = if matches!(path, "" | "/") { TRACE } else { path };
        let asked_for = query.split('&').find_map(|pair| pair.strip_prefix("seconds="));
        let mut query = query.to_owned();
        let mut records = asked_for
            .and_then(|seconds| seconds.parse().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if path.ends_with(TRACE) && asked_for.is_none() {
            let and = if query.is_empty() { "" } else { "&" };
            query = format!("{query}{and}seconds={}", duration.as_secs_f64());
            records = Some(duration);
        }
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let public = host.rsplit_once('@').map_or(host, |(_, public)| public);
        Address {
            asked: format!("{scheme}://{host}{path}{query}"),
            shown: format!("{scheme}://{public}{path}{query}"),
            records: records.unwrap_or_default(),
        }
    }

    /// There is no answer.
    fn unanswered(&self, error: &Error) -> Failure {
        let shown = &self.shown;
        // The system's resolver says so in words alone.
        let unknown_host =
            matches!(error, Error::HostNotFound) || error.to_string().contains("failed to lookup");
        match error {
            _ if unknown_host => Failure::bad_input(format!("{shown}: there is no such host"))
                .remedy("is the name right, and known on this machine?"),
            Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Failure::bad_input(format!("{shown}: nobody listens there")).remedy(SERVES)
            }
            Error::Timeout(_) => {
                Failure::bad_input(format!("{shown}: no answer in time: {error}")).remedy(format!(
                    "is the host reachable, and the server well? It was waited for {} s beyond the recording",
                    GRACE.as_secs()
                ))
            }
            Error::BadUri(_) | Error::Http(_) => {
                Failure::bad_input(format!("{shown} is no address: {error}"))
                    .remedy("it looks like http://HOST:PORT/debug/pprof/trace?seconds=5")
            }
            Error::TooManyRedirects => {
                Failure::bad_input(format!("{shown} leads from one address to another"))
                    .remedy("give the last of them: `curl -sIL ADDRESS | grep -i location`")
            }
            _ if error.to_string().contains("certificate") => {
                Failure::bad_input(format!("{shown} is not trusted: {error}"))
                    .remedy("SSL_CERT_FILE=FILE names the certificates to trust, where the system does not")
            }
            _ => Failure::bad_input(format!("{shown}: {error}")).remedy(SERVES),
        }
    }

    /// The answer is that there is none.
    fn refused(&self, response: Response<Body>) -> Failure {
        let status = response.status();
        let mut said = Vec::new();
        // What can be had of it.
        let _ = response.into_body().into_reader().take(SAID).read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        let said = said.lines().next().unwrap_or_default().trim();
        let said = if said.is_empty() || said.starts_with('<') { String::new() } else { format!(": {said}") };
        let what = format!("{}: the server answers {status}{said}", self.shown);
        match status.as_u16() {
            401 | 403 | 407 => Failure::not_permitted(what).remedy(
                "name yourself in the address, if the server wants that: http://USER:PASSWORD@HOST/…",
            ),
            404 | 405 => Failure::bad_input(what).remedy(SERVES),
            400 => Failure::bad_input(what).remedy(
                "a server with a WriteTimeout serves no longer traces than that: ask for fewer seconds",
            ),
            500..=599 if said.contains("already enabled") => {
                Failure::bad_input(what).remedy("somebody else records a trace of it now: try again")
            }
            _ => Failure::bad_input(what).remedy("`curl -i ADDRESS` shows what it says"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        let check = |input, asked: &str, seconds| {
            let address = Address::of(input, Duration::from_secs(3));
            assert_eq!(address.asked, asked);
            assert_eq!(address.records, Duration::from_millis(seconds), "{input}");
        };
        let whole = "http://h:6060/debug/pprof/trace?seconds=3";
        for input in ["http://h:6060", "HTTP://h:6060/", "http://h:6060/debug/pprof/trace#x"] {
            check(input, whole, 3_000);
        }
        check(
            "http://h/debug/pprof/trace?seconds=1.5&x=1",
            "http://h/debug/pprof/trace?seconds=1.5&x=1",
            1_500,
        );
        check("http://h/a/debug/pprof/trace?x=1", "http://h/a/debug/pprof/trace?x=1&seconds=3", 3_000);
        assert!(lacks_scheme("localhost:6060") && lacks_scheme("h:80/debug/pprof/trace"));
        assert!(!lacks_scheme("a:b") && !lacks_scheme("trace.out"));
        check("https://h/files/trace.out", "https://h/files/trace.out", 0);
        check("http://h/debug/pprof/trace?seconds=-1", "http://h/debug/pprof/trace?seconds=-1", 0);
    }

    #[test]
    fn a_password_is_not_shown() {
        let address = Address::of("http://me:pass@word@h/x", Duration::from_secs(3));
        assert_eq!((&*address.shown, &*address.asked), ("http://h/x", "http://me:pass@word@h/x"));
    }
}
